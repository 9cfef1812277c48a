"""The child process that decodes pixel data: bytes in, array out, nothing else.

It opens no file and no socket: requests are JSON lines on stdin, answers JSON lines on stdout, bytes lie in an
anonymous shared memory file (the arena) whose descriptor is inherited. The parent never unpickles anything
from here, so a codec that is taken over gains a process that holds one image.

    python -m medvlm.imaging.decoder_process ARENA_FD ADDRESS_SPACE FILE_SIZE
"""

from __future__ import annotations

import io
import json
import math
import mmap
import os
import resource
import signal
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder

from medvlm.imaging.transfer_syntaxes import GDCM_DIRECT, NATIVE, PLUGINS

Array = npt.NDArray[Any]


def decode(request: dict[str, Any], encoded: bytes) -> tuple[Array, str]:
    """One frame as (rows, columns) or (rows, columns, 3), and the photometric interpretation it came out in."""
    if request["kind"] == "picture":
        return decode_picture(encoded, request["max_pixels"]), ""
    options, syntax = request["options"], request["syntax"]
    if syntax in NATIVE:
        return _by_pydicom(syntax, encoded, "", options)
    plugin = PLUGINS[syntax]
    if plugin == GDCM_DIRECT:
        return _by_gdcm(encoded, options), options["photometric_interpretation"]
    return _by_pydicom(syntax, encapsulate([encoded], has_bot=False), plugin, options)


def _by_pydicom(syntax: str, source: bytes, plugin: str, options: dict[str, Any]) -> tuple[Array, str]:
    # Unused bits are masked by the caller, who knows High Bit.
    array, properties = get_decoder(syntax).as_array(
        source, index=0, decoding_plugin=plugin, **{**options, "correct_unused_bits": False, "as_rgb": True}
    )
    return array, str(properties["photometric_interpretation"])


def _by_gdcm(encoded: bytes, options: dict[str, Any]) -> Array:
    """JPEG Extended, greyscale, 8 or 12 bits, through GDCM itself (PS3.5 A.4.1)."""
    import gdcm

    rows, columns, bits = options["rows"], options["columns"], options["bits_allocated"]
    if options["samples_per_pixel"] != 1:
        raise ValueError("JPEG Extended in colour is not supported")
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(encoded)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4))
    stored = options["bits_stored"]
    image.SetPixelFormat(gdcm.PixelFormat(1, bits, stored, stored - 1, options["pixel_representation"]))
    # GDCM hands its char* back as text.
    frame = image.GetBuffer().encode("utf-8", "surrogateescape")
    sign = "i" if options["pixel_representation"] else "u"
    return np.frombuffer(frame, dtype=f"<{sign}{bits // 8}").reshape(rows, columns)


def decode_picture(encoded: bytes, max_pixels: int) -> Array:
    """PNG, JPEG or WebP: uint8 or uint16 (rows, columns), or uint8 (rows, columns, 3). Alpha is dropped."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the limit that counts is ours, below
    with Image.open(io.BytesIO(encoded), formats=("PNG", "JPEG", "WEBP")) as picture:
        if picture.width * picture.height > max_pixels:
            raise ValueError("the picture has more pixels than allowed")
        if picture.mode.startswith("I"):
            return np.asarray(picture).astype("<u2")
        grey = picture.mode in ("1", "L", "LA")
        return np.asarray(picture.convert("L" if grey else "RGB"))


class Arena:
    """The shared memory file: the request's bytes at its start, the answer behind them."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._map: mmap.mmap | None = None

    def read(self, length: int) -> bytes:
        return self._mapped(length)[:length]

    def write(self, offset: int, array: Array) -> None:
        mapped = self._mapped(offset + array.nbytes)
        mapped[offset : offset + array.nbytes] = array.data.cast("B")

    def _mapped(self, size: int) -> mmap.mmap:
        have = os.fstat(self._descriptor).st_size
        if have < size:
            os.ftruncate(self._descriptor, size)
            have = size
        if self._map is None or len(self._map) < size:
            self._map = mmap.mmap(self._descriptor, have)
        return self._map


def answer(request: dict[str, Any], arena: Arena) -> dict[str, Any]:
    try:
        array, photometric = decode(request, arena.read(request["length"]))
    except Exception as error:
        # Any codec may raise anything; the parent hears it in words.
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    offset = math.ceil(request["length"] / 64) * 64
    arena.write(offset, array)
    return {"dtype": array.dtype.str, "shape": array.shape, "offset": offset, "photometric": photometric}


def restrict(address_space: int, file_size: int) -> None:
    """Bounds memory and file growth, and leaves no core dump, which would hold patient data."""
    for what, limit in (
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def main(arguments: list[str]) -> None:
    descriptor, address_space, file_size = map(int, arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; end of stdin ends this process
    arena = Arena(descriptor)
    restrict(address_space, file_size)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        # A codec that loops is killed also when the parent is gone.
        signal.alarm(math.ceil(request["seconds"]) + 1)
        reply = answer(request, arena)
        signal.alarm(0)
        sys.stdout.buffer.write(json.dumps(reply).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
