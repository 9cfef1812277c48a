"""Pictures of the page and of a printed report, made from the demo's sample alone: `python docs/gallery/make.py`.

Needs the built page (`make page`), playwright with Chromium, and pdftoppm (Debian: poppler-utils).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from pydicom import dcmread

from dicom_node.demo.sample import sample
from dicom_node.offline import read_paths
from dicom_node.settings import Deliver, Peer, load

FOLDER = Path(__file__).parent
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/#token=\S+")
VIEW: ViewportSize = {"width": 1440, "height": 900}
READER = "Radiologist"
"""No invented person: the pictures name a role."""


def main() -> None:
    report()
    demo = subprocess.Popen([sys.executable, "-m", "dicom_node.cli", "demo"], stdout=subprocess.PIPE, text=True)
    try:
        with sync_playwright() as playwright:
            alone = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=[*alone, "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
            )
            take(browser, address(demo))
            browser.close()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait()


def report() -> None:
    """The draft of the sample's film as it is printed."""
    settings = load()
    film = sample(settings.archive.root.parent / "demo", print).radiograph
    pdf_peer = Peer(name="pacs", ae_title="PACS", host="127.0.0.1", port=104, objects=("narrative", "pdf"))
    with TemporaryDirectory() as folder:
        out = Path(folder)
        read_paths(
            settings.model_copy(update={"deliver": Deliver(peers=(pdf_peer,))}), [film], out
        )  # writes files, sends nothing
        made = next(one for one in map(dcmread, out.rglob("*.dcm")) if "EncapsulatedDocument" in one)
        (out / "report.pdf").write_bytes(made.EncapsulatedDocument)
        picture: list[str | Path] = [
            "pdftoppm",
            "-png",
            "-r",
            "110",
            "-f",
            "1",
            "-singlefile",
            out / "report.pdf",
            FOLDER / "report-draft",
        ]
        subprocess.run(picture, check=True)


def address(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout is not None
    for line in demo.stdout:
        print(line, end="")
        if found := ADDRESS.search(line):
            return found[0]
    raise SystemExit("the demo ended without an address")


def take(browser: Browser, link: str) -> None:
    page = browser.new_page(viewport=VIEW, reduced_motion="reduce")
    page.goto(link)
    page.get_by_label("Your name").fill(READER)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    picture(page, "worklist")
    reading(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="to the worklist").click()
    page.locator("tbody tr", has_text="CT").get_by_role("link").last.click()
    shown(page)
    expect(page.get_by_text("loaded")).to_have_count(0, timeout=60_000)
    picture(page, "ct")


def reading(page: Page) -> None:
    """The film with an answer, and a draft on its way to a signature."""
    page.locator("tbody tr", has_text="DX").get_by_role("link").click()
    shown(page)
    findings = page.locator(".finding")
    expect(findings.first).to_be_visible()
    page.get_by_label("Question about this study").fill("Is there a pleural effusion?")
    page.keyboard.press("Enter")
    expect(page.locator("article.answer")).to_be_visible(timeout=30_000)
    findings.nth(0).get_by_role("button", name="Reject").click()
    findings.nth(1).get_by_role("button", name="Edit").click()
    page.get_by_role("radio", name="Not seen").check()
    page.get_by_role("button", name="Take this").click()
    findings.nth(2).get_by_role("button", name="Accept").click()
    expect(page.locator(".saved")).to_contain_text(", saved")
    page.locator(".draft-scroll").evaluate("it => it.scrollTo(0, 0)")
    picture(page, "reading")
    for _ in range(page.locator(".finding.is-open").count()):
        page.locator(".finding.is-open").first.get_by_role("button", name="Accept").click()
    expect(page.locator(".saved")).to_contain_text(", saved")
    page.keyboard.press("Control+Enter")
    expect(page.frame_locator("iframe").get_by_text("Verified by").first).to_be_visible()
    page.get_by_role("checkbox").check()
    picture(page, "sign")


def shown(page: Page) -> None:
    expect(page.locator(".viewer-pane.is-main[data-state=shown]")).to_be_visible(timeout=60_000)


def picture(page: Page, name: str) -> None:
    page.wait_for_timeout(300)  # the last frame of the canvas
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
