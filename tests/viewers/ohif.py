"""The OHIF viewer as it is published, offline: fetched once through npm, unpacked beside the checkout's other data."""

from __future__ import annotations

import base64
import hashlib
import json
import mimetypes
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from tests.data import CHECKOUT
from tests.peers import HOST, MAY_SKIP, free_port

PACKAGE = "@ohif/app@3.13.2"
INTEGRITY = "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
FOLDER = CHECKOUT / "data" / "viewers" / "ohif-3.13.2"
# Its page holds scripts and styles of its own: looser than ours, and one more reason for another origin.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' blob: data:; manifest-src 'self'"
)
SOURCE = {
    "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
    "sourceName": "dicomweb",
    "configuration": {
        "friendlyName": "node",
        "name": "node",
        "qidoRoot": "/dicomweb",
        "wadoRoot": "/dicomweb",
        "wadoUriRoot": "/dicomweb",
        "imageRendering": "wadors",
        "thumbnailRendering": "wadors",
        "enableStudyLazyLoad": True,
        "qidoSupportsIncludeField": True,
        "supportsWildcard": True,
        "singlepart": "",
        "omitQuotationForMultipartRequest": True,
        "bulkDataURI": {"enabled": True, "relativeResolution": "studies"},
    },
}
CONFIGURATION = {
    "routerBasename": "/",
    "showStudyList": True,
    "extensions": [],
    "modes": [],
    "investigationalUseDialog": {"option": "never"},
    "defaultDataSourceName": "dicomweb",
    "dataSources": [SOURCE],
}


def viewer_files() -> Path:
    """The built page. In CI it is a failure when it cannot be fetched, elsewhere a skip."""
    built = FOLDER / "package" / "dist"
    if not (built / "index.html").exists():
        try:
            _fetch()
        except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
            if MAY_SKIP:
                pytest.skip(f"the viewer cannot be fetched: {type(error).__name__}")
            raise
    return built


def _fetch() -> None:
    npm = shutil.which("npm", path=os.pathsep.join([str(Path(sys.prefix) / "bin"), *os.get_exec_path()])) or "npm"
    environment = os.environ | {"PATH": os.pathsep.join([str(Path(npm).parent), *os.get_exec_path()])}
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as folder:
        packed = subprocess.run(
            [npm, "pack", "--json", "--ignore-scripts", PACKAGE],
            cwd=folder,
            env=environment,
            capture_output=True,
            check=True,
            timeout=240,
        )
        told = json.loads(packed.stdout)
        archive = Path(folder) / (told[0] if isinstance(told, list) else next(iter(told.values())))["filename"]
        if digest(archive) != INTEGRITY:
            raise ValueError("not the package that was looked at")
        unpacked = Path(folder) / "unpacked"
        with tarfile.open(archive) as tar:
            members = [one for one in tar if not one.name.endswith(".map")]
            tar.extractall(unpacked, members, filter="data")
        unpacked.rename(FOLDER)


def digest(file: Path) -> str:
    """In the form of npm's lock files (Subresource Integrity)."""
    return "sha512-" + base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()


@contextmanager
def viewer(dicomweb: str, token: str) -> Iterator[str]:
    """The viewer's origin, with the node's DICOMweb under `/dicomweb`, asked with the token."""
    built = viewer_files()
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(_application(built, dicomweb, token), host=HOST, port=port, log_level="error")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def _application(built: Path, dicomweb: str, token: str) -> Starlette:
    node = httpx.Client(trust_env=False, timeout=60, headers={"Authorization": f"Bearer {token}"})

    def forward(request: Request) -> Response:
        passed = {name: request.headers[name] for name in ("accept", "host") if name in request.headers}
        answer = node.get(f"{dicomweb}/{request.path_params['path']}", params=request.url.query, headers=passed)
        headers = {"Content-Type": answer.headers["content-type"]} if "content-type" in answer.headers else {}
        return Response(answer.content, answer.status_code, headers)

    def configuration(_request: Request) -> Response:
        return Response(f"window.config = {json.dumps(CONFIGURATION)};", media_type="text/javascript")

    def page(request: Request) -> Response:
        file = built / request.path_params["path"]
        found = file if file.is_file() and file.resolve().is_relative_to(built.resolve()) else built / "index.html"
        kind = {".js": "text/javascript", ".wasm": "application/wasm"}.get(found.suffix)
        media_type = kind or mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        return FileResponse(found, media_type=media_type, headers={"Content-Security-Policy": POLICY})

    return Starlette(
        routes=[
            Route("/app-config.js", configuration),
            Route("/dicomweb/{path:path}", forward),
            Route("/{path:path}", page),
        ]
    )
