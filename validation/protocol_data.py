"""The data of a protocol: read by their adapters, checked against what was locked and what was trained on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from validation.cases import Case, DataSet
from validation.datasets.adapters import read_data_set
from validation.disjointness import Disjointness, check, read_manifest
from validation.errors import BadDataSet, NotDisjoint
from validation.protocol import Exclusion, Protocol
from validation.protocol.document import Data as Entry

IMAGES = "images"
TRAINED_ON = "trained_on"
"""Attribute of the cases of patients that were trained on: an exclusion may name it."""


@dataclass(frozen=True)
class Data:
    """All cases of a protocol, named DATA/CASE; `excluded`, `digests` and `disjointness` by data set or reason."""

    cases: tuple[Case, ...]
    excluded: Mapping[str, int] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    disjointness: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sources:
    """Where the data sets lie, by name, and the files that list training data."""

    folders: Mapping[str, Path]
    manifests: Sequence[Path] = ()


def read_data(protocol: Protocol, sources: Sources, out: Path) -> Data:
    """Raises `BadDataSet`, `BadManifest`, and `NotDisjoint` where patients that were trained on are not excluded."""
    cases: list[Case] = []
    excluded: Counter[str] = Counter()
    digests: dict[str, str] = {}
    notes: list[str] = []
    checked: dict[str, Any] = {}
    for entry in protocol.data:
        found = _read(entry, sources, out)
        excluded.update(found.excluded)
        digests[entry.name] = found.digest
        notes += [f"{entry.name}: {each}" for each in found.notes]
        disjoint = _disjointness(entry, found, sources, protocol)
        if disjoint:
            checked[entry.name] = disjoint.model_dump(mode="json")
            notes += [] if disjoint.shown else [f"{entry.name}: {disjoint.words}"]
        leaked = frozenset(disjoint.cases) if disjoint else frozenset()
        for case in found.cases:
            named = _named(case, entry.name, case.case_id in leaked)
            rule = next((each for each in protocol.exclusions if each.leaves_out(named.attributes)), None)
            if rule:
                excluded[rule.reason] += 1
            else:
                cases.append(named)
    if not checked:
        notes.insert(0, "No list of the training data was given: that no patient was trained on is stated, not shown.")
    return Data(tuple(cases), dict(excluded), digests, tuple(notes), checked)


def _read(entry: Entry, sources: Sources, out: Path) -> DataSet:
    if entry.name not in sources.folders:
        way_out = f"Say where it lies: --data {entry.name}=FOLDER."
        raise BadDataSet(f"no folder is given for the data {entry.name}", where="--data", way_out=way_out)
    options = {**entry.options, **({"split": entry.split} if entry.split else {})}
    found = read_data_set(entry.adapter, sources.folders[entry.name], options, out / IMAGES / entry.name)
    if found.digest != entry.digest:
        raise BadDataSet(
            f"the data are not those that the protocol was locked on: their digest is {found.digest}",
            where=f"data {entry.name}",
            way_out="Give the same labels and images, or write and lock a new protocol.",
        )
    return found


def _disjointness(entry: Entry, found: DataSet, sources: Sources, protocol: Protocol) -> Disjointness | None:
    """None where the protocol names no list of training data for these data."""
    if not entry.training_manifest:
        return None
    manifest = read_manifest(_manifest(entry, sources.manifests), entry.training_manifest)
    source = "" if entry.adapter == "plain_folder" else entry.adapter
    result = check(found, manifest, source)
    if result.leaks and not any(_excludes(each) for each in protocol.exclusions):
        raise NotDisjoint(
            result.words,
            where=f"data {entry.name}",
            way_out=f"Take them out, or lock a protocol that excludes them: {TRAINED_ON}, is: equal, value: 'yes'.",
        )
    return result


def _excludes(rule: Exclusion) -> bool:
    return rule.leaves_out({TRAINED_ON: "yes"})


def _manifest(entry: Entry, manifests: Sequence[Path]) -> Path:
    for path in manifests:
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == entry.training_manifest:
            return path
    raise BadDataSet(
        "the list of training data that the protocol names is not given",
        where=f"data {entry.name}",
        way_out="Give it: --training-manifest FILE. It comes with the weights.",
    )


def _named(case: Case, data: str, trained_on: bool) -> Case:
    """Patients of two data sets are two patients: what shows that they are not is the check of disjointness."""
    return case.model_copy(
        update={
            "case_id": f"{data}/{case.case_id}",
            "patient": f"{data}/{case.patient}",
            "attributes": {**case.attributes, "data": data, **({TRAINED_ON: "yes"} if trained_on else {})},
        }
    )
