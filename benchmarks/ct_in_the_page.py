"""A CT of 300 slices in a browser: the node's own page, and the OHIF viewer over Orthanc, on one machine in one run.

`python -m benchmarks.ct_in_the_page [--rounds N]` writes `results/ct_in_the_page.json` and `.md` beside this file.

For both: seconds from the navigation in a fresh Chromium context until the first frame and until the 300th frame have
arrived in the browser. For the page also until the first slice is on the screen. Software rendering, loopback, rounds
interleaved. OHIF's files and its requests to Orthanc pass through a small server of Python's in front of it, which
costs it something for each frame: `ct_over_dicomweb` compares the two servers without any viewer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.ct_over_dicomweb import RESULTS, SLICES, servers
from tests.viewers.ohif import viewer

DEADLINE = 90.0
SHOWN = ".viewer-pane.is-main[data-state=shown]"


def in_page(browser: Browser, url: str, token: str, study: str) -> dict[str, float]:
    context = browser.new_context(base_url=url)
    opened = context.request.post("/auth/session", data={"token": token, "name": "Reader^Bench"})
    if opened.status != 201:
        raise RuntimeError(f"no session: {opened.status}")
    page = context.new_page()
    arrived = _count(page)
    begin = time.perf_counter()
    page.goto(f"/read/{study}", wait_until="commit")
    page.locator(SHOWN).wait_for(timeout=DEADLINE * 1000)
    shown = time.perf_counter() - begin
    times = _all(page, arrived, begin)
    context.close()
    return times | {"first_shown": shown}


def in_ohif(browser: Browser, url: str, study: str) -> dict[str, float]:
    context = browser.new_context()
    page = context.new_page()
    arrived = _count(page)
    begin = time.perf_counter()
    page.goto(f"{url}/viewer?StudyInstanceUIDs={study}", wait_until="commit")
    times = _all(page, arrived, begin)
    context.close()
    return times


def _count(page: Page) -> dict[str, float]:
    """When each frame, by its address, had arrived in the browser."""
    arrived: dict[str, float] = {}
    page.on(
        "requestfinished",
        lambda request: arrived.setdefault(request.url, time.perf_counter()) if "/frames/" in request.url else None,
    )
    return arrived


def _all(page: Page, arrived: dict[str, float], begin: float) -> dict[str, float]:
    while len(arrived) < SLICES:
        if time.perf_counter() - begin > DEADLINE:
            raise RuntimeError(f"{len(arrived)} of {SLICES} frames after {DEADLINE} s")
        page.wait_for_timeout(20)
    return {"first_frame": min(arrived.values()) - begin, "all_frames": max(arrived.values()) - begin}


def measure(rounds: int) -> dict[str, object]:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as (found, series), sync_playwright() as driver:
        study = series.split("/")[1]
        node, orthanc = found["node"], found["Orthanc"]
        token = node.headers["Authorization"].rpartition(" ")[2]
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=sandbox)
        turns = []
        with viewer(orthanc.url, "none") as ohif:
            for _ in range(rounds + 1):
                page = in_page(browser, node.url.removesuffix("/dicomweb"), token, study)
                turns.append({"page": page, "OHIF over Orthanc": in_ohif(browser, ohif, study)})
        browser.close()
    return judge(turns[1:])  # in the first, servers and disk fill their caches


def judge(turns: list[dict[str, dict[str, float]]]) -> dict[str, object]:
    medians = {
        name: {step: round(statistics.median(turn[name][step] for turn in turns), 2) for step in turns[0][name]}
        for name in turns[0]
    }
    return {
        "slices": SLICES,
        "rounds": len(turns),
        "load_average": round(os.getloadavg()[0], 2),
        "median_seconds": medians,
    }


def table(result: dict[str, object]) -> str:
    medians = result["median_seconds"]
    assert isinstance(medians, dict)
    lines = ["| | first frame, s | first slice on the screen, s | all 300 frames, s |", "|---|---|---|---|"]
    for name, taken in medians.items():
        lines.append(f"| {name} | {taken['first_frame']} | {taken.get('first_shown', '–')} | {taken['all_frames']} |")
    return "\n".join([*lines, "", f"Medians of {result['rounds']}. Load average {result['load_average']}.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    result = measure(parser.parse_args().rounds)
    (RESULTS / "ct_in_the_page.json").write_text(json.dumps(result, indent=2) + "\n")
    (RESULTS / "ct_in_the_page.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
