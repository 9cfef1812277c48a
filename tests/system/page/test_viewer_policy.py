"""U2, the page's part: what its files are served as, and that a browser is told so."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dicom_node.page.build import STATIC, build
from dicom_node.page.routes import pages
from tests.system.page.reading_room import Room

TYPES = {".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm"}
DIRECTIVES = {
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


@pytest.fixture
def node(room: Room) -> httpx.Client:
    return httpx.Client(base_url=room.node.api_url)


def _policy(answer: httpx.Response) -> set[str]:
    return {part.strip() for part in answer.headers["content-security-policy"].split(";")}


def test_page_scripts_workers_and_errors_carry_the_same_policy(node: httpx.Client) -> None:
    answers = [node.get(path) for path in ("/", "/read/1.2.3", *_assets(), "/assets/none.js", "/api/v1/studies")]
    assert len(answers) > 6
    for answer in answers:
        assert _policy(answer) >= DIRECTIVES, answer.url
        assert not {"'unsafe-inline'", "'unsafe-eval'"} & set(" ".join(_policy(answer)).split()), answer.url
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_hashed_files_are_kept_and_the_document_is_asked_for_again(node: httpx.Client) -> None:
    assert node.get("/").headers["cache-control"] == "no-cache"
    for path in _assets():
        assert "immutable" in node.get(path).headers["cache-control"]


@pytest.mark.parametrize("suffix", TYPES)
def test_files_are_served_as_what_they_are(suffix: str, node: httpx.Client) -> None:
    found = [path for path in _assets() if path.endswith(suffix)]
    assert found
    for path in found:
        answer = node.get(path)
        assert answer.headers["content-type"].partition(";")[0] == TYPES[suffix]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_build_leaves_what_is_large_compressed(node: httpx.Client) -> None:
    build()
    largest = max(_assets(), key=lambda path: (STATIC / path.lstrip("/")).stat().st_size)
    assert node.get(largest).headers["content-encoding"] == "gzip"


def test_the_document_names_no_inline_script_style_or_other_host(node: httpx.Client) -> None:
    document = node.get("/").text
    assert not re.search(r"<style|\sstyle=|\son\w+=|https?://", document)
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", document))


def test_what_lies_beside_the_page_is_not_served(node: httpx.Client) -> None:
    for path in ("/assets/..%2findex.html", "/assets/..%2fbuilt-from.sha256", "/assets/%2e%2e", "/static/index.html"):
        assert node.get(path).status_code in (404, 422)


def test_a_page_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    api = FastAPI()
    api.include_router(pages(tmp_path))
    answer = TestClient(api).get("/")
    assert answer.status_code == 503
    assert "make page" in answer.text


def _assets() -> list[str]:
    return [f"/assets/{path.name}" for path in sorted((STATIC / "assets").iterdir()) if path.suffix != ".gz"]
