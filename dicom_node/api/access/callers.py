"""Who may ask what: the dependencies that routes name.

A caller is known by a bearer token (the node's own, or an OpenID provider's) or by the session cookie of the page.
The node's own token is made at the first start and kept in the archive folder, readable by the node's user alone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from dicom_node.api.access.cookies import SESSION, session_cookie
from dicom_node.api.access.denials import CrossSite, Denied, Forbidden, LoginNotFresh, Unauthenticated
from dicom_node.api.access.gate import Gate, network_of
from dicom_node.api.access.origins import same_origin
from dicom_node.api.access.principal import Principal, Role

__all__ = ["Admin", "Anyone", "Editor", "Principal", "Role", "Signer", "Viewer", "token_of"]

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")  # RFC 9110 section 9.2.1

_bearer = HTTPBearer(
    auto_error=False, description="The token that the node printed at its first start, or the provider's access token."
)
_cookie = APIKeyCookie(name=SESSION, auto_error=False, description="The page's session.")


def token_of(configured: str, root: Path) -> str:
    """The configured token, or the kept one, made on first use."""
    if configured:
        return configured
    kept = root / "api-token"
    if not kept.exists():
        _keep(kept, secrets.token_urlsafe(24))
    return kept.read_text().strip()


def _keep(path: Path, token: str) -> None:
    """Whole or not at all, and the first of several processes wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix="api-token.") as file:  # mode 0600
        file.write(token)
        file.flush()
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)


def anyone(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    _documented: Annotated[str | None, Security(_cookie)],
) -> Principal | None:
    """Who asks; nobody without a credential or with an ended session. A wrong token is refused (401)."""
    gate: Gate = request.app.state.gate
    try:
        return _established(gate, request, bearer)
    except Denied as error:
        raise gate.turn_away(request, None, error, "a right credential") from None


def _established(gate: Gate, request: Request, bearer: HTTPAuthorizationCredentials | None) -> Principal | None:
    if "Authorization" in request.headers:  # an empty one too: it was meant to be a credential
        network = network_of(request)
        if bearer is None:
            raise gate.wrong(network)
        return gate.of_bearer(bearer.credentials, network)
    secret = session_cookie(request, gate.settings)
    if secret is None:
        return None
    # The browser sends a cookie by itself; that the page itself asked shows only in these headers.
    if request.method not in SAFE_METHODS and not same_origin(request, gate.settings):
        raise CrossSite("another site's page sent this", way_out="Use the node's own page, or a bearer token.")
    found = gate.sessions.find(secret)
    return found.principal if found else None


Anyone = Annotated[Principal | None, Depends(anyone)]


def viewer(request: Request, found: Anyone) -> Principal:
    return _allowed(request, found, _viewer_lacks(found), "any role")


def editor(request: Request, found: Anyone) -> Principal:
    return _allowed(request, found, _viewer_lacks(found) or _editor_lacks(found), "a radiologist in person")


def signer(request: Request, found: Anyone) -> Principal:
    gate: Gate = request.app.state.gate
    lacks = _viewer_lacks(found) or _editor_lacks(found) or _signer_lacks(gate, found)
    return _allowed(request, found, lacks, "a radiologist with a fresh login")


def admin(request: Request, found: Anyone) -> Principal:
    return _allowed(request, found, _viewer_lacks(found) or _admin_lacks(found), "the role admin")


Viewer = Annotated[Principal, Depends(viewer)]
"""Any role. 401 without a credential, 403 without a role."""
Editor = Annotated[Principal, Depends(editor)]
"""A person with the role radiologist."""
Signer = Annotated[Principal, Depends(signer)]
"""An editor who logged in no longer than `api.fresh_login_minutes` ago; else 403 login_not_fresh."""
Admin = Annotated[Principal, Depends(admin)]
"""The role admin."""


def _allowed(request: Request, found: Principal | None, lacks: Denied | None, needs: str) -> Principal:
    gate: Gate = request.app.state.gate
    if found is None or lacks is not None:
        raise gate.turn_away(request, found, lacks or _unknown(), needs)
    return found


def _unknown() -> Unauthenticated:
    return Unauthenticated("nobody is logged in", way_out="Open the page and log in, or send a bearer token.")


def _viewer_lacks(found: Principal | None) -> Denied | None:
    if found is None:
        return _unknown()
    if not found.roles:
        return Forbidden("your login carries no role of this node", way_out="Who keeps the accounts can give one.")
    return None


def _editor_lacks(found: Principal | None) -> Denied | None:
    if found is not None and found.kind == "person" and "radiologist" in found.roles:
        return None
    return Forbidden("only a radiologist in person may do this", way_out="Log in on the page as one.")


def _signer_lacks(gate: Gate, found: Principal | None) -> Denied | None:
    longest = timedelta(minutes=gate.settings.fresh_login_minutes)
    if found is not None and gate.now - found.authenticated <= longest:
        return None
    again = "/auth/login?again=true" if gate.provider else "POST /auth/session"
    return LoginNotFresh("the login is too old to sign with", way_out=f"Log in once more ({again}), then repeat this.")


def _admin_lacks(found: Principal | None) -> Denied | None:
    if found is not None and "admin" in found.roles:
        return None
    return Forbidden("this needs the role admin", way_out="Who keeps the accounts can give it.")
