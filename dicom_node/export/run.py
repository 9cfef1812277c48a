"""One export from the archive to a folder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Engine

from dicom_node.deidentify import Options
from dicom_node.errors import Edge, NodeError
from dicom_node.export.as_stored import copied
from dicom_node.export.cleaned import cleaner, dangling
from dicom_node.export.collect import Stored, readings_in, stored_of
from dicom_node.export.key_file import key_for
from dicom_node.export.outcome import Exported, LeftOut, Written
from dicom_node.export.own_words import own_words
from dicom_node.export.pixels import TextReader

MANIFEST = "manifest.json"

Step = Callable[[int], None]
"""Called with the number of objects of the study after each of them."""


class FolderTaken(NodeError):
    """There is an export of this study already."""

    code: ClassVar[str] = "folder_taken"
    edge: ClassVar[Edge] = Edge(dimse=0xC000, http=409, exit=2)


@dataclass(frozen=True)
class Archive:
    """Where studies are, and who reads text in their pixels."""

    engine: Engine
    root: Path
    reader: TextReader


@dataclass(frozen=True)
class Request:
    """`options` is None for files as stored. Without a `key` file every export has UIDs and dates of its own."""

    study_uid: str
    out: Path
    options: Options | None = None
    key: Path | None = None


def export(archive: Archive, request: Request, step: Step = lambda total: None) -> Exported:
    """Write the study's files and their manifest, which is written last: without it an export is not whole.

    Raises `NotFound`, `BadKeyFile`, `FolderTaken`.
    """
    stored = stored_of(archive.engine, archive.root, request.study_uid)
    exported = (
        _as_stored(request, stored, step) if request.options is None else _cleaned(archive, request, stored, step)
    )
    manifest = json.dumps(exported.as_dict(), indent=2)
    (exported.folder / MANIFEST).write_text(manifest + "\n", "utf-8")
    return exported


def _as_stored(request: Request, stored: tuple[Stored, ...], step: Step) -> Exported:
    folder = _folder(request.out, request.study_uid)
    written, left_out = _sorted(copied(stored, folder), len(stored), step)
    return Exported(folder, request.study_uid, (), written, left_out)


def _cleaned(archive: Archive, request: Request, stored: tuple[Stored, ...], step: Step) -> Exported:
    options, key = request.options or Options(), key_for(request.key)
    study_uid = key.uid(request.study_uid)
    folder = _folder(request.out, study_uid)
    wording = own_words(readings_in(archive.engine, request.study_uid))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parser's own quote the values that they are about
        one = cleaner(stored, options, key, wording, archive.reader)
        written, left_out = _sorted(one.cleaned(stored, folder), len(stored), step)
    return Exported(folder, study_uid, options.codes, written, left_out, dangling(folder, written, left_out))


def _sorted(
    made: Iterator[Written | LeftOut], total: int, step: Step
) -> tuple[tuple[Written, ...], tuple[LeftOut, ...]]:
    written: list[Written] = []
    left_out: list[LeftOut] = []
    for it in made:
        if isinstance(it, Written):
            written.append(it)
        else:
            left_out.append(it)
        step(total)
    return tuple(written), tuple(left_out)


def _folder(out: Path, study_uid: str) -> Path:
    folder = out / study_uid
    if folder.exists():
        raise FolderTaken(
            "this study has been exported there", where=str(folder), way_out="Remove it, or give another --out."
        )
    folder.mkdir(parents=True)
    return folder
