"""The whole adaptation: a folder of labelled films in, an adapter folder out. The base is only read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from transformers import PreTrainedTokenizerFast

from medvlm.adapt.adapter import TAUGHT_FILE, Taught, TaughtFinding, adapter_digest
from medvlm.adapt.cards import Card, Moved, TaughtFigures, write_cards
from medvlm.adapt.films import LabelledFilm, read_labelled
from medvlm.adapt.lesson import Settings, Teaching, make_lesson
from medvlm.adapt.lora import Asker, Fitted, Lesson, fit, with_lora
from medvlm.adapt.network import TaughtNetwork, load_model
from medvlm.adapt.pool import Copies, encode_copies
from medvlm.adapt.problems import UnusableData
from medvlm.adapt.recalibrate import recalibrate
from medvlm.adapt.refusals import classes, refuse
from medvlm.adapt.table import Table, read_table
from medvlm.embedded import WEIGHTS
from medvlm.engine.embedded_model import NAME, EmbeddedModel, load_embedded


def adapt(
    data: Path, out: Path, weights: Path | None = None, threads: int = 0, settings: Settings | None = None
) -> Card:
    """Teaches the model in `weights` (None: the embedded one) what the table in `data` says; writes `out`.

    Raises `UnusableData` with every problem and its rows, before anything is written.
    """
    chosen, folder = settings or Settings(), weights or WEIGHTS
    table = read_table(data)
    if table.problems:
        raise UnusableData(table.problems, str(data))
    base = load_embedded(data, folder, threads=threads)
    with _progress() as progress:
        films, problems = read_labelled(table.rows, data, base, progress)
        problems += refuse(films) if not problems else []
        if problems:
            raise UnusableData(problems, str(data))
        return teach(films, table, base, folder, out, chosen, progress)


def teach(
    films: Sequence[LabelledFilm],
    table: Table,
    base: EmbeddedModel,
    weights: Path,
    out: Path,
    settings: Settings,
    progress: Progress,
) -> Card:
    """From films that can be learnt from to the finished folder."""
    bar = progress.add_task("augmented copies", total=len(films))
    copies = encode_copies(base.network, films, settings.pool, settings.seed, lambda: progress.advance(bar))
    model, tokenizer = load_model(weights)
    teachings, lesson = make_lesson(films, copies, base, Asker(model, tokenizer), settings)
    adapted = with_lora(model, settings.lora, settings.seed)
    bar = progress.add_task("fitting the adapter", total=settings.lora.steps)
    fitted = fit(adapted, tokenizer, lesson, settings.lora, settings.seed, lambda: progress.advance(bar))
    progress.update(bar, completed=settings.lora.steps)
    taught = _taught(teachings, copies, adapted, tokenizer, base)
    _write(adapted, taught, out)
    card = _card(films, table, teachings, fitted, lesson, adapted, tokenizer, base, out, settings)
    write_cards(out, card, taught.findings)
    return card


def _taught(
    teachings: Sequence[Teaching],
    copies: Copies,
    adapted: PeftModel,
    tokenizer: PreTrainedTokenizerFast,
    base: EmbeddedModel,
) -> Taught:
    findings = tuple(
        TaughtFinding(term=one.term, calibration=recalibrate(one.left_out.scores, one.truth, one.term.ask))
        for one in teachings
    )
    draft = Taught(base_weights=base.network.weights_digest, findings=findings, reliance_floor=0.0)
    network = TaughtNetwork(adapted.get_base_model(), tokenizer, draft)
    blank = [network.log_odds_of_grids(grid[None]) for grid in copies.blanks]
    slopes = {finding.name: finding.calibration.slope for finding in findings}
    moves = [abs(slopes[name] * (other[name] - blank[0][name])) for other in blank[1:] for name in slopes]
    return draft.model_copy(update={"reliance_floor": round(float(np.percentile(moves, 95)), 4)})


def _write(adapted: PeftModel, taught: Taught, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    adapted.peft_config["default"].base_model_name_or_path = NAME  # peft would write a path of this machine
    adapted.save_pretrained(str(out))
    (out / "README.md").unlink(missing_ok=True)  # peft's empty model card; card.md says what there is to say
    (out / "adapter_model.safetensors").chmod(0o644)
    (out / TAUGHT_FILE).write_text(taught.model_dump_json(indent=1) + "\n", "utf-8")


def _card(
    films: Sequence[LabelledFilm],
    table: Table,
    teachings: Sequence[Teaching],
    fitted: Fitted,
    lesson: Lesson,
    adapted: PeftModel,
    tokenizer: PreTrainedTokenizerFast,
    base: EmbeddedModel,
    out: Path,
    settings: Settings,
) -> Card:
    reassigned = [teaching.term.name for teaching in teachings if teaching.term.name in base.assessed]
    notes = [f"The base assesses {name}; under this adapter it stands in no draft." for name in reassigned]
    return Card(
        base_name=NAME,
        base_weights=base.network.weights_digest,
        base_calibration=base.calibration.name,
        adapter_digest=adapter_digest(out),
        films=len(films),
        patients=len({film.patient for film in films}),
        patients_known=any(row.patient for row in table.rows),
        rows=sum(len(row.numbers) for row in table.rows) + len(table.silent),
        silent_reports=len(table.silent),
        seed=settings.seed,
        steps=fitted.steps,
        fidelity=fitted.fidelity,
        taught=tuple(_figures(teaching, films) for teaching in teachings),
        moved=Moved(
            log_odds_root_mean_square=fitted.moved,
            probability_largest=_largest_move(lesson, adapted, tokenizer),
        ),
        notes=tuple(notes),
    )


def _figures(teaching: Teaching, films: Sequence[LabelledFilm]) -> TaughtFigures:
    present, absent = classes(films, teaching.term.name)
    return TaughtFigures(
        name=teaching.term.name,
        films_present=len(present),
        films_absent=len(absent),
        patients_present=len({film.patient for film in present}),
        patients_absent=len({film.patient for film in absent}),
        prior=teaching.left_out.prior,
        left_out_auroc=teaching.left_out.auroc,
        chosen_from=teaching.left_out.tried,
    )


@torch.no_grad()
def _largest_move(lesson: Lesson, adapted: PeftModel, tokenizer: PreTrainedTokenizerFast) -> float:
    apart = slice(len(lesson.grids) - lesson.held_out, None)
    after = Asker(adapted.get_base_model(), tokenizer).log_odds(lesson.grids[apart], lesson.known)
    return float((after.sigmoid() - lesson.kept[apart].sigmoid()).abs().max())


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )
