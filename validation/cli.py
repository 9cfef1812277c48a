"""`medvlm-validate`: is this model good enough here?

Exit status: 0 all criteria met, 1 one not met or undecided, 2 could not run.
Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from validation.commands import add_to as add_commands
from validation.errors import BadDataSet, BadLabels, SuiteError
from validation.monitor.commands import add_to as add_monitor
from validation.report.commands import add_to as add_reports

if TYPE_CHECKING:
    from validation.protocol_data import Sources
    from validation.running import ModelChoice

ALL_MET, NOT_ALL_MET, COULD_NOT_RUN = 0, 1, 2
PROTOCOLS = {".yaml", ".yml"}

app = typer.Typer(
    help="Measure a model on your own labelled studies, by criteria that you fixed beforehand.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

DataOption = Annotated[
    list[str], typer.Option("--data", metavar="NAME=FOLDER", help="Where a data set of the protocol lies; repeatable.")
]
ManifestOption = Annotated[
    list[Path], typer.Option("--training-manifest", metavar="FILE", help="What the model was trained on; repeatable.")
]
OutOption = Annotated[Path, typer.Option(metavar="FOLDER", help="Outputs, results and report; a stopped run resumes.")]
ModelOption = Annotated[Path | None, typer.Option("--model", help="As of `medvlm serve`; default: the embedded one.")]
AdapterOption = Annotated[str, typer.Option(metavar="NAME=PATH", help="Adapter to read under.")]
UrlOption = Annotated[str, typer.Option(help="A model server that runs already; it must see the same files.")]
WorkersOption = Annotated[int, typer.Option(min=1, help="Model servers at once, or calls at once with --model-url.")]


@app.command()
def run(
    first: Annotated[
        Path, typer.Argument(metavar="PROTOCOL.yaml|READINGS.jsonl", help="A locked protocol, or readings to judge.")
    ],
    labels: Annotated[
        Path | None,
        typer.Argument(
            metavar="[LABELS.csv]",
            help="With readings. Columns: study_uid, or row (line of the reading, from 1); patient; a finding each.",
        ),
    ] = None,
    data: DataOption = [],  # noqa: B006 - typer makes a new list
    training_manifest: ManifestOption = [],  # noqa: B006 - typer makes a new list
    out: OutOption = Path("validation-run"),
    model: ModelOption = None,
    adapter: AdapterOption = "",
    model_url: UrlOption = "",
    workers: WorkersOption = 2,
    criteria: Annotated[
        Path | None, typer.Option(help="With readings. TOML: `[auroc]`, below it the least lower bound a finding.")
    ] = None,
    publish: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the record without cases and curves, to pass on.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole result as one JSON object.")] = False,
) -> None:
    """Run a locked protocol on a model; or judge readings that exist by labels and criteria."""
    if first.suffix.lower() in PROTOCOLS:
        choice = _choice(model, adapter, model_url, workers)
        raise typer.Exit(_run_protocol(first, _sources(data, training_manifest), out, choice, publish, as_json))
    if labels is None:
        raise BadLabels("readings need labels beside them", where=str(first), way_out="run READINGS.jsonl LABELS.csv")
    raise typer.Exit(_judge_readings(first, labels, criteria, as_json))


@app.command()
def lock(protocol: Annotated[Path, typer.Argument(metavar="PROTOCOL.yaml")]) -> None:
    """Lock a protocol by its hash, before results exist."""
    from datetime import UTC, datetime

    from validation.protocol import lock as lock_protocol

    made = lock_protocol(protocol, datetime.now(UTC)).lock
    if made:
        typer.echo(f"{made.sha256}  locked {made.locked.isoformat()}")


@app.command()
def selftest(
    protocol: Annotated[Path, typer.Argument(metavar="PROTOCOL.yaml")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the protocol's run.")],
    data: DataOption = [],  # noqa: B006 - typer makes a new list
    training_manifest: ManifestOption = [],  # noqa: B006 - typer makes a new list
    model: ModelOption = None,
    adapter: AdapterOption = "",
    model_url: UrlOption = "",
    workers: WorkersOption = 2,
) -> None:
    """Judge models that cheat by this protocol, from the outputs of its run: is each caught by its own criterion?"""
    from rich.console import Console

    from validation.running import selftest as tried

    choice = _choice(model, adapter, model_url, workers)
    rows = tried(protocol, _sources(data, training_manifest), out, choice, Console(stderr=True))
    for row in rows:
        said = {True: "caught", False: "NOT CAUGHT", None: "no criterion for it"}[row.caught] if row.caught_by else ""
        counts = ", ".join(f"{name}: {outcome}" for name, outcome in row.outcomes.items())
        typer.echo(f"{row.cheat:<20}{row.caught_by:<28}{said:<22}{counts}")
    raise typer.Exit(NOT_ALL_MET if any(row.caught is False for row in rows if row.caught_by) else ALL_MET)


add_reports(app)
add_monitor(app)
add_commands(app)


def _run_protocol(
    protocol: Path, sources: Sources, out: Path, model: ModelChoice, publish: Path | None, as_json: bool
) -> int:
    from rich.console import Console

    from validation.report.summary import show
    from validation.report.writing import record
    from validation.running import publishable, run_protocol

    result = run_protocol(protocol, sources, out, model, Console(stderr=True))
    if publish:
        publish.write_text(record(publishable(result)), "utf-8")
    if as_json:
        typer.echo(record(result), nl=False)
    else:
        show(Console(highlight=False, soft_wrap=True), result)
    return ALL_MET if result.outcome == "met" else NOT_ALL_MET


def _judge_readings(readings: Path, labels: Path, criteria: Path | None, as_json: bool) -> int:
    from validation.run import validate
    from validation.statistics.clustered_bootstrap import Resampling

    result = validate(readings, labels, criteria, Resampling())
    if as_json:
        typer.echo(result.model_dump_json())
    else:
        from rich.console import Console

        from validation.report.terminal import show

        show(Console(highlight=False, soft_wrap=True), result)
    return ALL_MET if result.passed else NOT_ALL_MET


def _choice(model: Path | None, adapter: str, url: str, workers: int) -> ModelChoice:
    from validation.running import ModelChoice

    arguments = [*(["--model", str(model)] if model else []), *(["--adapter", adapter] if adapter else [])]
    # An adapter is served beside the model, at a path of its own.
    return ModelChoice(url, tuple(arguments), workers, adapter.partition("=")[0])


def _sources(data: Sequence[str], manifests: Sequence[Path]) -> Sources:
    from validation.protocol_data import Sources

    found = {}
    for each in data:
        name, equals, folder = each.partition("=")
        if not (name and equals and folder):
            raise BadDataSet(
                f"{each!r} is no NAME=FOLDER", where="--data", way_out="For example: --data films=/data/films"
            )
        found[name] = Path(folder)
    return Sources(found, tuple(manifests))


def main() -> None:
    # A run that is told to stop ends its model servers on the way out.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(COULD_NOT_RUN))
    try:
        app()
    except SuiteError as error:
        if "--json" in sys.argv:
            typer.echo(json.dumps({"error": error.code, "detail": str(error)}))
        typer.echo(f"medvlm-validate: {error}", err=True)
        sys.exit(COULD_NOT_RUN)


if __name__ == "__main__":
    main()
