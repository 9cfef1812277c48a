"""The whole run: films, two stages, export, calibration, evaluation, cards. Goes on where it was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from medvlm.engine.calibration import CALIBRATION_FILE, Calibration
from medvlm.engine.network import Network, load_network
from medvlm.engine.pointing import save_pointer
from medvlm.families.embedded import FRAME
from medvlm.safeguards.burned_in.side_marker import WEIGHTS_FILE as SIDE_MARKER_FILE
from medvlm.safeguards.scope_head import REFUSED_AS, ScopeHead, save_scope_head
from medvlm.train.align import align
from medvlm.train.calibrate import fit_calibration
from medvlm.train.cards import write_cards
from medvlm.train.contrastive import DualEncoder
from medvlm.train.evaluate import area, assessed, finding_figures, mean_of_labels, scope_figures
from medvlm.train.evaluate_retrieval import retrieval_figures
from medvlm.train.evaluate_scope import left_out_figures
from medvlm.train.evaluate_vqa import vqa_figures
from medvlm.train.evaluate_words import word_figures
from medvlm.train.export import export_model
from medvlm.train.figures import Figures
from medvlm.train.films import FINDINGS, Films, read_films
from medvlm.train.outsiders import Strangers, read_strangers, spoil
from medvlm.train.pointing_fit import Boxed, fit_pointer, pointing_figures, read_boxed
from medvlm.train.readout import Readout, read_out
from medvlm.train.recipe import Recipe, read_recipe
from medvlm.train.scope_fit import Examples, fit_scope_head, scope_examples, set_thresholds
from medvlm.train.side_marker import train_side_marker
from medvlm.train.stage_instruction import run_instruction
from medvlm.train.tokenizer import train_tokenizer

WEIGHTS_FOLDER = "weights"
FIGURES_FILE = "figures.json"
_BLANKS = 9
_ILL = 3
"""Labels from which on a film counts as one of the sickest."""
_WORDED = 8
"""Every so many test films are asked in every wording."""


@dataclass(frozen=True)
class Material:
    """Everything that is read from the data folder, by split."""

    train: Films
    calibration: Films
    test: Films
    strangers: Strangers
    strangers_apart: Strangers
    laterals: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Trained:
    """The stored model and what its figures are taken with."""

    dual: DualEncoder
    tokenizer: PreTrainedTokenizerFast
    network: Network
    examples: Examples
    scope: ScopeHead
    held: Readout
    calibration: Calibration
    boxed: tuple[Boxed, ...]


def train(
    data: Path, out: Path, recipe: Path | None, resume: bool, threads: int, without: tuple[str, ...] = ()
) -> Path:
    """Makes the embedded model from the films in `data`; returns the folder of weights below `out`.

    With `resume` the checkpoints in `out` are gone on from; without it they are removed first.
    `threads` ≤ 0 leaves torch's own choice. Films with a finding of `without` are left out of training and calibration,
    so that an adapter can be tried on a finding that the model never saw.
    """
    if threads > 0:
        torch.set_num_threads(threads)
    chosen = read_recipe(recipe)
    out.mkdir(parents=True, exist_ok=True)
    if not resume:
        for done in (*out.glob("*.pt"), out / WEIGHTS_FOLDER / SIDE_MARKER_FILE):
            done.unlink(missing_ok=True)
    with _progress() as progress:
        material = read_material(data, without)
        tokenizer = train_tokenizer(chosen.text.vocabulary)
        dual = align(material.train, material.calibration, tokenizer, chosen, out, progress)
        return finish(data, material, dual, tokenizer, chosen, out, progress)


def finish(
    data: Path,
    material: Material,
    dual: DualEncoder,
    tokenizer: PreTrainedTokenizerFast,
    recipe: Recipe,
    out: Path,
    progress: Progress,
) -> Path:
    """Everything after stage 1."""
    folder = out / WEIGHTS_FOLDER
    vlm = run_instruction(dual, material.train, tokenizer, recipe, out / "instruction.pt", progress)
    export_model(vlm, tokenizer, folder, recipe.image.side)
    network = load_network(folder)
    examples = scope_examples(dual.encoder, material.train, material.strangers, material.laterals, recipe, progress)
    held = read_out(network, material.calibration.pixels, progress, "calibration films")
    scope = set_thresholds(fit_scope_head(examples, recipe), held.pooled, recipe.scope.false_refusals)
    calibration = fit_calibration(held, material.calibration, blank_log_odds(network, progress))
    boxed = read_boxed(data, dual, (material.train, material.calibration, material.test), progress)
    trained = Trained(dual, tokenizer, network, examples, scope, held, calibration, boxed)
    figures = evaluate(data, trained, material, recipe, progress)
    calibration = calibration.model_copy(update={"assessed": assessed(figures.findings, recipe.validation)})
    save_scope_head(scope, folder)
    save_pointer(fit_pointer(dual, trained.boxed, figures.pointing), folder)
    (folder / CALIBRATION_FILE).write_text(calibration.model_dump_json(indent=1) + "\n", "utf-8")
    (folder / FIGURES_FILE).write_text(figures.model_dump_json(indent=1) + "\n", "utf-8")
    if not (folder / SIDE_MARKER_FILE).exists():
        train_side_marker(data, folder, recipe.seed, torch.get_num_threads())
    write_cards(folder.parent, figures, calibration, recipe, network.weights_digest, counts(material))
    progress.console.print(f"mean AUROC of 13 labels on split test: {figures.mean_of_13_labels:.3f}")
    return folder


def read_material(data: Path, without: tuple[str, ...] = ()) -> Material:
    films, names = read_films(data, "train", FRAME).without(without), lateral_names()
    lateral = np.isin(films.names, names)
    return Material(
        train=films.at(np.flatnonzero(~lateral)),
        calibration=read_films(data, "calibration", FRAME).without(without),
        test=read_films(data, "test", FRAME),
        strangers=read_strangers(data, "train", FRAME),
        strangers_apart=read_strangers(data, "test", FRAME),
        laterals=films.pixels[lateral],
    )


def lateral_names() -> list[str]:
    """Names of training films that show the chest from the side, found by looking: the source calls all frontal."""
    lines = files("medvlm.train").joinpath("laterals.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def blank_log_odds(network: Network, progress: Progress) -> npt.NDArray[np.float64]:
    """z (m, findings) of flat pictures, the mid-grey one first."""
    levels = np.concatenate([[128], np.linspace(0, 255, _BLANKS)]).astype(np.uint8)
    flat = np.broadcast_to(levels[:, None, None], (len(levels), FRAME, FRAME))
    return read_out(network, flat, progress, "blank pictures").z


def evaluate(data: Path, trained: Trained, material: Material, recipe: Recipe, progress: Progress) -> Figures:
    films, part = material.test, recipe.validation
    network, calibration = trained.network, trained.calibration
    read = read_out(network, films.pixels, progress, "test films")
    findings = finding_figures(read, head_log_odds(trained.dual, read), films, calibration, part, recipe.seed)
    ill = torch.from_numpy(films.labels.sum(1) >= _ILL)
    return Figures(
        split="test",
        films=len(films),
        patients=len(set(films.patients)),
        mean_of_13_labels=mean_of_labels(findings),
        findings=findings,
        view=area(films.ap, read.ap, films.patients, part, recipe.seed),
        scope=scope_figures(trained.scope, _strange_features(network, read, ill, material, recipe, progress)),
        left_out=left_out_figures(trained.examples, trained.held.pooled, read.pooled, ill, recipe),
        words=word_figures(network, films.at(np.arange(0, len(films), _WORDED)), calibration, progress),
        clinicians_questions=vqa_figures(data, network, calibration, part.resamples, recipe.seed, progress),
        pointing=pointing_figures(trained.boxed),
        retrieval=retrieval_figures(trained.dual, trained.tokenizer, films, recipe.seed),
    )


def head_log_odds(dual: DualEncoder, read: Readout) -> npt.NDArray[np.float64]:
    """Log-odds of stage 1's linear head on the stored encoder's features."""
    channels = dual.head.in_features
    with torch.inference_mode():
        return dual.head(read.pooled[:, :channels])[:, : len(FINDINGS)].double().numpy()


def _strange_features(
    network: Network, read: Readout, ill: Tensor, material: Material, recipe: Recipe, progress: Progress
) -> dict[str, Tensor]:
    """Pooled features of what stands apart from training, by kind: films, spoiled films, real strangers."""
    kinds = {"films": read.pooled, "films with three findings or more": read.pooled[ill]}
    generator = torch.Generator().manual_seed(recipe.seed + 9)
    films = torch.from_numpy(material.test.pixels[::10]).unsqueeze(1).float() / 255.0
    for number, code in enumerate(REFUSED_AS[:3], 1):
        spoiled = torch.cat([spoil(part, number, generator) for part in films.split(4)])
        pixels = (spoiled.squeeze(1).numpy() * 255).astype(np.uint8)
        kinds[code] = read_out(network, pixels, progress, code).pooled
    apart = material.strangers_apart
    names = np.array(apart.kinds)
    pooled = read_out(network, apart.pixels, progress, "pictures out of scope").pooled
    return kinds | {str(kind): pooled[torch.from_numpy(names == kind)] for kind in sorted(set(names))}


def counts(material: Material) -> dict[str, int]:
    """How many pictures of each set went in."""
    return {
        "NIH films, training": len(material.train),
        "NIH films, calibration": len(material.calibration),
        "NIH films, test": len(material.test),
        "NIH films found to be lateral, as out of scope": len(material.laterals),
        "pictures out of scope, training": int((~material.strangers.children).sum()),
        "pictures out of scope, held apart": int((~material.strangers_apart.children).sum()),
        "paediatric films, as outside the population, training": int(material.strangers.children.sum()),
        "paediatric films, held apart": int(material.strangers_apart.children.sum()),
    }


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )
