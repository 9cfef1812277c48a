"""Pictures of the first page and of a printed report, made from the demo's sample: `python docs/gallery/make.py`.

Needs playwright with Chromium, and pdftoppm (Debian: poppler-utils).
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright
from pydicom import dcmread

from dicom_node.demo.sample import sample
from dicom_node.offline import read_paths
from dicom_node.settings import Deliver, Peer, load

FOLDER = Path(__file__).parent
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\?token=\S+")
VIEW = {"width": 1280, "height": 900}


def main() -> None:
    report()
    demo = subprocess.Popen([sys.executable, "-m", "dicom_node.cli", "demo"], stdout=subprocess.PIPE, text=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport=VIEW, color_scheme="dark")
            page.goto(address(demo))
            take(page)
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
        picture = [
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


def take(page: Page) -> None:
    page.screenshot(path=FOLDER / "studies.png")
    page.locator("tr", has_text="DX").get_by_role("link").click()
    page.get_by_label("Ask the model").fill("Is there a pleural effusion?")
    page.get_by_role("button", name="Ask").click()
    page.wait_for_load_state("networkidle")
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=FOLDER / "study.png")


if __name__ == "__main__":
    main()
