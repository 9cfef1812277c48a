"""Errors of `medvlm`.

    MedvlmError
    ├── UnreadableImage        the file is no image that can be decoded or placed
    ├── DecoderDied            the decoder process was killed by this image or ran out of time
    ├── OutsideArchive         a reference points outside the folder the model server may read
    ├── ModelUnavailable       the model server does not answer, or stopped while answering
    ├── UnknownFinding         a name that the vocabulary does not hold
    ├── UnusableData           data that cannot be learnt from; names the rows
    └── BadModelFolder         weights or configuration are missing, damaged or of another version

Every error carries what was wrong, where, and the way out; none carries patient data.
"""

from __future__ import annotations

from typing import ClassVar


class MedvlmError(Exception):
    """Root of the tree. `code` is stable and machine-readable."""

    code: ClassVar[str] = "medvlm_error"

    def __init__(self, what: str, *, where: str = "", way_out: str = "") -> None:
        self.what = what
        self.where = where
        self.way_out = way_out
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The error in words: what, where, way out."""
        place = f" ({self.where})" if self.where else ""
        cure = f" {self.way_out}" if self.way_out else ""
        return f"{self.what}{place}.{cure}"

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross the decoder's process boundary; keyword-only arguments need help there.
        return (_rebuild, (type(self), self.what, self.where, self.way_out))


def _rebuild(kind: type[MedvlmError], what: str, where: str, way_out: str) -> MedvlmError:
    return kind(what, where=where, way_out=way_out)


class UnreadableImage(MedvlmError):
    code = "unreadable_image"


class DecoderDied(UnreadableImage):
    code = "decoder_died"


class OutsideArchive(MedvlmError):
    code = "outside_archive"


class ModelUnavailable(MedvlmError):
    code = "model_unavailable"


class UnknownFinding(MedvlmError):
    code = "unknown_finding"


class BadModelFolder(MedvlmError):
    code = "bad_model_folder"
