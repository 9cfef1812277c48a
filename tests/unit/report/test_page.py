"""The page that people read, on the screen and printed."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from dicom_node.report import NotReportable
from dicom_node.report.html import report_html
from dicom_node.report.pdf import render_pdf
from dicom_node.report.presentation import present
from medvlm.contract import Narrative
from tests.peers import MAY_SKIP
from tests.unit.report.drafts import CREATED, crowded_reading, draft, header, reading
from tests.unit.report.versions import every_state

UNVERIFIED = "AI-generated draft. Not verified."


def picture() -> bytes:
    buffer = BytesIO()
    Image.new("L", (80, 100), 90).save(buffer, "PNG")
    return buffer.getvalue()


def text(html: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL).split())


@pytest.mark.parametrize("state", ["draft", "edited", "rejected"])
def test_the_first_words_of_an_unverified_page_say_so(state: str) -> None:
    page = present(every_state()[state])
    assert "not verified" in page.banner.lower()
    assert page.evaluation == "For evaluation, not for clinical use."


@pytest.mark.parametrize("state", ["signed", "addended"])
def test_a_verified_page_names_the_person_and_nowhere_says_unverified(state: str) -> None:
    words = text(report_html(present(every_state()[state])))
    assert "erified by Reader, Dr Any, Department of Radiology" in words
    assert "not verified" not in words.lower()
    assert "For evaluation, not for clinical use." in words


def test_a_rejected_page_repeats_no_finding() -> None:
    words = text(report_html(present(every_state()["rejected"], key_image=picture()))).lower()
    assert "the film is not of the chest." in words
    assert not any(name in words for name in ("effusion", "opacity", "mass", "impression"))


def test_certainty_stands_in_the_words_of_the_narrative_sr() -> None:
    page = present(draft())
    assert page.findings[1].whole == "There is a pleural effusion. (consistent with right pleural effusion, 91 %)"
    rows = {row.name: (row.certainty, row.percent, row.marks) for row in page.rows}
    assert rows["Right pleural effusion"] == ("consistent with", "91 %", (1,))
    assert rows["Left airspace opacity"] == ("possible", "46 %", (2,))


def test_what_a_person_stated_has_no_certainty_of_the_models() -> None:
    (row,) = (row for row in present(every_state()["edited"]).rows if row.name == "Right consolidation")
    assert (row.certainty, row.percent, row.person) == ("", "", "Müller, Jörg")


def test_the_key_images_boxes_are_named_in_words() -> None:
    shown = present(draft(), key_image=picture()).key_image
    assert shown is not None
    assert shown.alt == "Key image. Marked regions: 1 Right pleural effusion; 2 Left airspace opacity."


def test_text_of_headers_and_models_stays_text() -> None:
    html = report_html(present(draft(sources=(header(StudyDescription="<script>alert(1)</script>&"),))))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in html


def test_the_page_fetches_nothing() -> None:
    html = report_html(present(draft(), key_image=picture()))
    assert re.findall(r"""(?:src|href)\s*=\s*["']?(?!data:)[^"'\s>]+|url\(|@import""", html) == []


def test_a_page_that_wants_something_from_outside_is_not_printed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture())
    with pytest.raises(NotReportable, match="outside"):
        render_pdf(f'<img src="{secret.as_uri()}" alt="">', CREATED)


needs_poppler = pytest.mark.skipif(MAY_SKIP and shutil.which("pdftotext") is None, reason="poppler is not installed")


def pages(html: str) -> list[str]:
    """The text of each printed page."""
    run = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=render_pdf(html, CREATED), capture_output=True, check=True
    )
    return run.stdout.decode().split("\f")[:-1]


@needs_poppler
def test_the_everyday_draft_is_one_page_and_every_page_says_state_and_patient() -> None:
    assert len(pages(report_html(present(draft(), key_image=picture())))) == 1
    many = pages(report_html(present(draft(reading=crowded_reading(30)), key_image=picture())))
    assert len(many) > 1
    assert all(UNVERIFIED in page and "Specimen, Chest · P-1 · 2026-11-23" in page for page in many)
    assert all("For evaluation, not for clinical use." in page for page in many)


def inflated(pdf: bytes) -> bytes:
    """All of its streams, unpacked."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return b"\n".join(zlib.decompress(it) if it[:1] == b"x" else it for it in streams)


def test_the_pdf_is_archivable_tagged_and_dated_from_the_reading() -> None:
    inside = inflated(render_pdf(report_html(present(draft())), CREATED))
    assert re.search(rb'pdfaid:part="3"|<pdfaid:part>3<', inside)
    assert b"/MarkInfo" in inside
    assert b"2026-11-23T09:30:15+00:00" in inside


def test_two_processes_print_the_same_bytes() -> None:
    program = (
        "import sys, hashlib; from tests.unit.report.drafts import *; from dicom_node.report.html import report_html;"
        "from dicom_node.report.pdf import render_pdf; from dicom_node.report.presentation import present;"
        "print(hashlib.sha256(render_pdf(report_html(present(draft())), CREATED)).hexdigest())"
    )
    printed = {subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in "ab"}
    assert len(printed) == 1


@pytest.mark.parametrize(
    "name",
    [
        "Müller^Jörg",
        "Wałęsa^Źdźbło",
        "Люкceмбypг^Роза",
        "Διονυσιος",
        "قباني^لنزار",
        "שרון^דבורה",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
        "Hong^Gildong=洪^吉洞=홍^길동",
        "Wang^XiaoDong=王^小东",
        "นามสกุล^ชื่อ",
    ],
)
def test_every_script_of_the_standards_examples_has_its_letters(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="weasyprint"):
        html = report_html(present(draft(sources=(header(PatientName=name),))))
        render_pdf(html, CREATED)
    assert [it.getMessage() for it in caplog.records if ".notdef" in it.getMessage()] == []


def test_a_reading_without_findings_still_makes_a_page() -> None:
    bare = reading(findings=(), not_assessed=(), warnings=(), narrative=Narrative())
    words = text(report_html(present(draft(reading=bare))))
    assert "No findings were drafted." in words
    assert UNVERIFIED in words
