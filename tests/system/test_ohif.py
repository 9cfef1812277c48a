"""The real OHIF viewer in Chromium over the node's DICOMweb: what a radiologist with that viewer sees of a draft."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from medvlm.contract import Box, Reading, StudyInput
from tests.builders import dx_film
from tests.clinical_desk import TOKEN, ServedModel, clinical_desk
from tests.peers import MAY_SKIP, wait_for_port
from tests.running_node import running_node
from tests.scripted_model import ScriptedSession
from tests.viewers.ohif import viewer

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(MAY_SKIP and not CHROMIUM.exists(), reason="Chromium is not installed")

ROWS, COLUMNS = 320, 240


class Corners(NamedTuple):
    x0: float
    y0: float
    x1: float
    y1: float


BOXES = {"effusion": Corners(40, 60, 120, 160), "cardiomegaly": Corners(130, 170, 220, 300)}
PROBABILITIES = {"effusion": 0.8, "cardiomegaly": 0.9}
REPORTS = '[data-cy="study-browser-thumbnail-no-image"]'
SHAPES = "svg.svg-layer polyline"
PATIENCE_MS = 60_000


class BoxedSession(ScriptedSession):
    def draft(self) -> Reading:
        made, film = super().draft(), self._study.images[0].sop_instance_uid
        findings = [
            one.model_copy(
                update={
                    "presence": "present",
                    "probability": PROBABILITIES[one.name],
                    "evidence": (Box(sop_instance_uid=film, **BOXES[one.name]._asdict()),),
                }
            )
            for one in made.findings
        ]
        return made.model_copy(update={"findings": tuple(findings)})


class BoxedModel(ServedModel):
    def open(self, study: StudyInput) -> BoxedSession:
        return BoxedSession(study)


@dataclass(frozen=True)
class Opened:
    """A viewer's origin, a drafted study, and a browser."""

    origin: str
    study_uid: str
    browser: Browser


@dataclass
class Watched:
    """A page and everything that must not happen in it."""

    page: Page
    origin: str
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        self.page.on("console", lambda said: self._said(said.type, said.text))
        self.page.on("requestfailed", lambda asked: self.faults.append(f"failed: {asked.url} {asked.failure}"))
        self.page.on("request", lambda asked: self._asked(asked.url))

    def _said(self, kind: str, text: str) -> None:
        if kind == "error":
            self.faults.append(f"console: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.origin, "data:", "blob:")):
            self.faults.append(f"left the machine: {url}")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("ohif")
    ramp = np.tile(np.arange(COLUMNS, dtype=np.uint16) * 16, (ROWS, 1))
    with clinical_desk(folder, BoxedModel()) as desk:
        study_uid = desk.draft(dx_film(pixels=ramp))
    settings = {"archive__url": str(folder / "archive"), "api__token": TOKEN}
    with running_node(folder / "node", roles=("api",), **settings) as node:
        wait_for_port(int(node.settings["api__port"]))
        with viewer(f"{node.api_url}/dicomweb", TOKEN) as origin, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
            )
            yield Opened(origin, study_uid, browser)
            browser.close()


@pytest.fixture
def watched(opened: Opened) -> Iterator[Watched]:
    context = opened.browser.new_context(viewport={"width": 1280, "height": 900})
    found = Watched(context.new_page(), opened.origin)
    found.watch()
    yield found
    context.close()
    assert found.faults == []


def open_study(watched: Watched, study_uid: str) -> Page:
    """The study in the viewer, its first-use tour closed: the overlay swallows every click."""
    page = watched.page
    page.goto(f"{watched.origin}/viewer?StudyInstanceUIDs={study_uid}")
    page.wait_for_selector("canvas", timeout=PATIENCE_MS)
    page.get_by_text("Skip all", exact=True).click(timeout=PATIENCE_MS)
    page.wait_for_selector(REPORTS, timeout=PATIENCE_MS)
    return page


def expected_corners(page: Page, box: Corners) -> Corners:
    """Where a box of the image's pixels lies in the viewport: the image fills it, centred, in proportion."""
    size: dict[str, Any] = page.locator("canvas").first.bounding_box() or {}
    scale = min(size["width"] / COLUMNS, size["height"] / ROWS)
    left, top = (size["width"] - COLUMNS * scale) / 2, (size["height"] - ROWS * scale) / 2
    return Corners(left + box.x0 * scale, top + box.y0 * scale, left + box.x1 * scale, top + box.y1 * scale)


def drawn_corners(points: str) -> Corners:
    numbers = np.array([float(one) for one in re.findall(r"-?[0-9.]+", points)]).reshape(-1, 2)
    (x0, y0), (x1, y1) = numbers.min(axis=0), numbers.max(axis=0)
    return Corners(x0, y0, x1, y1)


def test_every_box_is_drawn_where_the_model_saw_it_with_its_certainty(watched: Watched, opened: Opened) -> None:
    page = open_study(watched, opened.study_uid)
    page.locator(REPORTS).first.dblclick()
    page.locator(SHAPES).nth(len(BOXES) - 1).wait_for(state="attached", timeout=PATIENCE_MS)
    drawn = sorted(drawn_corners(one.get_attribute("points") or "") for one in page.locator(SHAPES).all())
    expected = sorted(expected_corners(page, box) for box in BOXES.values())
    assert np.abs(np.array(drawn) - np.array(expected)).max() <= 2
    words = " ".join(page.locator("svg.svg-layer text").all_text_contents())
    for probability in PROBABILITIES.values():
        assert f"Certainty of Finding: {100 * probability:.2f} %" in words


def test_the_narrative_says_that_nobody_verified_it_before_any_finding(watched: Watched, opened: Opened) -> None:
    page = open_study(watched, opened.study_uid)
    page.locator(REPORTS).nth(1).dblclick()
    page.get_by_text("AI-generated draft. Not verified.").first.wait_for(timeout=PATIENCE_MS)
    words = page.inner_text("body")
    assert words.index("AI-generated draft. Not verified.") < words.index("There is a pleural effusion.")


def test_the_list_of_series_begins_with_the_warning(watched: Watched, opened: Opened) -> None:
    page = open_study(watched, opened.study_uid)
    labels = page.locator(REPORTS).all_inner_texts()
    assert len(labels) == 2
    for label in labels:
        assert "NOT VERIFIED" in label.splitlines()[1][:20]


def test_the_study_list_finds_the_study_and_bears_to_find_nothing(watched: Watched, opened: Opened) -> None:
    page = watched.page
    page.goto(f"{watched.origin}/")
    page.get_by_text("Test, Patient", exact=True).wait_for(timeout=PATIENCE_MS)
    page.get_by_text("DX\\SR", exact=True).wait_for(timeout=PATIENCE_MS)
    page.goto(f"{watched.origin}/?mrn=NOBODY")
    page.get_by_text("No studies available").wait_for(timeout=PATIENCE_MS)
