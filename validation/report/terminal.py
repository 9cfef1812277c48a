"""A result as a table at the shell: the verdict first."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from medvlm.vocabulary import term
from validation.run import Result
from validation.statistics.clustered_bootstrap import Interval
from validation.tasks.finding_detection import Detection

COLUMNS = ("finding", "n", "positives", "AUROC", "interval", "refused", "not assessed")


def show(console: Console, result: Result) -> None:
    console.print(verdict_of(result), style="bold")
    for verdict in result.verdicts:
        reason = f" ({verdict.words})" if verdict.words else ""
        console.print(f"  {_display(verdict.finding)}, AUROC at least {verdict.bound:.2f}: {verdict.outcome}{reason}")
    console.print()
    console.print(_table(result))
    console.print()
    for note in notes(result):
        console.print(note)


def verdict_of(result: Result) -> str:
    """The verdict on all criteria in one line."""
    if not result.verdicts:
        return "No verdict: no criteria were given (--criteria)."
    counts = [(kind, sum(each.outcome == kind for each in result.verdicts)) for kind in ("met", "not met", "undecided")]
    said = ", ".join(f"{count} {kind}" for kind, count in counts if count)
    return f"Criteria: {said}."


def notes(result: Result) -> list[str]:
    """What the table stands on."""
    model, resampling = result.model, result.resampling
    lines = [
        f"Model {model.name} {model.version}, weights {model.weights_digest[:12]}.",
        f"{result.studies} studies of {result.patients} patients, {result.refused} refused by the model.",
        f"Intervals: {100 * resampling.level:.0f} %, {resampling.draws} draws of patients, seed {resampling.seed}.",
    ]
    if result.unlabelled:
        lines.append(f"{result.unlabelled} readings have no label and were left out.")
    for each in result.findings:
        if each.refused_positives:
            lines.append(
                f"{_display(each.finding)}: {each.refused_positives} of {each.refused} refused have the finding."
            )
        if each.undefined:
            lines.append(f"{_display(each.finding)}: no AUROC, {each.undefined}.")
        if each.auroc and each.auroc.dropped:
            lines.append(f"{_display(each.finding)}: {each.auroc.dropped} draws held one class only and were dropped.")
    return lines


def _table(result: Result) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "finding" else "right", no_wrap=True)
    for each in result.findings:
        table.add_row(*_row(each))
    return table


def _row(one: Detection) -> tuple[str, ...]:
    counts = (str(one.scored), str(one.positives))
    return (_display(one.finding), *counts, *_figures(one.auroc), str(one.refused), str(one.not_assessed))


def _figures(interval: Interval | None) -> tuple[str, str]:
    if interval is None:
        return "–", "–"
    return f"{interval.value:.3f}", f"{interval.low:.3f}–{interval.high:.3f}"


def _display(finding: str) -> str:
    return term(finding).display
