"""`/auth`: who is logged in, logging in with the node's token or at the OpenID provider, logging out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from dicom_node.api.access import cookies
from dicom_node.api.access.callers import Anyone
from dicom_node.api.access.denials import CrossSite, Denied, Forbidden, ProviderUnavailable
from dicom_node.api.access.gate import Gate, network_of, who_of
from dicom_node.api.access.oidc import PAGES, Attempt
from dicom_node.api.access.oidc_claims import TokenRefused
from dicom_node.api.access.origins import origin_of, same_origin
from dicom_node.api.access.principal import Principal, person_name, self_declared
from dicom_node.api.problems import declared

log = structlog.get_logger()
router = APIRouter(prefix="/auth", tags=["access"])

LoginFailure = Literal["login_refused", "login_expired", "provider_unavailable"]


def _person_name(text: str) -> str:
    family, _, given = text.partition("^")
    made = person_name(family, given.replace("^", " "))
    if not made:
        raise ValueError("a name needs a letter")
    return made


class Body(BaseModel):
    model_config = ConfigDict(frozen=True)


class SessionRequest(Body):
    """A person at a node without an identity provider: whoever holds its token says who they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr = Field(description="The token that the node printed at its first start.", max_length=512)
    name: Annotated[str, Field(max_length=64), AfterValidator(_person_name)] = Field(
        description="The person's own name, `Family^Given`.", examples=["Reader^Robin"]
    )
    organisation: str = Field("", max_length=64, description="Where the person works; empty: as the node is set.")


class Me(Body):
    """Who is logged in here, and how one logs in."""

    principal: Principal | None
    login: Literal["token", "oidc"]
    expires: datetime | None = Field(description="The session's end in any case.")
    idle_minutes: float = Field(description="The session ends too after so long without a request.")
    fresh_until: datetime | None = Field(description="Until then the login is fresh enough to sign.")


class LoggedOut(Body):
    end_session: str | None = Field(description="Where to go to log out at the provider too.")


@router.get("/me", responses=declared(401, 429, 503))
def me(request: Request, found: Anyone) -> Me:
    """Never a 401 for want of a login: then `principal` is null."""
    gate: Gate = request.app.state.gate
    secret = cookies.session_cookie(request, gate.settings)
    kept = gate.sessions.find(secret) if secret and found and found.through.endswith("session") else None
    return _me(gate, found, datetime.fromtimestamp(kept.expires, UTC) if kept else None)


@router.post("/session", status_code=201, responses=declared(401, 403, 422, 429))
def open_session(request: Request, response: Response, asked: SessionRequest) -> Me:
    """Log a person in with the node's token. The name is self-declared, and the audit trail says so."""
    gate: Gate = request.app.state.gate
    try:
        person = _self_declared(gate, request, asked)
    except Denied:
        gate.trail.login(who_of(None, network_of(request)), ok=False)
        raise
    _start(gate, request, response, person)
    return _me(gate, person, gate.now + timedelta(seconds=gate.sessions.longest))


@router.get("/login", response_class=RedirectResponse, status_code=303, responses=declared(404, 422))
def login(
    request: Request,
    following: Annotated[
        str, Query(alias="next", pattern=PAGES.pattern, description="The page to come back to.")
    ] = "/",
    again: Annotated[bool, Query(description="Ask for the password again, to sign.")] = False,
) -> RedirectResponse:
    """To the OpenID provider, and back by `/auth/callback`. Without a provider: to the page."""
    gate: Gate = request.app.state.gate
    if gate.provider is None:
        return RedirectResponse(following, 303)
    attempt = Attempt.begin(following)
    try:
        address = gate.provider.login_address(attempt, origin_of(request, gate.settings), again=again)
    except ProviderUnavailable:
        return _failed(following, "provider_unavailable")
    away = RedirectResponse(address, 303)
    cookies.set_login(away, attempt.cookie, gate.settings)
    return away


@router.get("/callback", response_class=RedirectResponse, status_code=303, include_in_schema=False)
def callback(request: Request) -> RedirectResponse:
    """The provider's answer. Ends on the page, logged in or with `#login=` and why not."""
    gate: Gate = request.app.state.gate
    attempt = Attempt.of_cookie(cookies.login_cookie(request, gate.settings) or "")
    if attempt is None or gate.provider is None:
        back = _failed("/", "login_expired")
    else:
        back = _completed(gate, request, attempt)
    cookies.drop_login(back, gate.settings)
    return back


@router.post("/logout", responses=declared(401, 403, 429, 503))
def logout(request: Request, response: Response, found: Anyone) -> LoggedOut:
    """End the session. Without one, nothing happens."""
    gate: Gate = request.app.state.gate
    secret = cookies.session_cookie(request, gate.settings)
    if secret is not None:
        gate.sessions.close(secret)
        cookies.drop_session(response, gate.settings)
    if found is None:
        return LoggedOut(end_session=None)
    gate.trail.logout(who_of(found, network_of(request)))
    return LoggedOut(end_session=_end_session(gate, request, found))


def _me(gate: Gate, found: Principal | None, expires: datetime | None) -> Me:
    person = found if found and found.kind == "person" else None
    return Me(
        principal=found,
        login="oidc" if gate.provider else "token",
        expires=expires,
        idle_minutes=gate.settings.session_idle_minutes,
        fresh_until=person.authenticated + timedelta(minutes=gate.settings.fresh_login_minutes) if person else None,
    )


def _self_declared(gate: Gate, request: Request, asked: SessionRequest) -> Principal:
    """Raises `CrossSite`, `Forbidden`, `TooManyRequests` or `Unauthenticated`."""
    from_browser = bool({"origin", "sec-fetch-site"} & set(request.headers))
    if from_browser and not same_origin(request, gate.settings):
        raise CrossSite("another site's page sent this", way_out="Use the node's own page.")
    if gate.provider is not None:
        raise Forbidden("persons log in at the OpenID provider here", way_out="Open /auth/login.")
    network = network_of(request)
    if not gate.holds_token(asked.token.get_secret_value(), network):
        raise gate.wrong(network)
    return self_declared(asked.name, asked.organisation or gate.settings.organisation, gate.now)


def _start(gate: Gate, request: Request, response: Response, person: Principal) -> None:
    """A new secret at every login (session fixation), and the end of the session before."""
    earlier = cookies.session_cookie(request, gate.settings)
    if earlier is not None:
        gate.sessions.close(earlier)
    cookies.set_session(response, gate.sessions.open(person), gate.settings)
    gate.trail.login(who_of(person, network_of(request)), ok=True)


def _completed(gate: Gate, request: Request, attempt: Attempt) -> RedirectResponse:
    assert gate.provider is not None  # noqa: S101 (the caller looked)
    try:
        person = gate.provider.complete(attempt, request.query_params, origin_of(request, gate.settings))
    except TokenRefused as error:
        log.warning("login.refused", why=str(error))
        gate.trail.login(who_of(None, network_of(request)), ok=False)
        return _failed(attempt.following, "login_refused")
    except ProviderUnavailable:
        return _failed(attempt.following, "provider_unavailable")
    back = RedirectResponse(attempt.following, 303)
    _start(gate, request, back, person)
    return back


def _failed(following: str, why: LoginFailure) -> RedirectResponse:
    return RedirectResponse(f"{following}#login={why}", 303)


def _end_session(gate: Gate, request: Request, found: Principal) -> str | None:
    if gate.provider is None or found.through != "oidc-session":
        return None
    try:
        return gate.provider.logout_address(origin_of(request, gate.settings))
    except ProviderUnavailable:
        return None  # logged out here all the same
