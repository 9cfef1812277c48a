"""A model in use: what people change becomes a label, a planted drift an alarm, and a quiet year stays quiet."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from tests.unit.validation.signed import FINDINGS, MODEL, START, signed_weeks, study
from validation.errors import BadExport
from validation.monitor.agreement import judged, overridden, tally
from validation.monitor.baseline import Baseline, Rate, make_baseline, read_baseline
from validation.monitor.charting import Chart, Design, chart, designed, scores
from validation.monitor.commands import add_to
from validation.monitor.monitoring import Monitoring, monday, monitor
from validation.monitor.observed import ObservedStudy, Statement, keep, newest, read_export
from validation.monitor.page import monitoring_html, show, verdict
from validation.statistics.control_charts import ewma_run_length

BASE_WEEKS = 12
BASE_END = START + timedelta(weeks=BASE_WEEKS)
AT = datetime(2026, 1, 7, 10, tzinfo=UTC)


def good(week: int) -> float:
    return 0.95


def baseline() -> Baseline:
    return make_baseline(signed_weeks(BASE_WEEKS, good, seed=1), START, BASE_END)


def watched(later: list[ObservedStudy], weeks: int) -> Monitoring:
    now = datetime.combine(BASE_END + timedelta(weeks=weeks), datetime.min.time(), UTC) + timedelta(days=2)
    return monitor(later, baseline(), Design(), now)


def statement(**told: object) -> Statement:
    return Statement.model_validate({"name": "effusion"} | told)


@pytest.mark.parametrize(
    ("statements", "agreed", "changed"),
    [
        ([statement(stated="present", stands="present")], True, False),
        ([statement(stated="present", stands="absent")], False, True),
        ([statement(stated="present", stands=None)], False, True),
        ([statement(stated="absent", stands="absent"), statement(stated=None, stands="present")], False, True),
        ([statement(stated="present", stands="present", side_stated="right", side_stands="left")], True, True),
        ([statement(stated="present", stands=None), statement(stated="present", stands="present")], True, True),
        ([statement(stated="indeterminate", stands="present")], False, True),
    ],
)
def test_what_a_radiologist_changed_is_the_label(statements: list[Statement], agreed: bool, changed: bool) -> None:
    signed = study("a", AT, statements)
    assert [each.agreed for each in judged(signed)] == [agreed]
    assert overridden(signed) == changed


def test_a_finding_that_the_model_did_not_assess_is_no_disagreement_but_an_override() -> None:
    signed = study("a", AT, [statement(stated=None, stands="present")])
    assert judged(signed) == ()
    assert overridden(signed)


def test_a_rejected_report_is_an_override_and_says_nothing_of_single_findings() -> None:
    rejected = study("a", AT, standing="rejected")
    assert overridden(rejected)
    assert judged(rejected) == ()


def test_the_tally_of_a_finding_adds_up() -> None:
    fates = [("present", "present"), ("present", "absent"), ("absent", "present"), ("absent", None), ("present", None)]
    rows = tally([study(str(k), AT, [statement(stated=a, stands=b)]) for k, (a, b) in enumerate(fates)])
    assert [row.model_dump() for row in rows] == [
        {"finding": "effusion", "n": 5, "kept": 1, "other_side": 0, "removed": 2, "raised": 1, "withdrawn": 1}
    ]


def test_normal_scores_are_near_0_with_no_more_than_unit_variance_even_near_1() -> None:
    for rate, n in ((0.98, 30), (0.95, 60), (0.5, 40), (0.995, 100)):
        drawn = np.random.default_rng(3).binomial(n, rate, size=20_000)
        found = scores(drawn, np.full(20_000, n), rate)
        assert abs(found.mean()) < 0.06
        assert found.var() < 1.03


def weeks_of(hits: list[int], n: int) -> dict[date, Rate]:
    return {BASE_END + timedelta(weeks=k): Rate(hits=each, n=n) for k, each in enumerate(hits)}


def simulated(rate: float, shifted: float, n: int, weeks: int, budget: float, rng: np.random.Generator) -> Chart:
    """A year's chart on an estimated baseline, as in use."""
    base = Rate(hits=int(rng.binomial(12 * n, rate)), n=12 * n)
    return chart(
        "agreement", "effusion", base, weeks_of([int(each) for each in rng.binomial(n, shifted, weeks)], n), budget
    )


def test_a_year_in_control_has_at_most_one_false_alarm_over_all_charts() -> None:
    rng, design, years = np.random.default_rng(11), Design(), 60
    quiet = [
        *(
            simulated(rate, rate, 60, 52, design.findings / 14, rng)
            for rate in np.linspace(0.86, 0.99, 14)
            for _ in range(years)
        ),
        *(simulated(0.3, 0.3, 60, 52, design.summaries / 2, rng) for _ in range(years)),
        *(simulated(0.05, 0.05, 63, 52, design.summaries / 2, rng) for _ in range(years)),
    ]
    # An alarm that lasts is one alarm: it ends when somebody looks into it.
    false_alarms = sum(bool(each.alarms) for each in quiet)
    assert false_alarms / years <= 1.0


@pytest.mark.parametrize(("rate", "n"), [(0.95, 60), (0.3, 60)])
def test_a_planted_shift_is_found_within_the_designed_run_length(rate: float, n: int) -> None:
    """The limits are those of the baseline's worst end, so the wait is somewhat longer than on a known baseline."""
    rng, waits = np.random.default_rng(5), []
    shift = 1.5 * (rate * (1 - rate) / n) ** 0.5
    for _ in range(200):
        # A long baseline: what is tested is the chart, and not how well its baseline is known.
        base = Rate(hits=round(rate * 100_000), n=100_000)
        hits = [int(each) for each in rng.binomial(n, rate - shift, 200)]
        found = chart("agreement", "effusion", base, weeks_of(hits, n), 0.15)
        waits.append((found.alarms[0].week - BASE_END).days // 7 + 1)
    assert np.mean(waits) <= found.detects


def test_the_limits_are_wider_on_a_baseline_that_is_less_certain() -> None:
    one, many = (
        chart("agreement", "effusion", Rate(hits=95 * k, n=100 * k), weeks_of([57] * 20, 60), 0.1).weeks[-1]
        for k in (1, 50)
    )
    assert one.ewma_low < many.ewma_low
    assert one.low <= many.low


def test_the_ewma_has_the_run_length_that_was_asked_for() -> None:
    rule = designed(500.0)
    assert ewma_run_length(rule.ewma) == rule.run_length == pytest.approx(500, rel=0.01)


def test_a_quiet_time_is_in_control() -> None:
    found = watched(signed_weeks(20, good, first=BASE_WEEKS, seed=2), 20)
    assert (found.outcome, found.alarms) == ("in control", ())
    assert "In control" in verdict(found)
    assert all(len(each.weeks) == 20 for each in found.charts)


def test_a_planted_fall_of_agreement_raises_the_alarm_and_names_chart_and_week() -> None:
    late = signed_weeks(20, lambda week: 0.95 if week < BASE_WEEKS + 6 else 0.80, first=BASE_WEEKS, seed=3)
    found = watched(late, 20)
    assert found.outcome == "alarm"
    planted = BASE_END + timedelta(weeks=6)
    for what in ("override", "agreement"):
        first = min(each.week for each in found.alarms if each.what == what)
        slowest = max(each.detects for each in found.charts if each.what == what)
        assert planted <= first <= planted + timedelta(weeks=slowest)


def test_agreement_that_rises_is_an_alarm_too() -> None:
    """Everybody accepts everything: perhaps nobody looks any more."""
    found = watched(signed_weeks(20, lambda week: 1.0, first=BASE_WEEKS, seed=4), 20)
    assert "override" in {each.what for each in found.alarms}


def test_more_refusals_raise_the_alarm() -> None:
    found = watched(signed_weeks(12, good, first=BASE_WEEKS, seed=5, refused=0.3), 12)
    assert {each.what for each in found.alarms} == {"refusal"}


def test_probabilities_that_drift_raise_the_alarm_where_agreement_stays() -> None:
    found = watched(signed_weeks(8, good, first=BASE_WEEKS, seed=6, shift=1.0), 8)
    assert {each.what for each in found.alarms} == {"drift"}
    assert all(each.alarm for each in found.drift)


def test_a_chart_starts_anew_after_an_alarm_was_looked_into() -> None:
    bad = signed_weeks(6, lambda week: 0.7, first=BASE_WEEKS, seed=7)
    late = [*bad, *signed_weeks(10, good, first=BASE_WEEKS + 6, seed=8)]
    since = BASE_END + timedelta(weeks=6)
    now = datetime.combine(BASE_END + timedelta(weeks=16), datetime.min.time(), UTC)
    assert monitor(late, baseline(), Design(), now).outcome == "alarm"
    assert monitor(late, baseline(), Design(), now, since).outcome == "in control"


def test_the_running_week_is_left_out() -> None:
    found = watched(signed_weeks(5, good, first=BASE_WEEKS, seed=9), 4)
    assert {len(each.weeks) for each in found.charts} == {4}
    assert found.until == monday(found.made.date())


def test_another_model_is_not_charted_on_this_baseline() -> None:
    other = [
        each.model_copy(update={"model": "b" * 64, "model_name": "invented 2"})
        for each in signed_weeks(4, good, first=BASE_WEEKS)
    ]
    found = watched(other, 4)
    assert found.outcome == "undecided"
    assert "now runs invented 2" in found.words
    assert found.counts.signed == 0
    assert found.counts.other_model > 0


def test_without_a_signed_report_nothing_is_in_control() -> None:
    assert watched([], 4).outcome == "undecided"


def test_a_baseline_needs_one_model_and_enough_reports() -> None:
    few = signed_weeks(1, good, reports=20)
    with pytest.raises(BadExport, match="too few"):
        make_baseline(few, START, BASE_END)
    with pytest.raises(BadExport, match="no report was signed"):
        make_baseline([], START, BASE_END)
    with pytest.raises(BadExport, match="one model"):
        make_baseline([*few, few[0].model_copy(update={"model": "b" * 64, "closed": AT})], START, BASE_END)


def report(**changes: object) -> dict[str, object]:
    finding = {
        "tracking_uid": "1.2",
        "name": "effusion",
        "presence": "absent",
        "decision": "changed",
        "probability": None,
    }
    finding |= {"model": {"presence": "present", "laterality": "right", "evidence": []}, "person": "Reader^One"}
    told = {"id": "1.2.3:1:0", "version": 3, "state": "signed", "drafted": AT.isoformat(), "changed": AT.isoformat()}
    told |= {"model": {"name": "invented", "version": "1", "weights_digest": "0" * 64}, "findings": [finding]}
    told |= {"signed_by": {"name": "Reader^One", "at": AT.isoformat()}, "study_uid": "1.2.3"}
    return told | changes


def test_an_export_of_the_nodes_reports_is_read_without_study_or_person(tmp_path: Path) -> None:
    file = tmp_path / "reports.jsonl"
    file.write_text(
        json.dumps(report()) + "\n\n" + json.dumps(report(id="1.2.4:1:0", state="draft", signed_by=None)) + "\n"
    )
    signed, draft = read_export(file)
    assert (signed.standing, draft.standing) == ("signed", "open")
    assert [(each.stated, each.stands) for each in signed.statements] == [("present", "absent")]
    kept = tmp_path / "kept.jsonl"
    keep(kept, [signed, draft])
    assert "Reader" not in kept.read_text()
    assert "1.2.3" not in kept.read_text()
    assert set(read_export(kept)) == {signed, draft}


def test_a_damaged_line_is_named_without_its_value(tmp_path: Path) -> None:
    file = tmp_path / "reports.jsonl"
    file.write_text(json.dumps(report(version="Name^Patient")) + "\n")
    with pytest.raises(BadExport, match="line 1") as caught:
        read_export(file)
    assert "Patient" not in str(caught.value)


def test_of_one_report_the_newest_version_counts() -> None:
    old, new = study("a", AT), study("a", AT, version=5)
    assert newest([new, old]) == newest([old, new]) == (new,)


def test_the_page_holds_what_the_record_holds_and_needs_nothing() -> None:
    late = signed_weeks(10, lambda week: 0.75, first=BASE_WEEKS, seed=12)
    found = watched(late, 10)
    page, shell = monitoring_html(found), StringIO()
    show(Console(file=shell, width=160), found)
    assert verdict(found) in page
    assert verdict(found) in shell.getvalue()
    assert page.count('<svg role="img"') == len(FINDINGS) + 2
    assert "http" not in page
    assert "<script" not in page
    assert Monitoring.model_validate_json(found.model_dump_json()) == found
    assert "agreement flatters the model" in page


def test_the_commands_make_a_baseline_and_their_status_tells_a_cron_job(tmp_path: Path) -> None:
    app = typer.Typer()
    add_to(app)
    file, base, out = tmp_path / "reports.jsonl", tmp_path / "baseline.json", tmp_path / "out"
    now = datetime.now(UTC)
    weeks = (monday(now.date()) - START).days // 7
    late = signed_weeks(6, lambda week: 0.6, first=weeks - 6, seed=13)
    keep(file, [*signed_weeks(BASE_WEEKS, good, seed=1), *late])
    made = CliRunner().invoke(
        app, ["monitor-baseline", str(file), "--since", str(START), "--until", str(BASE_END), "-o", str(base)]
    )
    assert made.exit_code == 0, made.output
    assert read_baseline(base).model_name == MODEL["model_name"]
    told = CliRunner().invoke(app, ["monitor", str(file), "--baseline", str(base), "-o", str(out), "--json"])
    assert told.exit_code == 1
    assert json.loads(told.stdout)["outcome"] == "alarm"
    assert {each.name for each in out.iterdir()} == {"monitoring.html", "monitoring.json"}
