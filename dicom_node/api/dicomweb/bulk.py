"""Bulk data by its BulkDataURI: one element's bytes, wherever in the data set it lies (PS3.18 section 10.4.1.1.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian

from dicom_node.archive.dicom_json import BINARY
from dicom_node.archive.series_metadata import read_up_to_pixels
from dicom_node.archive.served import Served

PIXEL_DATA: Final = "7FE00010"
ENCAPSULATED_DOCUMENT: Final = 0x00420011
DOCUMENT_TYPES: Final = frozenset({"application/pdf", "model/stl", "text/xml"})
DEEPEST: Final = 64
# Of VRs whose values are numbers of several bytes (PS3.5 section 7.3).
WORDS: Final = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}

_PATH = re.compile(r"[0-9A-F]{8}(?:/[1-9][0-9]{0,5}/[0-9A-F]{8})*")


@dataclass(frozen=True)
class Bulk:
    """`media_type` is of the document that the element holds; octets otherwise."""

    content: bytes
    media_type: str = "application/octet-stream"


def read_bulk(root: Path, one: Served, path: str) -> Bulk | None:
    """The element at tags and item numbers (from 1) joined by slashes; None when there is none with bytes."""
    if not _PATH.fullmatch(path.upper()) or path.count("/") > 2 * DEEPEST:
        return None
    *steps, tag = path.split("/")
    if not (root / one.path).exists():
        return None
    with (root / one.path).open("rb") as stream:
        dataset: Dataset = read_up_to_pixels(stream)
        try:
            for sequence, item in zip(steps[::2], steps[1::2], strict=True):
                dataset = dataset[int(sequence, 16)].value[int(item) - 1]
            element = dataset[int(tag, 16)]
            value, vr = element.value, element.VR
        except Exception:  # not there, or whatever a converter of hostile bytes raises
            return None
    if vr not in BINARY or not isinstance(value, bytes):
        return None
    if one.transfer_syntax_uid == ExplicitVRBigEndian and vr in WORDS and len(value) % WORDS[vr] == 0:
        value = np.frombuffer(value, f">u{WORDS[vr]}").astype(f"<u{WORDS[vr]}").tobytes()
    return Bulk(value, _document_type(dataset, int(tag, 16)))


def _document_type(dataset: Dataset, tag: int) -> str:
    named = str(dataset.get("MIMETypeOfEncapsulatedDocument", "")).lower() if tag == ENCAPSULATED_DOCUMENT else ""
    return named if named in DOCUMENT_TYPES else "application/octet-stream"
