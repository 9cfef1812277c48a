"""One validation: files in, a `Result` out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from medvlm.contract import ModelIdentity, Refusal
from validation.criteria import Verdict, judge, read_criteria
from validation.datasets.labels import join, read_labels
from validation.datasets.readings import read_readings
from validation.statistics.clustered_bootstrap import Resampling
from validation.tasks.finding_detection import Detection, detect


class Input(BaseModel):
    """A file by its name and the SHA-256 of its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str


class Result(BaseModel):
    """Figures, verdicts, and what is needed to get the same ones again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: str = "medvlm-validation/1"
    model: ModelIdentity
    inputs: tuple[Input, ...]
    """Readings, labels, and the criteria where there are some."""
    resampling: Resampling
    numpy: str
    studies: int
    patients: int
    refused: int
    unlabelled: int
    """Readings of studies that the labels do not have: left out."""
    findings: tuple[Detection, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Every criterion is met; also so where there is none."""
        return all(verdict.outcome == "met" for verdict in self.verdicts)


def validate(readings_file: Path, labels_file: Path, criteria_file: Path | None, resampling: Resampling) -> Result:
    """Criteria are read first: a mistake in them must not be found after the figures. Raises `SuiteError`."""
    criteria = read_criteria(criteria_file) if criteria_file else None
    readings, labels = read_readings(readings_file), read_labels(labels_file)
    studies = join(readings, labels)
    findings = tuple(detect(name, studies, resampling) for name in labels.findings)
    return Result(
        model=readings.model,
        inputs=tuple(_inputs(readings_file, labels_file, criteria_file)),
        resampling=resampling,
        numpy=version("numpy"),
        studies=len(studies),
        patients=len({study.patient for study in studies}),
        refused=sum(isinstance(study.reading.scope, Refusal) for study in studies),
        unlabelled=len(readings.lines) - len(studies),
        findings=findings,
        verdicts=judge(criteria, findings) if criteria else (),
    )


def _inputs(*paths: Path | None) -> Iterable[Input]:
    for path in paths:
        if path:
            yield Input(name=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
