"""From a provider's tokens to principals: names, roles, and the ID tokens that are not answers to our login."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey

from dicom_node.api.access import oidc_claims
from dicom_node.api.access.oidc import Attempt
from dicom_node.api.access.oidc_claims import TokenRefused
from dicom_node.api.access.principal import person_name
from dicom_node.settings import Oidc

NOW = 1_800_000_000
KEY = ECKey.generate_key("P-256", {"kid": "one"})
SETTINGS = Oidc(issuer="https://provider.example", client_id="node", audience="https://node.example/api")
CLAIMS = {
    "iss": "https://provider.example",
    "aud": "node",
    "sub": "robin",
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": "ours",
    "auth_time": NOW - 10,
}


def keys(kid: str | None) -> Key | None:
    return KEY if kid == "one" else None


def signed(**claims: Any) -> str:
    given = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    return jws.serialize_compact({"alg": "ES256", "kid": "one"}, json.dumps(given).encode(), KEY, algorithms=["ES256"])


def test_the_id_token_of_our_login_is_believed() -> None:
    assert oidc_claims.id_token(signed(), keys, SETTINGS, "ours", NOW)["sub"] == "robin"
    both = signed(aud=["node", "other"], azp="node")
    assert oidc_claims.id_token(both, keys, SETTINGS, "ours", NOW)["sub"] == "robin"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"aud": ["node", "other"]},  # without azp nobody says whom it was for
        {"azp": "other"},
        {"nonce": "another login's"},
        {"nonce": None},
        {"auth_time": None},
        {"auth_time": "yesterday"},
        {"auth_time": True},
        {"exp": NOW - 61},
        {"iat": NOW + 61},
        {"iss": "https://provider.example/"},
    ],
)
def test_another_id_token_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        oidc_claims.id_token(signed(**claims), keys, SETTINGS, "ours", NOW)


@pytest.mark.parametrize(("algorithm", "believed"), [("RS256", True), ("RS512", False), ("PS256", False)])
def test_the_token_does_not_choose_its_algorithm(algorithm: str, believed: bool) -> None:
    key = RSAKey.generate_key(2048, {"kid": "one"})  # the provider did not bind it to one
    token = jws.serialize_compact(
        {"alg": algorithm, "kid": "one"}, json.dumps(CLAIMS).encode(), key, algorithms=[algorithm]
    )
    try:
        found = oidc_claims.id_token(token, lambda _: key, SETTINGS, "ours", NOW)
    except TokenRefused:
        found = {}
    assert bool(found) == believed


@given(st.text(max_size=200))
def test_whatever_is_no_token_is_refused_and_never_fails_otherwise(text: str) -> None:
    with pytest.raises(TokenRefused):
        oidc_claims.id_token(text, keys, SETTINGS, "ours", NOW)


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"family_name": "Reader", "given_name": "Robin", "name": "Dr Robin Reader"}, "Reader^Robin"),
        ({"family_name": "von der Heide"}, "von der Heide"),
        ({"name": "Robin Reader"}, "Robin Reader"),
        ({"preferred_username": "rreader"}, "rreader"),
        ({"family_name": "A^B=C\\D", "given_name": "E\nF"}, "A B C D^E F"),
        ({"family_name": "^", "name": None}, "robin"),
        ({"family_name": 7, "name": ["x"]}, "robin"),
        ({}, "robin"),
        ({"sub": "^"}, "Unnamed"),
    ],
)
def test_a_person_is_named_by_the_best_that_the_provider_tells(claims: dict[str, Any], name: str) -> None:
    assert oidc_claims.person(CLAIMS | claims, SETTINGS, "Hospital", "oidc-session").name == name


@given(st.text(), st.text())
def test_a_person_name_is_always_a_valid_pn(family: str, given_name: str) -> None:
    """PS3.5 section 6.2: at most 64 characters, no `\\` and no control characters; here two components at most."""
    made = person_name(family, given_name)
    assert len(made) <= 64
    assert made.isprintable()
    assert "\\" not in made
    assert "=" not in made
    assert made.count("^") <= 1
    assert made == made.strip("^ ")


@pytest.mark.parametrize(
    ("path", "claims", "roles"),
    [
        ("roles", {"roles": ["radiologist", "cleaner"]}, {"radiologist"}),
        ("roles", {"roles": "admin"}, {"admin"}),
        ("realm_access.roles", {"realm_access": {"roles": ["viewer"]}}, {"viewer"}),
        ("https://hospital.example/roles", {"https://hospital.example/roles": ["viewer"]}, {"viewer"}),
        ("roles", {"roles": {"radiologist": True}}, set()),
        ("roles", {"roles": [["radiologist"], 1, None]}, set()),
        ("roles.deeper", {"roles": ["radiologist"]}, set()),
        ("roles", {}, set()),
    ],
)
def test_roles_are_where_the_setting_says(path: str, claims: dict[str, Any], roles: set[str]) -> None:
    assert oidc_claims.roles(claims, SETTINGS.model_copy(update={"roles_claim": path})) == roles


def test_the_providers_own_role_names_are_mapped() -> None:
    mapped = SETTINGS.model_copy(update={"radiologist_roles": ("RAD_CONSULTANT", "RAD_RESIDENT"), "viewer_roles": ()})
    assert oidc_claims.roles({"roles": ["RAD_RESIDENT", "viewer"]}, mapped) == {"radiologist"}


def test_a_program_never_gets_the_role_of_a_radiologist() -> None:
    found = oidc_claims.machine({"sub": "job", "roles": ["radiologist", "viewer"]}, SETTINGS, "Hospital", _moment())
    assert (found.kind, found.roles) == ("machine", {"viewer"})


@given(st.from_regex(r"/(read/[0-9.]{1,64})?", fullmatch=True))
def test_a_login_under_way_comes_back_to_where_it_began(page: str) -> None:
    begun = Attempt.begin(page)
    kept = Attempt.of_cookie(begun.cookie)
    assert kept == begun
    assert kept.following == page
    assert begun.secret not in (begun.state, begun.nonce, begun.verifier, begun.challenge)
    assert len({begun.state, begun.nonce, begun.verifier, begun.challenge}) == 4


@given(st.text())
def test_a_forged_cookie_never_leads_to_another_page(value: str) -> None:
    kept = Attempt.of_cookie(value)
    assert kept is None or kept.following == "/" or kept.following.startswith("/read/")


def _moment() -> Any:
    found = oidc_claims.logged_in({"auth_time": NOW})
    assert found is not None
    return found
