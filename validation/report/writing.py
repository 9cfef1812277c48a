"""A run as files: the JSON record, the page, and JUnit XML; and the record read back."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from validation.errors import BadRun
from validation.report.html import report_html
from validation.report.junit import junit
from validation.results import Run

RESULTS, PAGE, JUNIT = "results.json", "report.html", "junit.xml"
SCHEMA_FILE = "medvlm-validation-2.schema.json"


def write_reports(run: Run, folder: Path, images: bool = True) -> tuple[Path, ...]:
    """All three, each whole or not at all. `images`: those of failed cases go into the page, and only there."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        RESULTS: record(run).encode(),
        PAGE: report_html(run, images).encode(),
        JUNIT: junit(run),
    }
    return tuple(_write(folder / name, content) for name, content in made.items())


def record(run: Run) -> str:
    """The JSON: without places of images, which belong to one machine and may name a patient."""
    bare = run.model_copy(update={"failures": tuple(each.model_copy(update={"image": None}) for each in run.failures)})
    return bare.model_dump_json(indent=1) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema of the record, as it is shipped."""
    return dict(json.loads(files("validation.report").joinpath(SCHEMA_FILE).read_text("utf-8")))


def read_run(path: Path) -> Run:
    """The record of a run: the file, or the folder that holds it. Raises `BadRun`."""
    file = path / RESULTS if path.is_dir() else path
    try:
        return Run.model_validate_json(file.read_bytes())
    except OSError as error:
        raise _bad(f"the run cannot be read: {error.strerror}", str(file)) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise _bad(f"this is no record of a run: {key}: {first['msg']}", str(file)) from error


def _bad(what: str, where: str) -> BadRun:
    return BadRun(what, where=where, way_out=f"Give the folder of a run, or its {RESULTS}.")


def _write(path: Path, content: bytes) -> Path:
    """A reader never sees half a file."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    return beside.replace(path)
