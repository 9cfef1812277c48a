"""Who and what a model was trained on, told without saying it: salted hashes of patients, fingerprints of images.

The file travels with the weights: made later, it cannot be made. Both lists are sorted, so that neither tells which
images are of which patient. The salt keeps two manifests from being joined; it hides nobody whose ID can be guessed,
since every ID of a numbered archive can be tried. The file is pseudonymised data and is kept as such.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field, StringConstraints, ValidationError

from validation.cases import DataSet, Frozen
from validation.disjointness.fingerprint import BITS, Signs, packed, unpacked
from validation.disjointness.looking import Told, all_fingerprints
from validation.errors import BadManifest

WAY_OUT = "Take the file that came with the weights; where you trained, make one with medvlm-validate manifest."

PatientHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{67}=$")]


class TrainingManifest(Frozen):
    """`source`: where the patient IDs are from; IDs of another source mean nothing. Empty: it is not said."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_version: Annotated[Literal["medvlm-training-manifest/1"], Field(alias="schema")]
    method: Literal["rank-cosine-20/1"]
    name: str
    source: str = ""
    salt: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){16,}$")]
    not_comparable: int = 0
    """Training images without a fingerprint: damaged, or of several frames."""
    patients: tuple[PatientHash, ...]
    images: tuple[Fingerprint, ...]

    def signs(self) -> Signs:
        """n × BITS."""
        rows = [np.frombuffer(b64decode(each), np.uint8) for each in self.images]
        return unpacked(np.stack(rows)) if rows else np.empty((0, BITS), np.int8)


def make_manifest(
    data_sets: Sequence[DataSet], name: str, source: str, salt: str, told: Told = lambda done: None
) -> TrainingManifest:
    """`salt` is at least 16 random bytes as hex digits. `told` hears of every image that was looked at."""
    cases = [case for each in data_sets for case in each.cases]
    looked = list(all_fingerprints([path for case in cases for path in (*case.images, *(case.prior or ()))], told=told))
    found = [b64encode(packed(signs)[0].tobytes()).decode() for signs in looked if signs is not None]
    return TrainingManifest(
        schema_version="medvlm-training-manifest/1",
        method="rank-cosine-20/1",
        name=name,
        source=source,
        salt=salt,
        not_comparable=len(looked) - len(found),
        patients=tuple(sorted({patient_hash(case.patient, salt) for case in cases})),
        images=tuple(sorted(set(found))),
    )


def patient_hash(patient: str, salt: str) -> str:
    """The same for `0042`, `42` and ` 42 `: archives differ in how they fill an ID up."""
    plain = unicodedata.normalize("NFKC", patient).strip().casefold()
    return hmac.new(bytes.fromhex(salt), (plain.lstrip("0") or plain).encode(), hashlib.sha256).hexdigest()[:32]


def write_manifest(manifest: TrainingManifest, path: Path) -> str:
    """The digest of the file, which a protocol names as `training_manifest`."""
    content = (manifest.model_dump_json(indent=1, by_alias=True) + "\n").encode()
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def read_manifest(path: Path, digest: str = "") -> TrainingManifest:
    """`digest` is the SHA-256 that the file must have; empty: any. Raises `BadManifest`."""
    try:
        content = path.read_bytes()
        if digest and hashlib.sha256(content).hexdigest() != digest:
            raise BadManifest("this is not the manifest that the protocol names", where=str(path), way_out=WAY_OUT)
        return TrainingManifest.model_validate_json(content)
    except OSError as error:
        what = f"the manifest of the training data cannot be read: {error.strerror}"
        raise BadManifest(what, where=str(path), way_out=WAY_OUT) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        what = f"this is no manifest of training data: {key}: {first['msg']}"
        raise BadManifest(what, where=str(path), way_out=WAY_OUT) from error
