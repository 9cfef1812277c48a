"""A run at the shell: the verdict first, then what the page has of it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from validation.report.view import changed_after_results
from validation.report.words import ICONS, count, demand, interval, number, overall, what_would_decide
from validation.results import CriterionResult, Run

STYLES = {"met": "green", "not met": "red", "undecided": "yellow"}


def show(console: Console, run: Run) -> None:
    console.print(Text(overall(run.outcome, run.criteria), style="bold"))
    for said in changed_after_results(run):
        console.print(Text(said, style="bold red"))
    if run.criteria:
        console.print(_table(run.criteria))
    for each in run.criteria:
        said = ". ".join(filter(None, (each.words, _decides(each))))
        if said:
            console.print(Text(f"  {each.id}: {said}"))
    model, counts = run.model, run.counts
    console.print(Text(f"Model {model.name} {model.version}, identity {model.digest[:12]}."))
    console.print(Text(f"Protocol {run.protocol.get('id', 'without id')}, {run.protocol_hash[:12]}; seed {run.seed}."))
    console.print(
        Text(f"{count(counts.get('examined'))} studies of {count(counts.get('patients'))} patients examined.")
    )


def _decides(criterion: CriterionResult) -> str:
    said = what_would_decide(criterion)
    return f"What would decide: {said}" if said else ""


def _table(criteria: tuple[CriterionResult, ...]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("outcome", no_wrap=True)
    table.add_column("criterion", overflow="fold")
    for name in ("value", "interval", "n", "positives", "patients"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in criteria:
        said = Text(f"{ICONS[each.outcome]} {each.outcome}", style=STYLES[each.outcome])
        bounds = interval(each.low, each.high) or "none"
        table.add_row(
            said, demand(each), number(each.value), bounds, *map(count, (each.n, each.positives, each.patients))
        )
    return table
