"""Screenshots of the first page from the demo's sample, by playwright and Chromium: `python docs/gallery/make.py`."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\?token=\S+")
VIEW = {"width": 1280, "height": 900}


def main() -> None:
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
