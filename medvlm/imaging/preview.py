"""One image of a study as a PNG for a page: decoded in the child process, no torch."""

from __future__ import annotations

import io
from contextlib import nullcontext
from pathlib import Path

from PIL import Image

from medvlm.contract import ImageSource
from medvlm.errors import MedvlmError, UnreadableImage
from medvlm.imaging.decode import Decoder
from medvlm.imaging.dicom_file import decode_frames, open_dicom, pixel_layout
from medvlm.imaging.images import FloatArray
from medvlm.imaging.locate import locate
from medvlm.imaging.radiograph import radiograph_from_picture, show
from medvlm.imaging.study import NoImage, check_size, frames_named, is_picture, refuse_non_image


def preview_png(
    source: ImageSource, root: Path | None, decoder: Decoder | None = None, longest_side: int = 1024
) -> bytes:
    """Eight-bit grey PNG, ready for display; the middle frame where none is named. Raises as `displayed` does."""
    return _png(displayed(source, root, decoder), longest_side)


def displayed(source: ImageSource, root: Path | None, decoder: Decoder | None = None) -> FloatArray:
    """Pixels (rows, columns) 0–1 as shown, of the middle frame where none is named.

    Raises `UnreadableImage` (`DecoderDied` with it) when there is no image to show, `OutsideArchive` for a reference
    that leaves `root`.
    """
    path = locate(source.uri, root)
    try:
        with Decoder() if decoder is None else nullcontext(decoder) as open_decoder:
            return _pixels(source, path, open_decoder)
    except MedvlmError:
        raise
    except NoImage as no_image:
        raise UnreadableImage(no_image.refusal.reason) from no_image
    except Exception as error:
        # As in `load_study`: a hostile header may provoke anything, and its message may quote it.
        raise UnreadableImage(f"the file could not be read ({type(error).__name__})") from None


def _pixels(source: ImageSource, path: Path, decoder: Decoder) -> FloatArray:
    with path.open("rb") as stream:
        if is_picture(stream):
            check_size(path, decoder.limits.frame_bytes)
            return radiograph_from_picture(source, stream.read(), decoder).pixels
        check_size(path, decoder.limits.file_bytes)
        file = open_dicom(stream, decoder.limits)
        refuse_non_image(file)
        layout = pixel_layout(file.dataset, decoder.limits)
        frames = frames_named(source, layout)
        middle = frames[len(frames) // 2]
        decoded = next(decode_frames(file, layout, range(middle, middle + 1), decoder))
        return show(decoded, file.dataset, layout).pixels


def _png(pixels: FloatArray, longest_side: int) -> bytes:
    image = Image.fromarray((pixels * 255.0 + 0.5).astype("uint8"))
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()
