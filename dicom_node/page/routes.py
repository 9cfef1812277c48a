"""The page's routes: one document for every view, and the files it is built of. None holds data of a patient."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, HTMLResponse, Response

from dicom_node.errors import NotFound

STATIC = Path(__file__).parent / "static"
# With `nosniff` a wrong type keeps a script from running, and WebAssembly from being compiled as it arrives.
MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
FOREVER = "public, max-age=31536000, immutable"  # the names hold a hash of the content
ASK_AGAIN = "no-cache"

AssetName = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$", max_length=200)]


def pages(static: Path) -> APIRouter:
    """The routes over a built page. Every view is a path of its own, and the document the same."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    @routes.get("/read/{study_uid}")
    def document(request: Request, study_uid: str = "") -> Response:
        index = static / "index.html"
        if not index.is_file():
            return HTMLResponse(_not_built(), 503, {"Cache-Control": "no-store"})
        return _file(request, index, ASK_AGAIN)

    @routes.get("/favicon.svg")
    def icon(request: Request) -> Response:
        return _file(request, static / "favicon.svg", ASK_AGAIN)

    @routes.get("/assets/{name}")
    def asset(request: Request, name: AssetName) -> Response:
        return _file(request, static / "assets" / name, FOREVER)

    return routes


def _file(request: Request, path: Path, keep: str) -> Response:
    media_type = MEDIA_TYPES.get(path.suffix)
    if media_type is None or not path.is_file():
        raise NotFound("the page has no such file")
    headers = {"Cache-Control": keep, "Vary": "Accept-Encoding"}
    compressed = path.with_name(path.name + ".gz")
    if "gzip" in request.headers.get("accept-encoding", "") and compressed.is_file():
        return FileResponse(compressed, media_type=media_type, headers=headers | {"Content-Encoding": "gzip"})
    return FileResponse(path, media_type=media_type, headers=headers)


def _not_built() -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>medvlm</title>'
        "<h1>The reading page is not built</h1>"
        "<p>The node runs, receives and reports; only its page is missing. "
        "In a checkout, <code>make page</code> builds it; an installed package carries it.</p>"
    )


router = pages(STATIC)
