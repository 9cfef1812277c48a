"""A comparison at the shell, as one page, and as JSON."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup
from rich.console import Console
from rich.table import Table
from rich.text import Text

from validation.compare import Compared, Difference
from validation.report.html import pages
from validation.report.svg import Scale, dot, line, picture
from validation.report.words import finding_words, interval, metric_words, number

PAGE, RECORD = "comparison.html", "comparison.json"
WIDTH, HEIGHT, NARROWEST = 168, 18, 0.02


def verdict(compared: Compared) -> str:
    """What came out, in one sentence."""
    criteria = [each.id for each in compared.criteria if each.worse]
    figures = [
        f"{metric_words(d.metric)} of {finding_words(d.finding).lower()}" for d in compared.differences if d.worse
    ]
    if criteria or figures:
        return f"Worse in B: {', '.join([*criteria, *figures])}."
    if not compared.differences:
        return "Nothing was compared: no study was scored by both."
    return "No criterion and no figure is worse in B beyond chance. That is no proof that B is as good."


def write_comparison(compared: Compared, folder: Path) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    record, page = folder / RECORD, folder / PAGE
    record.write_text(compared.model_dump_json(indent=1) + "\n", "utf-8")
    page.write_text(comparison_html(compared), "utf-8")
    return record, page


def comparison_html(compared: Compared) -> str:
    template = pages().get_template("comparison.html")
    far = max([NARROWEST, *(abs(e) for d in compared.differences for e in (d.low, d.high) if e is not None)])
    bars = [bar(each, far) for each in compared.differences]
    return template.render(
        compared=compared, verdict=verdict(compared), rows=zip(compared.differences, bars, strict=True)
    )


def bar(difference: Difference, far: float) -> Markup:
    """The interval of B less A about zero; all bars share one scale."""
    scale, middle = Scale(-far, far, 4, WIDTH - 4), HEIGHT / 2
    marks = [line((scale(0), 0), (scale(0), HEIGHT), "threshold")]
    if difference.low is not None and difference.high is not None and difference.value is not None:
        kind = "not-met" if difference.worse else ""
        marks.append(line((scale(difference.low), middle), (scale(difference.high), middle), f"whisker {kind}"))
        marks.append(dot((scale(difference.value), middle), 3, f"dot {kind}"))
    says = f"B less A: {number(difference.value)}, interval {interval(difference.low, difference.high) or 'none'}"
    return picture(WIDTH, HEIGHT, says, marks)


def show(console: Console, compared: Compared) -> None:
    console.print(Text(verdict(compared), style="bold"))
    changed = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("criterion", "A", "B", ""):
        changed.add_column(name)
    for each in compared.criteria:
        outcomes = [side.outcome if side else "not asked" for side in (each.first, each.second)]
        note = "worse" if each.worse else "" if each.asked_the_same else "not the same criterion"
        changed.add_row(each.id, *outcomes, note)
    console.print(changed)
    console.print()
    console.print(_table(compared))
    console.print(Text(f"{compared.scored_once} pairs of study and finding were scored in one run only."))


def _table(compared: Compared) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("figure", "A", "B", "B less A", "interval", "p (Holm)", "n", ""):
        table.add_column(name, justify="left" if name in ("figure", "") else "right", no_wrap=True)
    for d in compared.differences:
        named = f"{metric_words(d.metric)}, {finding_words(d.finding)}"
        told = (
            number(d.first),
            number(d.second),
            number(d.value),
            interval(d.low, d.high),
            number(d.adjusted),
            str(d.n),
        )
        table.add_row(named, *told, "worse" if d.worse else d.words)
    return table
