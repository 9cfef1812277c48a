"""From a provider's signed token to a principal. Pure: keys and clock come in.

Sources: OpenID Connect Core 1.0 section 3.1.3.7; RFC 7519; RFC 8725 (best practice); RFC 9068 (access tokens).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, Key
from joserfc.jws import JWSRegistry

from dicom_node.api.access.principal import Principal, Role, person_name, reserved
from dicom_node.settings import Oidc

ALGORITHMS = ("RS256", "ES256", "EdDSA", "Ed25519")
"""An allow-list of signatures (RFC 8725 section 3.1): what the token asks for is never enough."""
SKEW_SECONDS = 60
SUBJECT_CHARACTERS = 255  # OpenID Connect Core section 2
ACCESS_TOKEN_TYPES = (None, "jwt", "at+jwt", "application/at+jwt")
ID_TOKEN_CLAIMS = ("nonce", "at_hash", "c_hash")

# The header may hold parameters that nobody here knows (RFC 7515 section 4); `crit` ones are refused all the same.
_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)

Claims = Mapping[str, Any]
FindKey = Callable[[str | None], Key | None]


class TokenRefused(Exception):
    """Why a token is not believed, in words without its content."""


def id_token(text: str, find_key: FindKey, oidc: Oidc, nonce: str, now: float) -> Claims:
    """The claims of an ID token that answers our own request. Raises `TokenRefused`."""
    _, claims = _verified(text, find_key, oidc.issuer, oidc.client_id, now)
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else oidc.client_id) != oidc.client_id:
        raise TokenRefused("azp: issued to another client")
    if claims.get("nonce") != nonce:
        raise TokenRefused("nonce: answers another login")
    if logged_in(claims) is None:
        raise TokenRefused("auth_time: missing, though max_age asks for it")
    return claims


def access_token(text: str, find_key: FindKey, oidc: Oidc, now: float) -> Claims:
    """The claims of an access token for our API. Raises `TokenRefused`."""
    header, claims = _verified(text, find_key, oidc.issuer, oidc.audience, now)
    kind = header.get("typ")
    if (kind.lower() if isinstance(kind, str) else kind) not in ACCESS_TOKEN_TYPES:
        raise TokenRefused("typ: not an access token")
    # Some providers mark ID and refresh tokens only in the payload.
    if any(name in claims for name in ID_TOKEN_CLAIMS) or claims.get("typ", "Bearer") != "Bearer":
        raise TokenRefused("this is another kind of token")
    return claims


def _verified(text: str, find_key: FindKey, issuer: str, audience: str, now: float) -> tuple[Claims, Claims]:
    def key(token: GuestProtocol) -> Key:
        kid = token.headers().get("kid")
        found = find_key(kid if isinstance(kid, str) else None)
        if found is None:
            raise TokenRefused("kid: no such key")
        return found

    rules = jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=SKEW_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
    )
    try:
        token = jwt.decode(text, key, algorithms=ALGORITHMS, registry=_REGISTRY)
        rules.validate(token.claims)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused(f"{type(error).__name__} {getattr(error, 'claim', '') or ''}".strip()) from None
    subject = token.claims["sub"]
    if len(subject) > SUBJECT_CHARACTERS or reserved(subject):
        raise TokenRefused("sub: too long, or a name that only this node gives")
    return token.header, token.claims


def logged_in(claims: Claims) -> datetime | None:
    """`auth_time`: when the person authenticated (OpenID Connect Core section 2)."""
    seconds = claims.get("auth_time")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 2**33:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def person(claims: Claims, oidc: Oidc, organisation: str, through: Literal["oidc-session", "oidc-bearer"]) -> Principal:
    """The person whom verified claims with an `auth_time` speak of."""
    authenticated = logged_in(claims)
    if authenticated is None:
        raise TokenRefused("auth_time: missing")
    return Principal(
        subject=claims["sub"],
        name=_name(claims),
        organisation=_text(found(claims, oidc.organisation_claim)) or organisation,
        roles=roles(claims, oidc),
        kind="person",
        authenticated=authenticated,
        through=through,
    )


def machine(claims: Claims, oidc: Oidc, organisation: str, now: datetime) -> Principal:
    """A program with its own account: it never is a radiologist."""
    return Principal(
        subject=claims["sub"],
        name="",
        organisation=_text(found(claims, oidc.organisation_claim)) or organisation,
        roles=roles(claims, oidc) - {"radiologist"},
        kind="machine",
        authenticated=now,
        through="oidc-bearer",
    )


def roles(claims: Claims, oidc: Oidc) -> frozenset[Role]:
    """Our roles by the provider's values."""
    held = found(claims, oidc.roles_claim)
    values = {held} if isinstance(held, str) else {one for one in held or () if isinstance(one, str)}
    mapping: dict[Role, tuple[str, ...]] = {
        "viewer": oidc.viewer_roles,
        "radiologist": oidc.radiologist_roles,
        "admin": oidc.admin_roles,
    }
    return frozenset(role for role, names in mapping.items() if values.intersection(names))


def found(claims: Claims, path: str) -> Any:
    """A string or a list at `path`: a claim of that very name (names may hold dots), else a path through objects."""
    value: Any = claims.get(path)
    if value is None:
        value = claims
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, str | list) else None


def _name(claims: Claims) -> str:
    """A PN (PS3.5 section 6.2.1) of the best that the provider tells; never empty."""
    family, given = _text(claims.get("family_name")), _text(claims.get("given_name"))
    told = (_text(claims.get(name)) for name in ("name", "preferred_username", "sub"))
    names = ((family, given) if family else ("", ""), *((one, "") for one in told))
    return next((made for made in (person_name(*one) for one in names) if made), "Unnamed")


def _text(value: Any) -> str:
    return " ".join(value.split())[:64] if isinstance(value, str) else ""
