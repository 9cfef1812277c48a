"""The recipe: every number that decides a training run, read from a TOML file."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImagePart(Part):
    side: int


class TextPart(Part):
    vocabulary: int
    layers: int
    width: int
    heads: int
    key_value_heads: int
    mlp: int


class ContrastivePart(Part):
    teachers: int
    teacher_side: int
    epochs: int
    rate: float
    student_epochs: int
    student_rate: float
    batch: int
    weight_decay: float
    average: float
    label_share: float
    drop_connect: float


class InstructionPart(Part):
    passes: int
    epochs: int
    batch: int
    rate: float
    weight_decay: float
    average: float
    questions: int
    report_share: float
    label_share: float
    match: float
    blank: float


class ScopePart(Part):
    films: int
    copies: int
    axes: int
    false_refusals: float


class ValidationPart(Part):
    lower_bound: float
    least_positives: int
    resamples: int


class Recipe(Part):
    seed: int
    image: ImagePart
    text: TextPart
    contrastive: ContrastivePart
    instruction: InstructionPart
    scope: ScopePart
    validation: ValidationPart


def read_recipe(path: Path | None = None) -> Recipe:
    """The recipe in `path`, or the one that made the shipped weights."""
    source = path if path is not None else files("medvlm.embedded").joinpath("recipe.toml")
    return Recipe(**tomllib.loads(source.read_text("utf-8")))
