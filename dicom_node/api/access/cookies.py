"""The two cookies: the page's session, and a login under way. Both hold random secrets, no data of a person."""

from __future__ import annotations

from typing import Literal

from fastapi import Request, Response

from dicom_node.api.access.origins import encrypted
from dicom_node.settings import Api

SESSION = "medvlm_session"
LOGIN = "medvlm_login"
LOGIN_SECONDS = 600


def session_cookie(request: Request, settings: Api) -> str | None:
    return request.cookies.get(_name(SESSION, settings))


def set_session(response: Response, secret: str, settings: Api) -> None:
    """No Max-Age: closing the browser of a shared reading room ends it too."""
    _set(response, SESSION, secret, settings, "strict", None)


def drop_session(response: Response, settings: Api) -> None:
    _set(response, SESSION, "", settings, "strict", 0)


def login_cookie(request: Request, settings: Api) -> str | None:
    return request.cookies.get(_name(LOGIN, settings))


def set_login(response: Response, value: str, settings: Api) -> None:
    """Lax: the provider's redirect back is a navigation that another site began, which Strict would not go with."""
    _set(response, LOGIN, value, settings, "lax", LOGIN_SECONDS)


def drop_login(response: Response, settings: Api) -> None:
    _set(response, LOGIN, "", settings, "lax", 0)


def _set(
    response: Response, name: str, value: str, settings: Api, same_site: Literal["lax", "strict"], seconds: int | None
) -> None:
    response.set_cookie(
        _name(name, settings), value, max_age=seconds, httponly=True, samesite=same_site, secure=encrypted(settings)
    )


def _name(name: str, settings: Api) -> str:
    """`__Host-` (RFC 6265bis section 4.1.3.2) pins a cookie to this host, which only HTTPS can promise."""
    return f"__Host-{name}" if encrypted(settings) else name
