"""Every object as the archive has it, byte for byte."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from dicom_node.deidentify import Refused
from dicom_node.export.collect import Stored
from dicom_node.export.outcome import LeftOut, Written


def copied(stored: Iterable[Stored], folder: Path) -> Iterator[Written | LeftOut]:
    """Written below `folder` as SERIES/INSTANCE.dcm; further contents under one UID get a number behind it."""
    for one in stored:
        target = _free(folder / one.series_uid / f"{one.sop_instance_uid}.dcm")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(one.path, target)
        except FileNotFoundError:
            yield LeftOut.of(one.sop_class_uid, one.sop_instance_uid, Refused("unreadable"))
            continue
        yield Written(str(target.relative_to(folder)), one.sop_class_uid, one.sop_instance_uid)


def _free(target: Path) -> Path:
    number, free = 1, target
    while free.exists():
        number += 1
        free = target.with_name(f"{target.stem}-{number}{target.suffix}")
    return free
