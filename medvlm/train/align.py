"""Stage 1 from start to end: the teachers beside each other, one process and one thread each, then the student.

One thread a process: two such runs are faster than two threads in one, which wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path

import torch
from rich.progress import Progress
from transformers import PreTrainedTokenizerFast

from medvlm.train.contrastive import DualEncoder
from medvlm.train.films import Films
from medvlm.train.recipe import Recipe
from medvlm.train.stage_contrastive import Course, load_dual_encoder, run_contrastive
from medvlm.train.tokenizer import train_tokenizer


@dataclass(frozen=True)
class Lesson:
    """One teacher's run, as it travels to a process of its own."""

    films: Films
    held: Films
    recipe: Recipe
    number: int
    checkpoint: Path


def align(
    films: Films, held: Films, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, out: Path, progress: Progress
) -> DualEncoder:
    """The student of stage 1. Checkpoints `teacher_1.pt` …, `student.pt` in `out` are gone on from."""
    part = recipe.contrastive
    lessons = [
        Lesson(films, held, recipe, number, out / f"teacher_{number}.pt") for number in range(1, part.teachers + 1)
    ]
    progress.console.print(f"stage 1: {len(lessons)} teachers")
    _teach(lessons, torch.get_num_threads())
    teachers = tuple(
        load_dual_encoder(films, tokenizer, recipe, part.teacher_side, lesson.checkpoint) for lesson in lessons
    )
    bar = progress.add_task("stage 1: student", total=None)
    course = Course(recipe.seed, part.student_epochs, part.student_rate, recipe.image.side, teachers)
    return run_contrastive(
        films,
        held,
        tokenizer,
        recipe,
        course,
        out / "student.pt",
        lambda line: progress.update(bar, description=f"stage 1: student, {line}"),
    )


def _teach(lessons: Sequence[Lesson], processes: int) -> None:
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for _ in pool.map(_run, lessons):
            pass


def _run(lesson: Lesson) -> None:
    torch.set_num_threads(1)
    part = lesson.recipe.contrastive
    run_contrastive(
        lesson.films,
        lesson.held,
        train_tokenizer(lesson.recipe.text.vocabulary),
        lesson.recipe,
        Course(lesson.recipe.seed + lesson.number, part.epochs, part.rate, part.teacher_side),
        lesson.checkpoint,
        lambda line: _say(f"teacher {lesson.number}, {line}"),
    )


def _say(line: str) -> None:
    """Raises `SystemExit` when the run was killed: nobody waits for this teacher, and the next run trains its own."""
    parent = parent_process()
    if parent is not None and not parent.is_alive():
        raise SystemExit(1)
    print(line, flush=True)
