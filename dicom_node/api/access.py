"""Who may ask: a bearer of the token, or a browser that was given the session cookie for it.

The token is made at the first start and kept in the archive folder, readable by the node's user alone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

COOKIE = "medvlm_session"
_bearer = HTTPBearer(auto_error=False, description="The token that the node printed at its first start.")


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


def caller(request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]) -> str:
    """Who asks, for the record. 401 without the token."""
    given = credentials.credentials if credentials else request.cookies.get(COOKIE, "")
    if not secrets.compare_digest(given.encode(), request.app.state.token.encode()):
        raise HTTPException(401, "The token is missing or wrong.", headers={"WWW-Authenticate": "Bearer"})
    return "page" if credentials is None else "token"


Caller = Annotated[str, Depends(caller)]
