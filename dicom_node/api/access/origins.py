"""The node's own address as browsers see it, and whether a request came from a page of it."""

from __future__ import annotations

from fastapi import Request

from dicom_node.settings import Api

EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 (compared with, not listened on)


def encrypted(settings: Api) -> bool:
    """Browsers speak HTTPS with the node, or with the proxy before it."""
    return bool(settings.tls_certificate) or settings.public_url.startswith("https://")


def page_address(settings: Api, token: str = "") -> str:
    """Where a browser finds the page. A token goes into the fragment, which never leaves the browser."""
    scheme = "https" if encrypted(settings) else "http"
    name = "localhost" if settings.host in EVERYWHERE else settings.host
    host = f"[{name}]" if ":" in name else name
    root = settings.public_url or f"{scheme}://{host}:{settings.port}"
    return f"{root}/" + (f"#token={token}" if token else "")


def origin_of(request: Request, settings: Api) -> str:
    """The origin of the node's page for this request. `Host` was checked before (`hosts.AllowedHosts`)."""
    return settings.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"


def same_origin(request: Request, settings: Api) -> bool:
    """Whether a page of this node sent it: by Fetch Metadata, else by `Origin`; browsers let no page forge either.

    Sec-Fetch-Site is sent to trustworthy origins only (HTTPS, loopback); elsewhere `Origin` decides.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("origin") == origin_of(request, settings)
