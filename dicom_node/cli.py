"""`dicom-node`: every command, and what each error becomes at the shell.

Exit status: 0 done, 1 refused as out of scope (a stated result), 2 bad input or settings, 3 partly failed.
Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dicom_node import auditing
from dicom_node.errors import NodeError

if TYPE_CHECKING:
    from dicom_node.settings import Settings

REFUSED, BAD_INPUT, PARTLY_FAILED = 1, 2, 3

app = typer.Typer(
    help="A DICOM node: studies in, draft structured reports out. For evaluation, not for clinical use.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.add_typer(auditing.app, name="audit")

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; default ./dicom-node.toml if there.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Study = Annotated[str, typer.Argument(metavar="UID", help="Study Instance UID.")]


def _settings(config: Path | None) -> Settings:
    from dicom_node.settings import load

    return load(config)


@app.command()
def demo(
    files: Annotated[list[Path] | None, typer.Argument(help="Your own files instead of the sample.")] = None,
    config: Config = None,
    once: Annotated[bool, typer.Option("--once", help="Stop after the table instead of staying up.")] = False,
) -> None:
    """Run the node and a second AE as PACS, send a real radiograph, show what came back."""
    from dicom_node.demo.run import run

    raise typer.Exit(run(_settings(config), tuple(files or ()), stay=not once))


@app.command()
def serve(
    config: Config = None,
    role: Annotated[str, typer.Option(help="Only this role: listener, model, worker or api.")] = "",
) -> None:
    """Run the node until Ctrl-C."""
    settings = _settings(config)
    if role:
        from dicom_node import roles

        if role not in roles.ROLES:
            raise typer.BadParameter(f"known roles: {', '.join(roles.ROLES)}", param_hint="--role")
        roles.run(role, settings)
        return
    from dicom_node.supervise import run

    run(settings, ["--config", str(config)] if config else [])


@app.command()
def read(
    paths: Annotated[list[Path], typer.Argument(help="DICOM files, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder for the reports.")] = Path("results"),
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Files through the whole flow without a PACS; the reports go to --out."""
    from dicom_node.log import configure
    from dicom_node.offline import read_paths, show

    settings = _settings(config)
    configure(settings.log.model_copy(update={"level": "error"}), "read")  # what happens is the command's own output
    outcome = read_paths(settings, paths, out)
    show(outcome, as_json=as_json)
    raise typer.Exit(outcome.exit_status)


@app.command()
def send(
    paths: Annotated[list[Path], typer.Argument(help="DICOM files, or folders of them.")],
    config: Config = None,
    to: Annotated[str, typer.Option(help="AE@HOST:PORT; default: this node.")] = "",
    calling: Annotated[str, typer.Option(help="Our AE title.")] = "SENDER",
) -> None:
    """Send files by C-STORE, as they are."""
    from dicom_node.sending import send_and_show

    raise typer.Exit(send_and_show(paths, _remote(config, to, calling)))


@app.command()
def echo(
    config: Config = None,
    to: Annotated[str, typer.Option(help="AE@HOST:PORT; default: this node.")] = "",
    calling: Annotated[str, typer.Option(help="Our AE title.")] = "SENDER",
) -> None:
    """Ask a DICOM application whether it answers (C-ECHO)."""
    from dicom_node.deliver.scu import echo as verify

    remote = _remote(config, to, calling)
    outcome = verify(remote)
    typer.echo(f"{remote.place}: {outcome.words}, {outcome.milliseconds:.0f} ms")
    raise typer.Exit(0 if outcome.ok else PARTLY_FAILED)


def _remote(config: Path | None, to: str, calling: str) -> Any:
    from dicom_node.deliver.scu import Remote

    if not to:
        listener = _settings(config).listener
        return Remote(listener.host, listener.port, listener.ae_title, calling)
    called, _, place = to.partition("@")
    host, _, port = place.rpartition(":")
    if not (called and host and port.isdigit()):
        raise typer.BadParameter("write AE@HOST:PORT, for example PACS@127.0.0.1:104", param_hint="--to")
    return Remote(host, int(port), called, calling)


@app.command()
def doctor(config: Config = None) -> None:
    """Check settings, disk, index, listener, model, peers and clock, and say how to mend what is wrong."""
    from dicom_node.doctor import examine, show

    checks = examine(_settings(config))
    show(checks)
    raise typer.Exit(0 if all(check.ok for check in checks) else PARTLY_FAILED)


@app.command()
def studies(
    config: Config = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the last received first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The studies and where each stands."""
    from dicom_node import show

    show.studies(_settings(config), limit=limit, as_json=as_json)


@app.command()
def show(uid: Study, config: Config = None, as_json: AsJson = False) -> None:
    """One study: state, findings or refusal, reports and deliveries."""
    from dicom_node import show as showing

    showing.study(_settings(config), uid, as_json=as_json)


@app.command()
def retry(uid: Study, config: Config = None) -> None:
    """Read a refused or failed study again; send what is parked or waiting at once."""
    from dicom_node.retry import retry as again

    typer.echo(again(_settings(config), uid))


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(help="Result objects, or folders of them.")],
    sources: Annotated[
        list[Path] | None, typer.Option(help="The images that they speak of: a file or a folder; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check structured reports by our own rules, those that hold for every report before it is sent."""
    from dicom_node.linting import lint_files, show

    linted = lint_files(files, sources or ())
    show(linted, compared=bool(sources), as_json=as_json)
    raise typer.Exit(PARTLY_FAILED if any(one.problems for one in linted) else 0)


@app.command()
def export(
    uid: Study,
    out: Annotated[Path, typer.Option(help="Folder in which the study gets a folder of its own.")],
    deidentify: Annotated[bool, typer.Option("--deidentify", help="Without the patient (PS3.15 Annex E).")] = False,
    shift_dates: Annotated[bool, typer.Option("--shift-dates", help="Dates moved, intervals kept.")] = False,
    keep_dates: Annotated[bool, typer.Option("--keep-dates", help="Dates as they are; not the birth date.")] = False,
    key: Annotated[Path | None, typer.Option(help="Key file, by which several exports agree; made if missing.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """A study and its reports as files: as stored, or de-identified."""
    from dicom_node.deidentify.options import Options
    from dicom_node.export.command import run
    from dicom_node.export.run import Request

    if shift_dates and keep_dates:
        raise typer.BadParameter("give one of --shift-dates and --keep-dates")
    if not deidentify and (shift_dates or keep_dates or key):
        raise typer.BadParameter("this goes with --deidentify", param_hint="--shift-dates, --keep-dates, --key")
    options = Options("shifted" if shift_dates else "kept" if keep_dates else "removed") if deidentify else None
    raise typer.Exit(run(_settings(config), Request(uid, out, options, key), as_json=as_json))


@app.command(name="settings")
def print_settings() -> None:
    """Print the commented example of the settings file."""
    from dicom_node.settings import example

    typer.echo(example())


def main() -> None:
    try:
        app()
    except NodeError as error:
        if "--json" in sys.argv:
            typer.echo(json.dumps({"error": error.code, "detail": str(error)}))
        typer.echo(f"dicom-node: {error}", err=True)
        sys.exit(error.edge.exit)


if __name__ == "__main__":
    main()
