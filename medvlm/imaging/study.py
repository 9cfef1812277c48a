"""A study's references to its images: what each object is, read once, refused in words where it is no image.

`load_study` never raises for a bad image; it raises `OutsideArchive` for a reference that leaves the archive.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset

from medvlm.contract import ImageSource, Refusal, RefusalCode, StudyInput, Warning
from medvlm.errors import MedvlmError, UnreadableImage
from medvlm.imaging.attributes import text
from medvlm.imaging.decode import Decoder
from medvlm.imaging.dicom_file import DicomFile, PixelLayout, open_dicom, pixel_layout
from medvlm.imaging.images import Radiograph, StudyImages, Unread
from medvlm.imaging.locate import locate
from medvlm.imaging.object_kinds import VOLUME_CLASSES, not_an_image
from medvlm.imaging.planes import Plane, planes
from medvlm.imaging.radiograph import radiograph_from_dicom, radiograph_from_picture
from medvlm.imaging.volume import volumes


class NoImage(Exception):
    """The object is refused without being wrong: internal to this package, it ends as `Unread`."""

    def __init__(self, code: RefusalCode, reason: str) -> None:
        super().__init__(reason)
        self.refusal = Refusal(code=code, reason=reason)


@dataclass
class _Gathered:
    """What the loop over a study's objects has found so far."""

    radiographs: list[Radiograph] = field(default_factory=list)
    planes: list[Plane] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    decoded_bytes: int = 0
    seen: set[tuple[str, int | None]] = field(default_factory=set)


def load_study(study: StudyInput, root: Path | None, decoder: Decoder | None = None) -> StudyImages:
    """Reads, decodes and places every image of the study (not of its prior).

    `uri` is a path or a file:// URI below `root`. Raises `OutsideArchive`, before anything is read, for any other.
    """
    paths = [locate(source.uri, root) for source in study.images]
    gathered = _Gathered()
    with Decoder() if decoder is None else nullcontext(decoder) as open_decoder:
        for source, path in zip(study.images, paths, strict=True):
            _gather(source, path, open_decoder, gathered)
    return StudyImages(
        radiographs=tuple(gathered.radiographs),
        volumes=volumes(gathered.planes),
        unread=tuple(gathered.unread),
        warnings=tuple(gathered.warnings),
    )


def _gather(source: ImageSource, path: Path, decoder: Decoder, gathered: _Gathered) -> None:
    """Adds one object to what was found; whatever its bytes provoke becomes a refusal."""
    try:
        with path.open("rb") as stream:
            if is_picture(stream):
                check_size(path, decoder.limits.frame_bytes)
                gathered.radiographs.append(radiograph_from_picture(source, stream.read(), decoder))
                return
            check_size(path, decoder.limits.file_bytes)
            file = open_dicom(stream, decoder.limits)
            source = named(source, file.dataset)
            _gather_dicom(source, file, decoder, gathered)
    except NoImage as no_image:
        gathered.unread.append(Unread(source, no_image.refusal))
    except MedvlmError as error:
        gathered.unread.append(Unread(source, Refusal(code="unreadable", reason=error.sentence)))
    except OSError as error:
        reason = f"the file could not be opened: {error.strerror or type(error).__name__}."
        gathered.unread.append(Unread(source, Refusal(code="unreadable", reason=reason)))
    except Exception as error:
        # A hostile header makes pydicom and numpy raise anything. The message may quote it, so only the kind is told.
        reason = f"the file could not be read ({type(error).__name__})."
        gathered.unread.append(Unread(source, Refusal(code="unreadable", reason=reason)))


def _gather_dicom(source: ImageSource, file: DicomFile, decoder: Decoder, gathered: _Gathered) -> None:
    refuse_non_image(file)
    if _seen_before(source, gathered):
        return
    _read_pixels(source, file, decoder, gathered)
    if source.sop_instance_uid:
        gathered.seen.add((source.sop_instance_uid, source.frame))  # only now: a damaged copy must not hide a good one


def _read_pixels(source: ImageSource, file: DicomFile, decoder: Decoder, gathered: _Gathered) -> None:
    layout = pixel_layout(file.dataset, decoder.limits)
    frames = frames_named(source, layout)
    gathered.decoded_bytes += layout.frame_bytes * len(frames)
    if gathered.decoded_bytes > decoder.limits.study_bytes:
        raise UnreadableImage("the study holds more pixels than allowed", way_out="Send fewer series.")
    if text(file.dataset, "SOPClassUID") in VOLUME_CLASSES:
        gathered.planes.extend(list(planes(source, file, layout, frames, decoder)))
        return
    if len(frames) > 1:
        reason = f"the object holds {layout.frames} frames and none is named; a loop is not read as a film"
        raise NoImage("unsupported_modality", reason)
    gathered.radiographs.append(radiograph_from_dicom(source, file, layout, frames[0], decoder))


def _seen_before(source: ImageSource, gathered: _Gathered) -> bool:
    """The same instance listed twice is read once, and said."""
    key = (source.sop_instance_uid, source.frame)
    if key in gathered.seen:
        words = "An instance is listed more than once in the study; it was read once."
        if not any(warning.words == words for warning in gathered.warnings):
            gathered.warnings.append(Warning(code="doubled_instance", words=words))
        return True
    return False


def is_picture(stream: BinaryIO) -> bool:
    """PNG, JPEG or WebP by its first bytes; leaves the stream at its start."""
    head = stream.read(12)
    stream.seek(0)
    return head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or (head[:4], head[8:12]) == (b"RIFF", b"WEBP")


def check_size(path: Path, limit: int) -> None:
    if path.stat().st_size > limit:
        raise UnreadableImage("the file is larger than allowed")


def named(source: ImageSource, dataset: Dataset) -> ImageSource:
    """The reference with the UIDs that it lacked."""
    return source.model_copy(
        update={
            "sop_class_uid": source.sop_class_uid or text(dataset, "SOPClassUID"),
            "sop_instance_uid": source.sop_instance_uid or text(dataset, "SOPInstanceUID"),
        }
    )


def refuse_non_image(file: DicomFile) -> None:
    """Raises `NoImage` for what holds no image, and for films that are not meant to be looked at."""
    if (words := not_an_image(text(file.dataset, "SOPClassUID"), text(file.dataset, "Modality"))) is not None:
        raise NoImage("no_image", f"the object is {words}, which holds no image to read")
    if file.pixel_value is None:
        raise NoImage("no_image", "the object holds no Pixel Data of whole numbers")
    if text(file.dataset, "PresentationIntentType") == "FOR PROCESSING":
        reason = "the image is FOR PROCESSING (detector values before any display); send the one FOR PRESENTATION"
        raise NoImage("unsupported_modality", reason)


def frames_named(source: ImageSource, layout: PixelLayout) -> range:
    """The frames that the reference means, counted from 0."""
    if source.frame is None:
        return range(layout.frames)
    if source.frame > layout.frames:
        raise UnreadableImage(f"frame {source.frame} was asked for and the object holds {layout.frames}")
    return range(source.frame - 1, source.frame)
