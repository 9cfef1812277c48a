"""An image's own grayscale pipeline, as a presentation state repeats it (PS3.3 C.11.1, C.11.8, C.11.6, C.7.6.11)."""

from __future__ import annotations

import hashlib

from pydicom.dataset import Dataset

from dicom_node.report.header import read_items, read_text
from dicom_node.report.words import one_line

SHUTTER = (
    *("ShutterLeftVerticalEdge", "ShutterRightVerticalEdge", "ShutterUpperHorizontalEdge"),
    *("ShutterLowerHorizontalEdge", "CenterOfCircularShutter", "RadiusOfCircularShutter"),
    "VerticesOfThePolygonalShutter",
)


def pipeline(source: Dataset) -> Dataset:
    """Modality LUT, Display Shutter and Softcopy Presentation LUT of the image."""
    found = _modality(source)
    found.update(_shutter(source))
    found.PresentationLUTShape = "INVERSE" if _is_inverse(source) else "IDENTITY"
    return found


def pipeline_key(source: Dataset) -> str:
    """Equal for images that one presentation state can serve."""
    return hashlib.sha256(pipeline(source).to_json(suppress_invalid_tags=True).encode()).hexdigest()


def voi(source: Dataset) -> Dataset | None:
    """The image's first window, or its first VOI LUT; None where it has neither."""
    windows = {word: read_text(source, word) for word in ("WindowCenter", "WindowWidth")}
    chosen = Dataset()
    if all(_is_number(value) for value in windows.values()) and float(windows["WindowWidth"]) >= 1:
        chosen.WindowCenter, chosen.WindowWidth = windows["WindowCenter"], windows["WindowWidth"]
        function = read_text(source, "VOILUTFunction")
        if function in {"LINEAR", "LINEAR_EXACT", "SIGMOID"}:
            chosen.VOILUTFunction = function
        return chosen
    if tables := [table for it in read_items(source, "VOILUTSequence") if (table := _table(it)) is not None]:
        chosen.VOILUTSequence = tables[:1]
        return chosen
    return None


def _modality(source: Dataset) -> Dataset:
    """Modality LUT (C.11.1): a table, or slope and intercept; nothing where stored values are output values."""
    module = Dataset()
    for item in read_items(source, "ModalityLUTSequence")[:1]:
        if (table := _table(item)) is not None:
            table.ModalityLUTType = one_line(read_text(item, "ModalityLUTType"), 64) or "US"
            module.ModalityLUTSequence = [table]
            return module
    slope, intercept = read_text(source, "RescaleSlope"), read_text(source, "RescaleIntercept")
    if _is_number(slope) and _is_number(intercept):
        module.RescaleIntercept, module.RescaleSlope = intercept, slope
        module.RescaleType = one_line(read_text(source, "RescaleType"), 64) or "US"
    return module


def _table(item: Dataset) -> Dataset | None:
    """Descriptor and data of a lookup table, as stored."""
    try:
        table = Dataset()
        for keyword in ("LUTDescriptor", "LUTData"):
            element = item[keyword]
            table.add_new(element.tag, element.VR, element.value)
        return table
    except Exception:
        # Parsing happens on access, and foreign bytes raise whatever the parser happens to trip over.
        return None


def _shutter(source: Dataset) -> Dataset:
    """Display Shutter (C.7.6.11): without it the collimated border would light up."""
    module = Dataset()
    shapes = [shape for index in range(3) if (shape := read_text(source, "ShutterShape", index))]
    if not shapes or not set(shapes) <= {"RECTANGULAR", "CIRCULAR", "POLYGONAL"}:
        return module
    try:
        for keyword in SHUTTER:
            if (value := source.get(keyword)) is not None:
                setattr(module, keyword, value)
    except Exception:
        # As above.
        return Dataset()
    module.ShutterShape = shapes
    module.ShutterPresentationValue = 0
    return module


def _is_inverse(source: Dataset) -> bool:
    """Small values white: MONOCHROME1, or a shape that says so."""
    shape = read_text(source, "PresentationLUTShape")
    return shape == "INVERSE" or (
        shape != "IDENTITY" and read_text(source, "PhotometricInterpretation") == "MONOCHROME1"
    )


def _is_number(value: str) -> bool:
    try:
        return bool(value) and len(value) <= 16 and abs(float(value)) < float("inf")
    except ValueError:
        return False
