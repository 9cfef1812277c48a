"""`dicom-node lint`: our own check over result objects in files, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread
from rich.console import Console
from rich.markup import escape

from dicom_node.deliver.send import files_below
from dicom_node.errors import CannotUnderstand
from dicom_node.report.header import read_text
from dicom_node.report.sr_lint import Problem, lint


@dataclass(frozen=True)
class Linted:
    path: Path
    sop_instance_uid: str
    problems: tuple[Problem, ...]


def lint_files(paths: Iterable[Path], sources: Iterable[Path]) -> tuple[Linted, ...]:
    """Every object among the files. Raises `NoSuchPath`, and `CannotUnderstand` for a file that is no DICOM object."""
    headers = tuple(_header(file) for path in sources for file in files_below(path))
    images = tuple(header for header in headers if header is not None and "Rows" in header)
    return tuple(_linted(file, images) for path in paths for file in files_below(path))


def _linted(path: Path, images: Sequence[Dataset]) -> Linted:
    document = _header(path)
    if document is None or not read_text(document, "SOPClassUID"):
        raise CannotUnderstand("this is no DICOM object", where=path.name, way_out="Give structured reports.")
    return Linted(path, read_text(document, "SOPInstanceUID"), lint(document, images))


def _header(path: Path) -> Dataset | None:
    try:
        return dcmread(path, stop_before_pixels=True)
    except Exception:
        # A folder of images holds other files too, and the parser raises whatever it happens to trip over.
        return None


def show(linted: Iterable[Linted], *, compared: bool, as_json: bool) -> None:
    """One block, or one JSON object, a file. `compared`: sources were given."""
    console = Console()
    for one in linted:
        if as_json:
            problems = [problem.as_dict() for problem in one.problems]
            print(json.dumps({"file": str(one.path), "sop_instance_uid": one.sop_instance_uid, "problems": problems}))
            continue
        verdict = f"[red]{len(one.problems)} wrong[/red]" if one.problems else "clean"
        console.print(f"[bold]{escape(str(one.path))}[/bold]  {verdict}", soft_wrap=True)
        for problem in one.problems:
            console.print(f"  {problem.rule}  {escape(problem.where)}", style="bold", soft_wrap=True)
            console.print(f"    {escape(problem.what)}. {escape(problem.way_out)}", soft_wrap=True)
    if not compared and not as_json:
        console.print("Not compared with any image: give them with --sources.")
