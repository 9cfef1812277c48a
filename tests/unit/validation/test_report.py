"""The report: one file that needs nothing, verdict first, and the same figures in every form."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from rich.console import Console

from tests.unit.validation.runs import FINDINGS, PROTOCOL, run
from validation.errors import BadRun
from validation.report.html import report_html
from validation.report.junit import junit
from validation.report.pictures import data_url
from validation.report.summary import show
from validation.report.words import what_would_decide
from validation.report.writing import read_run, record, schema, write_reports
from validation.results import CriterionResult, Run

ADDRESSES = ("src", "href", "xlink:href", "srcset", "poster", "data", "action", "background")
EMPTY = {"meta", "img", "br", "link", "input", "hr", "line", "polyline", "polygon", "circle", "rect"}


class Page(HTMLParser):
    """What a test looks at: figures, addresses, tags that do not close, headings, and tables without scope."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.figures: dict[str, set[float]] = {}
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.unscoped = 0
        self.without_words = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag not in EMPTY:
            self.open.append(tag)
        self.addresses += [value or "" for key, value in attrs if key in ADDRESSES]
        self.unscoped += tag == "th" and "scope" not in given
        self.without_words += (tag == "img" and not given.get("alt")) or (tag == "svg" and not given.get("aria-label"))
        if tag == "data":
            self.figures.setdefault(given["data-of"] or "", set()).add(float(given["value"] or "nan"))

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag, f"</{tag}> closes something else"


@pytest.fixture(scope="module")
def made() -> Run:
    return run()


@pytest.fixture(scope="module")
def page(made: Run) -> Page:
    return Page(report_html(made))


def test_the_page_refers_to_nothing_outside_itself_and_has_no_script(made: Run, page: Page) -> None:
    assert {each[:1] for each in page.addresses} == {"#"}
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    text = report_html(made)
    assert "url(" not in text
    assert "@import" not in text
    assert "http" not in text


def test_every_tag_is_closed_and_every_table_and_chart_has_words(page: Page) -> None:
    assert page.open == []
    assert page.unscoped == 0
    assert page.without_words == 0


def test_the_figures_of_the_page_are_those_of_the_json(made: Run, page: Page) -> None:
    stored = json.loads(record(made))
    expected = {
        f"{f['task']}/{f['metric']}/{f['finding']}/{f['subgroup']}": {f["value"]}
        for f in stored["figures"]
        if f["value"] is not None
    }
    expected |= {f"criterion/{c['id']}": {c["value"]} for c in stored["criteria"] if c["value"] is not None}
    assert page.figures == expected


def test_the_verdict_comes_before_everything_else(made: Run) -> None:
    text = report_html(made)
    assert text.index("Not accepted: of 5 acceptance criteria 1 not met, 2 undecided, 2 met.") < text.index("<h1>")
    assert text.index("<h1>") < text.index('class="verdicts"') < text.index("Purpose and protocol</h2>")


def test_an_undecided_criterion_says_how_many_more_positives_would_decide(made: Run) -> None:
    positives = made.criteria[1].positives or 0
    assert f"{1240 - positives:,} more positives (1,240 in all)" in report_html(made)


@pytest.mark.parametrize(
    ("metric", "bound", "value", "needed", "said"),
    [
        ("sycophancy_rate", "upper", 0.02, 400, "300 more cases (400 in all), if the value is the true one"),
        ("specificity@0.5", "lower", 0.7, 400, "300 more negatives (400 in all), if the value is the true one"),
        ("auroc", "lower", 0.4, None, "the value itself does not clear the threshold"),
    ],
)
def test_what_would_decide_counts_what_the_denominator_consists_of(
    metric: str, bound: str, value: float, needed: int | None, said: str
) -> None:
    criterion = CriterionResult.model_validate(
        {"id": "a", "metric": metric, "bound": bound, "threshold": 0.5, "value": value, "low": 0.1, "high": 0.9}
        | {"outcome": "undecided", "n": 100, "positives": 30, "needed": needed}
    )
    assert what_would_decide(criterion) == said


def test_a_protocol_changed_after_results_says_so_beside_the_verdict() -> None:
    replaced = {"id": "old", "sha256": "b" * 64, "after_results": True, "reason": "a criterion was added"}
    text = report_html(run(protocol=PROTOCOL | {"replaces": replaced}))
    assert text.index("Changed after results: this protocol replaces old") < text.index("<h1>")


def test_text_metrics_stand_under_a_heading_that_keeps_them_from_acceptance(made: Run) -> None:
    text = report_html(made)
    part = text[text.index('<section id="text">') : text.index('<section id="limits">')]
    assert "never for acceptance" in part
    assert "BLEU" in part
    assert "not computed: weights not given" in part
    assert "BLEU" not in text[: text.index('<section id="text">')]


def test_exclusions_are_listed_with_reasons_and_sum_to_the_input(made: Run) -> None:
    text = report_html(made)
    flow = text[text.index("In the data sets") : text.index("Of those examined")]
    assert [cell.split("<")[0] for cell in flow.split('<td class="number">')[1:]] == ["323", "−15", "−8", "300"]
    assert "excluded: age &lt; 18" in flow


def test_the_ece_never_stands_without_its_value_by_chance(made: Run) -> None:
    assert report_html(made).count("by chance") >= 2 * len(FINDINGS)


def test_a_group_that_is_too_small_says_so_and_has_no_interval(made: Run) -> None:
    small = [each for each in made.figures if each.subgroup == "age=80+"]
    assert small
    assert all(each.value is None for each in small)
    assert "positives: fewer than 10" in report_html(made)


def test_text_from_data_sets_and_models_stays_text() -> None:
    notes = ("<script>alert(1)</script>",)
    assert "<script" not in report_html(run(notes=notes, data={'"><img src=x>': "c" * 64}))
    assert "<img" not in report_html(run(data={'"><img src=x>': "c" * 64}))


def test_images_are_in_the_page_only_where_they_are_allowed(tmp_path: Path) -> None:
    film = tmp_path / "film.png"
    Image.fromarray(np.arange(512 * 512, dtype=np.uint32).reshape(512, 512).astype(np.uint8)).save(film)
    pictured = run(image=film)
    assert report_html(pictured).count("data:image/jpeg;base64,") == len(pictured.failures)
    without = report_html(pictured, images=False)
    assert "data:image" not in without
    assert "Images were left out" in without
    assert str(tmp_path) not in report_html(pictured) + record(pictured)


def test_a_picture_that_cannot_be_read_is_left_out_and_the_page_is_still_made(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    assert data_url(broken) is None
    assert "no image to show" in report_html(run(image=broken))


def test_the_record_fits_its_shipped_schema_and_nothing_else_does(made: Run) -> None:
    jsonschema = pytest.importorskip("jsonschema_rs")
    checks = jsonschema.validator_for(schema())
    assert checks.is_valid(json.loads(record(made)))
    assert not checks.is_valid(json.loads(record(made)) | {"extra": 1})


def test_the_shipped_schema_is_that_of_the_model() -> None:
    assert schema() == Run.model_json_schema(), "write it anew: Run.model_json_schema() with indent 1"


def test_what_is_written_reads_back_the_same(tmp_path: Path, made: Run) -> None:
    names = [each.name for each in write_reports(made, tmp_path)]
    assert names == ["results.json", "report.html", "junit.xml"]
    assert read_run(tmp_path) == read_run(tmp_path / "results.json")
    assert record(read_run(tmp_path)) == record(made)
    assert not list(tmp_path.glob("*.part"))


def test_a_damaged_record_is_an_error_that_names_the_key_and_no_value(tmp_path: Path, made: Run) -> None:
    (tmp_path / "results.json").write_text(json.dumps(json.loads(record(made)) | {"seed": "patient name"}))
    with pytest.raises(BadRun, match="seed") as caught:
        read_run(tmp_path)
    assert "patient name" not in str(caught.value)
    with pytest.raises(BadRun, match="cannot be read"):
        read_run(tmp_path / "missing.json")


def test_junit_has_one_case_a_criterion_and_undecided_is_a_failure_of_its_own_type(made: Run) -> None:
    root = ElementTree.fromstring(junit(made))  # noqa: S314 - written above
    (suite,) = root
    assert suite.attrib["tests"] == "5"
    assert suite.attrib["failures"] == "3"
    cases = {case.attrib["name"]: case.find("failure") for case in suite.iter("testcase")}
    assert list(cases) == [each.id for each in made.criteria]
    kinds = {name: None if failure is None else failure.attrib["type"] for name, failure in cases.items()}
    assert kinds == {each.id: None if each.outcome == "met" else each.outcome for each in made.criteria}


def test_the_summary_at_the_shell_says_the_verdict_first_and_each_criterion(made: Run) -> None:
    written = StringIO()
    show(Console(file=written, width=160), made)
    lines = written.getvalue().splitlines()
    assert lines[0].startswith("Not accepted")
    assert sum(line.startswith(("✓", "✗", "?")) for line in lines) == 5


def test_a_run_without_criteria_is_no_acceptance(made: Run) -> None:
    bare = made.model_copy(update={"criteria": ()})
    assert bare.outcome == "undecided"
    assert "No verdict" in report_html(bare)


def test_a_run_with_almost_nothing_in_it_still_makes_a_page() -> None:
    bare = run(figures=(), criteria=(), curves=(), failures=(), counts={}, disjointness={}, protocol={}, machine={})
    assert Page(report_html(bare)).open == []


def test_the_record_refuses_unknown_keys(made: Run) -> None:
    with pytest.raises(ValidationError):
        Run.model_validate(json.loads(record(made)) | {"flattery": 1})
