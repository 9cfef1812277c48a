"""The state of a model in use as a page, as JSON, and at the shell."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from validation.monitor.charting import Chart
from validation.monitor.control_chart import control_chart
from validation.monitor.monitoring import Monitoring, Raised
from validation.report.html import pages
from validation.report.words import finding_words

PAGE, RECORD = "monitoring.html", "monitoring.json"
WHAT = {
    "agreement": "Agreement with what was signed",
    "override": "Reports that a radiologist changed or rejected",
    "refusal": "Studies refused as out of scope",
    "drift": "Stated probabilities",
}
HOW = {"sudden": "the week is outside its limits", "lasting": "a lasting shift", "drift": "other than at the baseline"}
SHOWN = 12
"""Alarms named at the top and at the shell; all are in the charts and the record."""


def verdict(found: Monitoring) -> str:
    if found.alarms:
        many = len(found.alarms)
        last = max(each.week for each in found.alarms)
        return (
            f"{many} alarm{'s' if many > 1 else ''}, the last in the week of {last}. Look at the reports of that time."
        )
    return found.words or f"In control: no alarm from {found.since} to {found.until}."


def title(chart: Chart) -> str:
    return finding_words(chart.finding) if chart.finding else WHAT[chart.what]


def raised_words(alarm: Raised) -> str:
    of = f", {finding_words(alarm.finding)}" if alarm.finding else ""
    return f"Week of {alarm.week}: {WHAT[alarm.what].lower()}{of}: {HOW[alarm.kind]}"


def monitoring_html(found: Monitoring) -> str:
    template = pages().get_template("monitoring.html")
    shown = [(each, title(each), control_chart(each) if each.weeks else None) for each in found.charts]
    return template.render(
        found=found,
        verdict=verdict(found),
        alarms=[raised_words(each) for each in found.alarms[:SHOWN]],
        more=max(len(found.alarms) - SHOWN, 0),
        summaries=[each for each in shown if not each[0].finding],
        findings=[each for each in shown if each[0].finding],
    )


def write_monitoring(found: Monitoring, folder: Path) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    made = {RECORD: found.model_dump_json(indent=1) + "\n", PAGE: monitoring_html(found)}
    return tuple(_write(folder / name, text) for name, text in made.items())


def show(console: Console, found: Monitoring) -> None:
    console.print(Text(verdict(found), style="bold"))
    for each in found.alarms[:SHOWN]:
        console.print(Text(f"  {raised_words(each)}"))
    if len(found.alarms) > SHOWN:
        console.print(Text(f"  and {len(found.alarms) - SHOWN} more"))
    counts = found.counts
    console.print(
        Text(
            f"{found.baseline.model_name}, {found.since} to {found.until}: {counts.signed} signed, "
            f"{counts.rejected} rejected, {counts.refused} refused, {counts.open} open."
        )
    )
    for chart in found.charts:
        if chart.words:
            console.print(Text(f"  no chart of {title(chart)}: {chart.words}"))


def _write(path: Path, text: str) -> Path:
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, "utf-8")
    return beside.replace(path)
