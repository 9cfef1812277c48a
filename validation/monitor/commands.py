"""`medvlm-validate monitor` and `monitor-baseline`: nothing heavy is imported before one of them runs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from validation.monitor.observed import ObservedStudy

IN_CONTROL, LOOK = 0, 1
LOOK_BACK = timedelta(days=60)
"""How long after a study came its report may still be signed, where an earlier run has kept the others."""

Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Address of the node's API, or a file of its reports, one a line.")
]
TokenFile = Annotated[Path | None, typer.Option(help="File with the node's token; else MEDVLM_NODE_TOKEN is taken.")]
Keep = Annotated[
    Path | None, typer.Option(help="File that keeps what was read, without patients: later runs ask for what is new.")
]


def add_to(app: typer.Typer) -> None:
    app.command()(monitor)
    app.command("monitor-baseline")(monitor_baseline)


def monitor(
    source: Source,
    baseline: Annotated[Path, typer.Option(help="What `monitor-baseline` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the page and its JSON.")],
    token_file: TokenFile = None,
    keep: Keep = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Start the charts anew here, after an alarm was looked into."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole result as one JSON object.")] = False,
) -> None:
    """Chart what radiologists changed, week by week.

    Exit status 0: in control; 1: an alarm, or undecided; 2: could not run.
    """
    from rich.console import Console

    from validation.monitor.baseline import read_baseline
    from validation.monitor.charting import Design
    from validation.monitor.monitoring import monitor as judge
    from validation.monitor.page import show, write_monitoring

    compared_with = read_baseline(baseline)
    studies = _studies(source, token_file, keep)
    found = judge(studies, compared_with, Design(), datetime.now(UTC), since.date() if since else None)
    write_monitoring(found, output)
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        show(Console(highlight=False), found)
    raise typer.Exit(IN_CONTROL if found.outcome == "in control" else LOOK)


def monitor_baseline(
    source: Source,
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day that is not part of it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    token_file: TokenFile = None,
    keep: Keep = None,
) -> None:
    """Fix what `monitor` compares with: a time in which the accepted model was watched and found good."""
    from validation.monitor.baseline import make_baseline

    made = make_baseline(_studies(source, token_file, keep), since.date(), until.date())
    output.write_text(made.model_dump_json(indent=1) + "\n", "utf-8")
    rates = ", ".join(f"{name} {rate.hits}/{rate.n}" for name, rate in made.agreement.items())
    typer.echo(f"{made.model_name}, {_day(since)} to {_day(until)}: {made.override.n} reports; agreement {rates}.")


def _day(at: datetime) -> date:
    return at.date()


def _studies(source: str, token_file: Path | None, keep_in: Path | None) -> tuple[ObservedStudy, ...]:
    """Raises `BadExport`, `NodeUnreachable`."""
    from validation.monitor.observed import keep, newest, read_export, read_kept

    if not source.startswith(("http://", "https://")):
        return newest(read_export(Path(source)))
    from validation.monitor.node_reports import open_node, read_node

    kept = {each.key: each for each in read_kept(keep_in)} if keep_in else {}
    last = max((each.arrived for each in kept.values()), default=None)
    with open_node(source, _token(token_file)) as client:
        found = newest([*kept.values(), *read_node(client, kept, last and last - LOOK_BACK)])
    if keep_in:
        keep(keep_in, found)
    return found


def _token(file: Path | None) -> str:
    import os

    from validation.errors import NodeUnreachable

    try:
        token = file.read_text("utf-8") if file else os.environ.get("MEDVLM_NODE_TOKEN", "")
    except (OSError, UnicodeDecodeError) as error:
        raise NodeUnreachable(
            "the file of the token cannot be read", where=str(file), way_out="Give the node's `api-token` file."
        ) from error
    if not token.strip():
        raise NodeUnreachable(
            "there is no token", where="--token-file", way_out="Give the node's `api-token` file, or MEDVLM_NODE_TOKEN."
        )
    return token.strip()
