"""Every adapter by its name in a protocol: `read(root, **options) -> DataSet`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from pathlib import Path

from validation.cases import DataSet
from validation.errors import BadDataSet

ADAPTERS = (
    "chexpert",
    "mimic_cxr",
    "nih_chest_xray14",
    "open_i",
    "padchest",
    "plain_folder",
    "shared_radiographs",
    "slake",
    "vindr_cxr",
    "vqa_rad",
)
"""Each is a module of this folder."""


def read_data_set(
    adapter: str, root: Path, options: Mapping[str, str | int | float | bool], unpack_to: Path
) -> DataSet:
    """`unpack_to` is where adapters of archives may put images. Raises `BadDataSet`."""
    if adapter not in ADAPTERS:
        raise BadDataSet(f"no adapter is called {adapter!r}", where=str(root), way_out=f"Known: {', '.join(ADAPTERS)}.")
    read = import_module(f"validation.datasets.{adapter}").read
    known = signature(read).parameters.keys() - {"root", "unpack_to"}
    unknown = options.keys() - known
    if unknown:
        way_out = f"Options of {adapter}: {', '.join(sorted(known)) or 'none'}."
        raise BadDataSet(f"no option is called {', '.join(sorted(unknown))}", where=str(root), way_out=way_out)
    place = {"unpack_to": unpack_to} if "unpack_to" in signature(read).parameters else {}
    found: DataSet = read(root, **options, **place)
    return found
