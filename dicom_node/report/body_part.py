"""Body part of an object of the study: without one, Laterality would be asked for (PS3.3 C.7.3.1)."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from dicom_node.report.header import read_text
from medvlm.contract import InScope, Reading

CHEST = "CHEST"


def body_part(source: Dataset, reading: Reading) -> Dataset:
    """The image's Body Part Examined with its Laterality, or CHEST where the reading knows the view of a chest film.

    Laterality is of type 2C: empty where it may be asked for and the image does not say.
    """
    part, module = read_text(source, "BodyPartExamined"), Dataset()
    if not part and isinstance(reading.scope, InScope) and reading.scope.view != "unknown":
        part = CHEST
    if re.fullmatch(r"[A-Z0-9_ ]{1,16}", part):
        module.BodyPartExamined = part
    if part != CHEST:
        side = read_text(source, "Laterality")
        module.Laterality = side if side in {"L", "R"} else ""
    return module
