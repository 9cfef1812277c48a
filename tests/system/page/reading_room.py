"""A node with a test PACS, and readers who sit before it in Chromium. Whatever the browser complains of is kept."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect
from pydicom import Dataset

from dicom_node.api.access.callers import token_of
from dicom_node.demo.pacs import Pacs, pacs
from tests.builders import dx_film
from tests.peers import end, free_port, wait_for_port
from tests.running_node import CHECKOUT, RunningNode, running_node

READER = "Anna Reader"
WINDOW = {"width": 1440, "height": 900}
FILM_SHAPE = (480, 400)


@dataclass
class Seat:
    """One reader's browser. `complaints` are console errors, page errors, failed requests, policy violations."""

    room: Room
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"page: {error}"))
        page.on("requestfailed", self._failed)
        page.on("request", lambda request: self.requests.append(request.url))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        # A page that is left cuts its own stream of events, and a stopped answer is cut on purpose.
        if request.url.endswith("/events") or request.failure == "net::ERR_ABORTED":
            return
        self.complaints.append(f"request: {request.method} {request.url} {request.failure}")

    def sign_in(self, name: str = READER) -> None:
        self.page.goto(f"{self.room.node.api_url}/#token={self.room.token}")
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", name="Worklist")).to_be_visible()

    def open(self, study_uid: str) -> None:
        self.page.goto(f"{self.room.node.api_url}/read/{study_uid}")
        expect(self.page.locator(".finding").first).to_be_visible(timeout=20_000)
        self.image_is_shown()

    def image_is_shown(self) -> None:
        expect(self.page.locator(".viewer-pane.is-main[data-state=shown]")).to_be_visible(timeout=30_000)

    def finding(self, name: str) -> Any:
        return self.page.locator(".finding", has=self.page.locator(".name", has_text=name))

    def decide(self, name: str, verdict: str) -> None:
        self.finding(name).get_by_role("button", name=f"{verdict} ").click()

    def decide_all(self, verdict: str = "Accept") -> None:
        open_ones = self.page.locator(".finding.is-open")
        for _ in range(open_ones.count()):
            open_ones.first.get_by_role("button", name=f"{verdict} ").click()
        self.saved()

    def saved(self) -> None:
        expect(self.page.locator(".saved")).to_contain_text(", saved", timeout=15_000)


@dataclass
class Room:
    node: RunningNode
    pacs: Pacs
    trace: Path
    browser: Browser
    model_port: int
    _model: subprocess.Popen[bytes] | None = None
    _films: int = 0

    @property
    def token(self) -> str:
        return token_of("", self.node.root)

    def film(self, **elements: Any) -> Dataset:
        """A film of a new study; `PatientID` alone makes it another's."""
        self._films += 1
        return dx_film(
            shape=FILM_SHAPE,
            seed=self._films,
            study=f"page-{self._films}",
            AccessionNumber=f"P{self._films}",
            **elements,
        )

    def arrives(self, film: Dataset | None = None) -> str:
        """A study, sent by C-STORE and read: its UID."""
        film = film or self.film()
        self.node.send(film)
        self.node.wait_for(film.StudyInstanceUID, "delivered", "refused")
        return str(film.StudyInstanceUID)

    @contextmanager
    def seat(self, name: str = READER, *, clean: bool = True, **options: Any) -> Iterator[Seat]:
        """A browser of its own, signed in. At its end nothing may have been complained of."""
        context = self.browser.new_context(**{"viewport": WINDOW, "reduced_motion": "reduce"} | options)
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " (it) => console.error('policy: ' + it.violatedDirective + ' ' + it.blockedURI));"
        )
        seat = Seat(self, context, context.new_page())
        seat.watch(seat.page)
        try:
            if name:
                seat.sign_in(name)
            yield seat
            if clean:
                assert seat.complaints == []
        finally:
            context.close()

    def start_model(self) -> None:
        command = [sys.executable, "-m", "tests.system.page.page_model", str(self.model_port), str(self.trace)]
        self._model = subprocess.Popen(command, cwd=CHECKOUT, start_new_session=True)
        wait_for_port(self.model_port, self._model)

    def stop_model(self) -> None:
        if self._model:
            end(self._model)
            self._model = None

    def start_api(self) -> None:
        wait_for_port(int(self.node.settings["api__port"]), self.node.start("api"))


@contextmanager
def reading_room(folder: Path, browser: Browser, **settings: Any) -> Iterator[Room]:
    built = CHECKOUT / "dicom_node" / "page" / "static" / "index.html"
    assert built.exists(), "the page is not built: make page"
    port = free_port()
    with pacs(folder / "pacs", ae_title="PACS") as peer:
        chosen = {"model__url": f"http://127.0.0.1:{port}"} | settings
        with running_node(folder, {"pacs": ("PACS", peer.port)}, ("listener", "worker"), **chosen) as node:
            room = Room(node, peer, folder / "trace", browser, port)
            try:
                room.start_model()
                room.start_api()
                yield room
            finally:
                room.stop_model()


def eventually(claim: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if claim():
            return True
        time.sleep(0.1)
    return False
