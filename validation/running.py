"""`medvlm-validate run PROTOCOL` as it runs: servers started, progress shown, results written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from validation.cheats.battery import Tried, try_cheats
from validation.errors import BadRun
from validation.protocol import read_protocol
from validation.protocol.document import Protocol
from validation.protocol_data import Data, Sources, read_data
from validation.protocol_run import (
    OUTPUTS,
    SCORES,
    Asked,
    ask_all,
    askings_in_all,
    earlier_results,
    judged_run,
    must_be_locked,
    write_scores,
)
from validation.report.writing import write_reports
from validation.results import Run
from validation.runner.execute import Told, Worker
from validation.runner.servers import local_servers, remote_worker
from validation.runner.store import OutputStore


@dataclass(frozen=True)
class ModelChoice:
    """A server that runs already (`url`), or the arguments of `medvlm serve` for one a worker."""

    url: str = ""
    arguments: tuple[str, ...] = ()
    workers: int = 2
    adapter: str = ""
    """Name of the adapter among the arguments; empty: none."""


def run_protocol(path: Path, sources: Sources, out: Path, model: ModelChoice, console: Console) -> Run:
    """Everything from the protocol to the report in `out`. Raises `SuiteError`."""
    started = datetime.now(UTC)
    protocol = read_protocol(path)
    must_be_locked(protocol, path, started)
    notes = earlier_results(out, protocol)
    out.mkdir(parents=True, exist_ok=True)
    console.print("Reading the data …")
    data = read_data(protocol, sources, out)
    with OutputStore(out / OUTPUTS) as store:
        asked = _asked(protocol, data, model, store, out, console)
        console.print("Making figures …")
        run = judged_run(protocol, data, asked, started, lambda: datetime.now(UTC), notes)
        write_scores(asked, out / SCORES)
    write_reports(run, out)
    return run


def publishable(run: Run) -> Run:
    """The record without anything of a single case: what may be passed on where the data may not."""
    named = {"leaks", "cases"}
    checked = {name: {key: each[key] for key in each if key not in named} for name, each in run.disjointness.items()}
    return run.model_copy(update={"failures": (), "curves": (), "disjointness": checked})


def selftest(path: Path, sources: Sources, out: Path, model: ModelChoice, console: Console) -> list[Tried]:
    """Each cheat judged by the protocol, from the outputs of its run in `out`: nothing is asked that is there."""
    if not (out / OUTPUTS).exists():
        raise BadRun("the folder holds no outputs of a run", where=str(out), way_out="Run the protocol first.")
    protocol = read_protocol(path)
    data = read_data(protocol, sources, out)
    with OutputStore(out / OUTPUTS) as store:
        asked = _asked(protocol, data, model, store, out, console)
        return list(try_cheats(protocol, asked.examination, asked.said))


def _asked(
    protocol: Protocol, data: Data, model: ModelChoice, store: OutputStore, out: Path, console: Console
) -> Asked:
    with _workers(model, out) as workers:
        total = askings_in_all(protocol, data, workers[0].model.assessed)
        with _told(console, total) as told:
            return ask_all(protocol, data, workers, store, out, told)


@contextmanager
def _workers(model: ModelChoice, out: Path) -> Iterator[Sequence[Worker]]:
    if model.url:
        yield remote_worker(model.url, model.workers)
    else:
        with local_servers(model.workers, model.arguments, out, model.adapter) as workers:
            yield workers


@contextmanager
def _told(console: Console, total: int) -> Iterator[Told]:
    """A bar with elapsed and remaining time. What the store had already says nothing of the speed."""
    columns = (TextColumn("Asking the model"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=console
    ) as progress:
        task = progress.add_task("", total=total)
        tenth = 0

        def told(done: int, found: int) -> None:
            nonlocal tenth
            progress.update(task, total=total - found, completed=done - found)
            if not console.is_terminal and 10 * done // max(total, 1) > tenth:
                # No bar can move in a log: a line a tenth instead.
                tenth = 10 * done // max(total, 1)
                console.print(f"{done} of {total} asked, {found} of them before this run", highlight=False)

        yield told
