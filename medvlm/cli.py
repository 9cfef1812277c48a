"""`medvlm`: the model alone, on files.

Exit status: 0 done, 1 refused as out of scope (a stated result), 2 bad input, 3 partly failed.
Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medvlm.errors import MedvlmError
from medvlm.models_cli import models

if TYPE_CHECKING:
    from medvlm.contract import Answer, Reading
    from medvlm.engine.load_settings import LoadSettings

DONE, REFUSED, BAD_INPUT, PARTLY_FAILED = 0, 1, 2, 3

app = typer.Typer(
    help="Draft findings on chest radiographs and answer questions. For evaluation, not for clinical use.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.add_typer(models, name="models")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object of the contract a line.")]
ModelFolder = Annotated[
    Path | None,
    typer.Option("--model", help="Folder of a model, or TOML file of a model server; default: the embedded one."),
]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads; 0: all cores.")]
Adapter = Annotated[str, typer.Option(metavar="NAME=PATH", help="Adapter to read under.")]
Adapters = Annotated[
    list[str], typer.Option("--adapter", metavar="NAME=PATH", help="Adapter served at /adapters/NAME; repeatable.")
]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:N; for a model of your own.")]
Bits = Annotated[int, typer.Option(help="8 or 4: quantised by bitsandbytes, on CUDA; 0: as stored.")]
AllowCode = Annotated[
    Path | None, typer.Option(help="JSON list of {architecture, digests}: Python beside weights that may run.")
]


@app.command()
def draft(
    paths: Annotated[list[Path], typer.Argument(help="DICOM files, pictures, or folders: each is one study.")],
    model: ModelFolder = None,
    adapter: Adapter = "",
    device: Device = "cpu",
    bits: Bits = 0,
    allow_code: AllowCode = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Draft each study."""
    from medvlm.contract import Refusal
    from medvlm.engine.serving import ReadyModel
    from medvlm.inputs import study_input

    studies = [study_input(path) for path in paths]
    refusals: list[str] = []
    settings = _load_settings([adapter] if adapter else [], device, bits, allow_code)
    with ReadyModel(model, None, threads=threads, settings=settings) as ready:
        reader = next(iter(ready.adapted.values()), ready)
        for path, study in zip(paths, studies, strict=True):
            reading = reader.open(study).draft()
            if isinstance(reading.scope, Refusal):
                refusals.append(reading.scope.code)
            typer.echo(reading.model_dump_json() if as_json else _in_words(path, reading))
    raise typer.Exit(_exit_status(refusals, len(paths)))


@app.command()
def ask(
    path: Annotated[Path, typer.Argument(help="A DICOM file, a picture, or a folder as one study.")],
    questions: Annotated[list[str], typer.Argument(help="One or more questions.")],
    model: ModelFolder = None,
    adapter: Adapter = "",
    device: Device = "cpu",
    bits: Bits = 0,
    allow_code: AllowCode = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Ask about one study; it is encoded once for all questions."""
    from medvlm.contract import Answer, Question
    from medvlm.engine.serving import ReadyModel
    from medvlm.inputs import study_input

    study, refused = study_input(path), False
    settings = _load_settings([adapter] if adapter else [], device, bits, allow_code)
    with ReadyModel(model, None, threads=threads, settings=settings) as ready:
        session = next(iter(ready.adapted.values()), ready).open(study)
        for text in questions:
            for part in session.ask(Question(text=text)):
                if isinstance(part, Answer):
                    refused = refused or part.kind == "refusal"
                    typer.echo(part.model_dump_json() if as_json else _answer(text, part))
    raise typer.Exit(REFUSED if refused else DONE)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Loopback or a private address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8100,
    archive: Annotated[Path | None, typer.Option(help="The only folder whose images may be read.")] = None,
    model: ModelFolder = None,
    adapters: Adapters = [],  # noqa: B006 - typer makes a new list
    device: Device = "cpu",
    bits: Bits = 0,
    allow_code: AllowCode = None,
    threads: Threads = 0,
    session_bytes: Annotated[int, typer.Option(min=0, help="Memory for encoded studies kept warm.")] = 256 << 20,
) -> None:
    """Answer the contract over HTTP, for a node."""
    from medvlm.engine.serving import ReadyModel
    from medvlm.serve import serve as run

    settings = _load_settings(adapters, device, bits, allow_code)
    with ReadyModel(model, archive, threads=threads, session_bytes=session_bytes, settings=settings) as ready:
        run(host, port, ready)


@app.command()
def train(
    data: Annotated[Path, typer.Argument(help="Folder of the training data; docs/training.md says what lies in it.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and the finished model.")] = Path("data/training"),
    recipe: Annotated[Path | None, typer.Option(help="Recipe file; default: the embedded model's.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a stopped run was.")] = False,
    without: Annotated[
        list[str], typer.Option("--without", help="Leave out films with this finding; repeatable.")
    ] = [],  # noqa: B006 - typer makes a new list
    threads: Threads = 0,
) -> None:
    """Train the embedded model."""
    from medvlm.train.run import train as run

    typer.echo(str(run(data, out, recipe, resume, threads, tuple(without))))


@app.command()
def adapt(
    data: Annotated[Path, typer.Argument(help="Folder of films with one CSV: labels, questions or reports.")],
    out: Annotated[Path, typer.Option(help="Folder for the adapter and its card.")],
    model: ModelFolder = None,
    threads: Threads = 0,
) -> None:
    """Teach the model a finding from a dozen labelled films."""
    from medvlm.adapt.cards import in_short
    from medvlm.adapt.run import adapt as run

    typer.echo(in_short(run(data, out, model, threads)))
    typer.echo(f"Adapter and card: {out}")


def _load_settings(adapters: list[str], device: str, bits: int, allow_code: Path | None) -> LoadSettings:
    from medvlm.engine.load_settings import LoadSettings, adapter_paths, read_allowed_code

    allowed = read_allowed_code(allow_code) if allow_code else ()
    return LoadSettings(device=device, bits=bits, adapters=adapter_paths(adapters), allowed_code=allowed)


def _exit_status(refusals: list[str], studies: int) -> int:
    """A file that cannot be read is bad input; a film of something else is a stated result."""
    unreadable = refusals.count("unreadable")
    if unreadable:
        return BAD_INPUT if unreadable == studies else PARTLY_FAILED
    return REFUSED if refusals else DONE


def _in_words(path: Path, reading: Reading) -> str:
    from medvlm.contract import Refusal

    if isinstance(reading.scope, Refusal):
        lines = [f"{path}: not read. {reading.scope.reason}"]
    else:
        lines = [f"{path}: AI-generated, not verified", *_findings(reading)]
    lines += [f"  Warning: {warning.words}" for warning in reading.warnings]
    return "\n".join(lines)


def _findings(reading: Reading) -> Iterator[str]:
    from medvlm.vocabulary import term

    for one in reading.findings:
        yield f"  {term(one.name).display:<22}{one.presence:<14}{100 * one.probability:5.1f} %"
    for sentence in (*reading.narrative.findings, *reading.narrative.impression):
        yield f"  {sentence.text}"
    if reading.not_assessed:
        yield "  Not assessed: " + ", ".join(term(name).display.lower() for name in reading.not_assessed)


def _answer(question: str, answer: Answer) -> str:
    certainty = "" if answer.probability is None else f" ({100 * answer.probability:.0f} %)"
    return f"{question}\n  {answer.text}{certainty}"


def main() -> None:
    try:
        app()
    except MedvlmError as error:
        typer.echo(f"medvlm: {error}", err=True)
        sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main()
