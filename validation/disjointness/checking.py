"""A data set against the manifest of the training data: who is in both?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np

from validation.cases import Case, DataSet, Frozen
from validation.disjointness.fingerprint import Signs, close_framings, fingerprints, framings
from validation.disjointness.looking import Told, all_fingerprints
from validation.disjointness.manifest import TrainingManifest, patient_hash
from validation.disjointness.pixels import grey_values
from validation.disjointness.search import Known, Match

AT_ONCE = 256

Found = Match | Literal["not comparable"] | None


class Leak(Frozen):
    """A case that seems to have been trained on.

    `image` is its place in `Case.images`, priors after it; None: it is known by its patient ID.

    `bits` of 399 differ from the likest training image; `way` is how that had to be turned.
    """

    case_id: str
    image: int | None = None
    bits: int | None = None
    way: str = ""


class Disjointness(Frozen):
    """`cases`: all cases of every patient of whom anything leaked, the ones to leave out.

    `patients_compared` is None where the IDs are of another source than those of the manifest.
    """

    manifest: str
    data: str
    training_patients: int
    training_images: int
    patients_compared: int | None
    images_compared: int
    images_not_comparable: int
    leaked_patients: int
    leaked_images: int
    leaks: tuple[Leak, ...]
    cases: tuple[str, ...]
    words: str

    @property
    def shown(self) -> bool:
        """Nothing leaked, and everything was compared."""
        return not (self.leaks or self.images_not_comparable) and self.patients_compared is not None


def check(
    data_set: DataSet, manifest: TrainingManifest, source: str = "", told: Told = lambda done: None
) -> Disjointness:
    """Patients as the adapter names them, and all images with their priors, as they are, turned, and cropped.

    `source` is where the patient IDs of the data set are from; IDs are compared unless both sources are known and
    differ. `told` hears of every image that was looked at.
    """
    comparable = not (source and manifest.source and source != manifest.source)
    by_id = _by_patient(data_set.cases, manifest) if comparable else ()
    places = [(case, at, path) for case in data_set.cases for at, path in enumerate(_images(case))]
    found = tuple(_looked_for([path for _, _, path in places], Known(manifest.signs()), told))
    by_image = [
        (case, Leak(case_id=case.case_id, image=at, bits=match.bits, way=match.way))
        for (case, at, _), match in zip(places, found, strict=True)
        if isinstance(match, Match)
    ]
    leaks = (*(Leak(case_id=case.case_id) for case in by_id), *(leak for _, leak in by_image))
    patients = {case.patient for case in (*by_id, *(case for case, _ in by_image))}
    numbers = {
        "training_patients": len(manifest.patients),
        "training_images": len(manifest.images),
        "images_compared": sum(match != "not comparable" for match in found),
        "images_not_comparable": sum(match == "not comparable" for match in found),
        "leaked_patients": len(patients),
        "leaked_images": len(by_image),
    }
    compared = len({case.patient for case in data_set.cases}) if comparable else None
    return Disjointness(
        manifest=manifest.name,
        data=data_set.name,
        patients_compared=compared,
        leaks=leaks,
        cases=tuple(case.case_id for case in data_set.cases if case.patient in patients),
        words=_words(numbers, compared, manifest.not_comparable),
        **numbers,
    )


def _by_patient(cases: Sequence[Case], manifest: TrainingManifest) -> tuple[Case, ...]:
    trained = frozenset(manifest.patients)
    leaked = {each for each in {case.patient for case in cases} if patient_hash(each, manifest.salt) in trained}
    return tuple(case for case in cases if case.patient in leaked)


def _images(case: Case) -> tuple[Path, ...]:
    return (*case.images, *(case.prior or ()))


def _looked_for(paths: Sequence[Path], known: Known, told: Told) -> Iterator[Found]:
    looked, left = all_fingerprints(paths, framings(), told), iter(paths)
    while some := tuple(islice(looked, AT_ONCE)):
        yield from _matched(tuple(islice(left, len(some))), some, known)


def _matched(paths: Sequence[Path], some: Sequence[Signs | None], known: Known) -> Iterator[Found]:
    there = [signs for signs in some if signs is not None]
    matches = known.nearest(np.stack(there)) if there else iter(())
    for path, signs in zip(paths, some, strict=True):
        yield "not comparable" if signs is None else known.confirmed(next(matches), partial(_closely, path))


def _closely(path: Path) -> Signs:
    return fingerprints(grey_values(path), close_framings())


def _words(numbers: Mapping[str, int], patients: int | None, untold: int) -> str:
    training = f"{numbers['training_patients']} patients and {numbers['training_images']} images of the training data"
    said = [f"{numbers['images_compared']} images were compared with {training} by what they look like"]
    if patients is None:
        said.append("patient IDs were not: they are of another source")
    else:
        said.append(f"{patients} patients by their IDs")
    if missing := numbers["images_not_comparable"]:
        said.append(f"{missing} images could not be compared")
    if untold:
        said.append(f"{untold} training images are not in the manifest, which could not be looked at")
    leaked, alike = numbers["leaked_patients"], numbers["leaked_images"]
    verdict = f"{leaked} patients are known by their ID, or by {alike} images that look like training images"
    return f"{verdict if leaked else 'no leak'}: {'; '.join(said)}."
