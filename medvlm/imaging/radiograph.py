"""One frame and its header to a `Radiograph`: any modality, since the scope check has to see what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from medvlm.contract import ImageSource, Warning
from medvlm.errors import UnreadableImage
from medvlm.imaging.attributes import age_years, text
from medvlm.imaging.decode import Decoded, Decoder
from medvlm.imaging.dicom_file import DicomFile, PixelLayout, decode_frames
from medvlm.imaging.grayscale import Display, display, robust_range, stored_values, to_grey
from medvlm.imaging.images import Radiograph, RadiographTags


def radiograph_from_dicom(
    source: ImageSource, file: DicomFile, layout: PixelLayout, frame: int, decoder: Decoder
) -> Radiograph:
    """Decodes one frame (counted from 0). Raises `UnreadableImage` or `DecoderDied`."""
    decoded = next(decode_frames(file, layout, range(frame, frame + 1), decoder))
    shown = show(decoded, file.dataset, layout)
    warnings = (*shown.warnings, *_header_warnings(file.dataset))
    tags = _tags(file.dataset, layout)
    return Radiograph(source, shown.pixels, tags, warnings, colour=not layout.photometric.startswith("MONOCHROME"))


def radiograph_from_picture(source: ImageSource, encoded: bytes, decoder: Decoder) -> Radiograph:
    """A PNG, JPEG or WebP file as it is; sixteen bits are stretched, for they carry no window."""
    pixels = decoder.picture(encoded).pixels
    colour = pixels.ndim == 3 and bool((pixels != pixels[..., :1]).any())
    tags = RadiographTags(
        *("", "", "", "", ""),
        photometric="RGB" if pixels.ndim == 3 else "MONOCHROME2",
        presentation_intent="",
        samples_per_pixel=3 if pixels.ndim == 3 else 1,
        burned_in_annotation="",
        sex="",
        age_years=None,
    )
    return Radiograph(source, _picture_values(pixels), tags, (), colour)


def _picture_values(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if pixels.ndim == 3:
        return to_grey(pixels)
    if pixels.dtype == np.uint8:
        return pixels.astype(np.float32) / 255.0
    return robust_range(pixels, np.zeros(pixels.shape, dtype=bool))


def show(decoded: Decoded, dataset: Dataset, layout: PixelLayout) -> Display:
    """A decoded frame as a display would show it, in grey."""
    if decoded.pixels.shape[:2] != (layout.rows, layout.columns):
        raise UnreadableImage("the decoded frame has another size than Rows and Columns say")
    if decoded.pixels.ndim == 3:
        if decoded.photometric != "RGB":
            raise UnreadableImage(f"colour in {decoded.photometric or 'an unknown form'} is not supported")
        return Display(to_grey(decoded.pixels), ())
    if layout.photometric == "PALETTE COLOR":
        return Display(to_grey(_palette(decoded.pixels, dataset)), ())
    if not layout.photometric.startswith("MONOCHROME"):
        raise UnreadableImage(f"{layout.photometric} with one sample a pixel makes no sense")
    return display(stored_values(decoded.pixels, layout), dataset, layout)


def _palette(indices: npt.NDArray[Any], dataset: Dataset) -> npt.NDArray[Any]:
    from pydicom.pixels.processing import apply_color_lut

    try:
        return np.asarray(apply_color_lut(indices, dataset))
    except (ValueError, AttributeError, TypeError, IndexError) as error:
        raise UnreadableImage("the colour palette is missing or damaged") from error


def _tags(dataset: Dataset, layout: PixelLayout) -> RadiographTags:
    return RadiographTags(
        modality=text(dataset, "Modality"),
        sop_class_uid=text(dataset, "SOPClassUID"),
        body_part=text(dataset, "BodyPartExamined"),
        view_position=text(dataset, "ViewPosition"),
        laterality=text(dataset, "ImageLaterality") or text(dataset, "Laterality"),
        photometric=layout.photometric,
        presentation_intent=text(dataset, "PresentationIntentType"),
        samples_per_pixel=layout.samples,
        burned_in_annotation=text(dataset, "BurnedInAnnotation"),
        sex=_sex(dataset),
        age_years=age_years(dataset),
    )


def _sex(dataset: Dataset) -> str:
    said = text(dataset, "PatientSex").upper()
    return said if said in ("M", "F", "O") else ""


def _header_warnings(dataset: Dataset) -> tuple[Warning, ...]:
    if text(dataset, "BurnedInAnnotation") != "YES":
        return ()
    return (Warning(code="burned_in_annotation", words="The header says that text is burned into the pixels."),)
