"""The child process that decodes and renders: a codec that crashes, loops or eats memory costs one request.

Requests are JSON lines on standard input; each answer is a JSON line on standard output and, where it says `bytes`,
so many bytes behind it.

    python -m dicom_node.api.dicomweb.pixels_process
"""

from __future__ import annotations

import io
import json
import resource
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from pydicom import dcmread, dcmwrite
from pydicom.dataset import FileDataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEGExtended12Bit

from dicom_node.api.dicomweb.rendering import Array, Look, picture

ADDRESS_SPACE: Final = 4 << 30
MOST_DECODED: Final = 512 << 20
SECONDS: Final = 60


def answer(request: dict[str, Any]) -> bytes:
    """Raises whatever a codec raises."""
    path = Path(request["path"])
    if request["do"] == "file":
        return explicit_little_endian(path)
    frame = int(request["frame"])
    pixels, header = decoded(path, frame, as_rgb=request["do"] == "picture")
    if request["do"] == "picture":
        return picture(pixels, header, frame, Look.model_validate(request["look"]))
    return native(pixels, header)


def decoded(path: Path, frame: int, *, as_rgb: bool) -> tuple[Array, FileDataset]:
    """One frame's stored values; colour as RGB, or in the colour space that the header names."""
    header = dcmread(path, force=True)
    _refuse_huge(header, 1)
    if header.file_meta.TransferSyntaxUID == JPEGExtended12Bit and header.BitsStored > 8:
        header = _through_gdcm(path)  # no plug-in of pydicom's decodes twelve bits
    pixels = pixel_array(header, index=frame - 1, raw=not as_rgb)
    if as_rgb and pixels.ndim == 3 and header.PhotometricInterpretation != "PALETTE COLOR":
        header.PhotometricInterpretation = "RGB"
    return pixels, header


def native(pixels: Array, header: FileDataset) -> bytes:
    """Little-endian octets as an uncompressed frame of that header has them (PS3.5 section 8)."""
    if str(header.PhotometricInterpretation) == "YBR_FULL_422" and pixels.shape[1] % 2 == 0:
        # Two pixels share their chroma: Y Y Cb Cr (PS3.3 C.7.6.3.1.2).
        pixels = np.concatenate([pixels[:, ::2, :1], pixels[:, 1::2, :1], pixels[:, ::2, 1:]], axis=2)
    elif pixels.ndim == 3 and header.get("PlanarConfiguration", 0) == 1:
        pixels = np.moveaxis(pixels, 2, 0)
    return np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)).tobytes()


def explicit_little_endian(path: Path) -> bytes:
    """The whole instance, uncompressed, as a DICOM file."""
    dataset = dcmread(path, force=True)
    syntax = dataset.file_meta.TransferSyntaxUID
    _refuse_huge(dataset, int(dataset.get("NumberOfFrames") or 1))
    if syntax == JPEGExtended12Bit and dataset.BitsStored > 8:
        dataset = _through_gdcm(path)
    elif syntax.is_compressed:
        # The instance is the same one, converted for its reader: its UID stays (PS3.18 8.7.3).
        dataset.decompress(as_rgb=True, generate_instance_uid=False)
    elif syntax == ExplicitVRBigEndian:
        _swap_words(dataset)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    dcmwrite(out, dataset, implicit_vr=False, little_endian=True, force_encoding=True)
    return out.getvalue()


def _refuse_huge(header: FileDataset, frames: int) -> None:
    size = frames * int(header.get("Rows") or 0) * int(header.get("Columns") or 0)
    size *= int(header.get("SamplesPerPixel") or 1) * int(header.get("BitsAllocated") or 8) // 8
    if size > MOST_DECODED:
        raise ValueError("more pixels than are decoded for one request")


def _swap_words(dataset: FileDataset) -> None:
    """OW is of 16-bit words, which a reader leaves as they lie (PS3.5 section 7.3)."""
    for element in dataset.iterall():
        if element.VR == "OW" and isinstance(element.value, bytes):
            element.value = np.frombuffer(element.value[: len(element.value) // 2 * 2], ">u2").astype("<u2").tobytes()


def _through_gdcm(path: Path) -> FileDataset:
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        raise ValueError("GDCM cannot read the image")
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.ExplicitVRLittleEndian))
    change.SetInput(reader.GetImage())
    if not change.Change():
        raise ValueError("GDCM cannot decode the image")
    with tempfile.TemporaryDirectory() as folder:
        writer = gdcm.ImageWriter()
        writer.SetFileName(f"{folder}/decoded.dcm")
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        if not writer.Write():
            raise ValueError("GDCM cannot write the image")
        return dcmread(io.BytesIO(Path(folder, "decoded.dcm").read_bytes()))


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    for line in requests:
        signal.alarm(SECONDS + 1)  # a codec that loops is killed also when the parent is gone
        try:
            made = answer(json.loads(line))
            head: dict[str, object] = {"bytes": len(made)}
        except Exception as error:  # any codec may raise anything, and its words may quote the header
            made, head = b"", {"error": type(error).__name__}
        signal.alarm(0)
        answers.write(json.dumps(head).encode() + b"\n" + made)
        answers.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; the end of its input ends this process
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold patient data
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
