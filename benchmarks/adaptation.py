"""What a dozen films teach: a finding left out of the base's training, adapted, asked on patients never seen.

python -m benchmarks.adaptation BASE DATA [--findings cardiomegaly,effusion,edema] [--sizes 6,12,24] [--draws 5]

BASE is a folder of weights trained without the findings (`medvlm train DATA --without …`). Positives come from split
`train`, whose films with any of the findings that base never saw; negatives from split `calibration`, which no base is
trained on, one of the same view for each positive: so neither the view nor "seen in training" is the label. All are of
one archive of one source. Figures are on split `test`. Beside it: the best question of the unadapted base (chosen on
the test films themselves, either sign, so an upper limit) and a text-informed linear probe (arXiv:2409.03868) on the
same features of the same films.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import Progress
from torch import Tensor

from medvlm.adapt.cards import Card
from medvlm.adapt.films import LabelledFilm, Source, pixel_digest
from medvlm.adapt.lesson import Settings
from medvlm.adapt.lora import Asker
from medvlm.adapt.network import as_grids, load_model
from medvlm.adapt.run import teach
from medvlm.adapt.table import Table
from medvlm.adapt.wordings import term_of
from medvlm.engine.embedded_model import EmbeddedModel, load_embedded
from medvlm.families.embedded import VIEW_ANSWERS, VIEW_QUESTION
from medvlm.train.films import FINDINGS, Films, Split, read_films
from medvlm.train.statistics import auroc

Array = npt.NDArray[np.float64]
RESULT = Path(__file__).with_name("results") / "adaptation.json"
_T_OF_95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 8: 2.36, 10: 2.26}
"""Student's t, two-sided 95 %, by the number of draws."""
_AT_ONCE = 64


@dataclass(frozen=True)
class EncodedFilms:
    """Films of a split with the encoder's features, `grids` (n, tokens, channels) float16."""

    films: Films
    grids: Tensor


@dataclass(frozen=True)
class Bench:
    """The base, and what is measured on: `known` z (test films, questions) of the base, `view` (test films,)."""

    base: EmbeddedModel
    weights: Path
    train: EncodedFilms
    calibration: EncodedFilms
    test: EncodedFilms
    questions: tuple[str, ...]
    known: Array
    view: Array


def open_bench(weights: Path, data: Path, findings: Sequence[str], cache: Path) -> Bench:
    base = load_embedded(None, weights)
    columns = [FINDINGS.index(name) for name in findings]
    splits: dict[Split, EncodedFilms] = {}
    names: tuple[Split, ...] = ("train", "calibration", "test")
    with Progress() as progress:
        for name in names:
            films = read_films(data, name, base.network.image_size)
            if name == "train":  # only what the base never saw, and not the films of 64 pixels
                films = films.at(np.flatnonzero(films.labels[:, columns].any(1) & (films.patients.astype(int) > 1335)))
            file = cache / f"{base.network.weights_digest[:16]}-{name}-{len(films)}.npz"
            if not file.is_file():
                _encode(base, films, file, progress, name)
            with np.load(file) as kept:
                splits[name] = EncodedFilms(films, torch.from_numpy(kept["grids"]))
                view = kept["view"]
    model, tokenizer = load_model(weights)
    questions = tuple(text for finding in base.calibration.findings.values() for text in finding.wordings)
    file = cache / f"{base.network.weights_digest[:16]}-questions.npy"
    if not file.is_file():
        np.save(file, say(Asker(model, tokenizer), splits["test"].grids, questions))
    return Bench(base, weights, splits["train"], splits["calibration"], splits["test"], questions, np.load(file), view)


def _encode(base: EmbeddedModel, films: Films, file: Path, progress: Progress, name: str) -> None:
    grids, view = [], []
    for picture in progress.track(films.pixels, description=name):
        encoded = base.network.encode(picture.astype(np.float32) / 255.0)
        grids.append(as_grids(encoded.features)[0].half())
        pa, ap = base.network.choose(encoded.prefix, VIEW_QUESTION, VIEW_ANSWERS)
        view.append(ap - pa)
    np.savez(file, grids=torch.stack(grids).numpy(), view=np.array(view))


@torch.inference_mode()
def say(asker: Asker, grids: Tensor, questions: Sequence[str]) -> Array:
    """z (n, questions)."""
    parts = [asker.log_odds(part.float(), questions) for part in grids.split(_AT_ONCE)]
    return torch.cat(parts).double().numpy()


def draw(bench: Bench, name: str, each: int, seed: int) -> list[LabelledFilm]:
    """`each` films with the finding and as many without, every one of another patient, views matched in pairs."""
    rng, column = np.random.default_rng(seed), FINDINGS.index(name)
    taken: set[str] = set()
    drawn: list[LabelledFilm] = []
    positives = np.flatnonzero(bench.train.films.labels[:, column] > 0.5)
    negatives = np.flatnonzero(bench.calibration.films.labels[:, column] < 0.5)
    for row in _new_patients(bench.train.films, rng.permutation(positives), taken):
        same_view = negatives[bench.calibration.films.ap[negatives] == bench.train.films.ap[row]]
        pair = next(_new_patients(bench.calibration.films, rng.permutation(same_view), taken))
        drawn += [
            _film(bench.train, row, name, True, len(drawn)),
            _film(bench.calibration, pair, name, False, len(drawn) + 1),
        ]
        if len(drawn) == 2 * each:
            return drawn
    raise ValueError(f"{name}: only {len(drawn) // 2} patients have it")


def _new_patients(films: Films, rows: npt.NDArray[np.intp], taken: set[str]) -> Iterator[int]:
    for row in rows:
        if films.patients[row] not in taken:
            taken.add(str(films.patients[row]))
            yield int(row)


def _film(split: EncodedFilms, row: int, name: str, present: bool, number: int) -> LabelledFilm:
    pixels = split.films.pixels[row].astype(np.float32) / 255.0
    tokens, channels = split.grids.shape[1:]
    side = int(np.sqrt(tokens))
    return LabelledFilm(
        numbers=(number + 2,),
        patient=str(split.films.patients[row]),
        labels={name: present},
        pixels=pixels,
        features=split.grids[row].float().T.reshape(channels, side, side),
        digest=pixel_digest(pixels),
        source=Source("AP" if split.films.ap[row] else "PA", ".", ".webp", pixels.shape[:2], 0.0),
    )


def one_draw(bench: Bench, name: str, each: int, seed: int, settings: Settings) -> dict[str, object]:
    """Adapts, asks on the test films, and asks what the base knew once more with the adapter on."""
    films = draw(bench, name, each, seed)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, Progress() as progress:
        card = teach(films, Table((), ()), bench.base, bench.weights, Path(folder), settings, progress)
        taken = time.perf_counter() - start
        asker = _adapted(bench.weights, Path(folder))
    truth = bench.test.films.labels[:, FINDINGS.index(name)] > 0.5
    return {
        "finding": name,
        "films": 2 * each,
        "draw": seed,
        "adapted": auroc(truth, say(asker, bench.test.grids, term_of(name).ask).mean(1)),
        "peer": auroc(truth, text_informed_probe(bench, films, name)),
        "left_out": card.taught[0].left_out_auroc,
        "prior": card.taught[0].prior,
        "fidelity": card.fidelity,
        "steps": card.steps,
        "seconds": round(taken, 1),
        **_fall(bench, asker, name, card),
    }


def _adapted(weights: Path, adapter: Path) -> Asker:
    from peft import PeftModel

    model, tokenizer = load_model(weights)
    return Asker(PeftModel.from_pretrained(model, adapter).merge_and_unload(), tokenizer)


def _fall(bench: Bench, asker: Asker, name: str, card: Card) -> dict[str, object]:
    """AUROC of what the base knows, before and after, with the adapter on (in service it is off for these)."""
    held = {name, *(one.name for one in card.taught)}
    falls: dict[str, float] = {}
    known = [other for other in bench.base.assessed if other not in held]
    first = [bench.base.calibration.findings[other].wordings[0] for other in known]
    after = say(asker, bench.test.grids, first)
    for column, other in enumerate(known):
        truth = bench.test.films.labels[:, FINDINGS.index(other)] > 0.5
        before = bench.known[:, bench.questions.index(first[column])]
        falls[other] = auroc(truth, before) - auroc(truth, after[:, column])
    return {"mean_fall": float(np.mean(list(falls.values()))), "largest_fall": max(falls.values()), "falls": falls}


def text_informed_probe(bench: Bench, films: Sequence[LabelledFilm], name: str) -> Array:
    """Scores of the test films: logistic regression on pooled features whose weights are pulled towards what the base
    reads from the finding's name, a linear fit of its answers; leaving one out chooses how far."""
    centre = bench.calibration.grids.float().mean(1)
    mean, spread = centre.mean(0), centre.std(0) + 1e-3
    shrink = np.sqrt(centre.shape[1])

    def seen(grids: Tensor) -> Array:
        return ((grids.float().mean(1) - mean) / spread).double().numpy() / shrink

    model, tokenizer = load_model(bench.weights)
    said = say(Asker(model, tokenizer), bench.calibration.grids[::2], term_of(name).ask).mean(1)
    points = seen(bench.calibration.grids[::2])
    text = np.linalg.solve(points.T @ points + np.eye(points.shape[1]), points.T @ (said - said.mean()))
    text = text / max(float((points @ text).std()), 1e-9)
    own = seen(torch.stack([as_grids(film.features[None])[0] for film in films]))
    truth = np.array([film.labels[name] for film in films])
    scores = {
        pull: np.array([_left_out(own, truth, row, pull * text) for row in range(len(own))]) for pull in (0, 1, 2)
    }
    pull = max(scores, key=lambda one: auroc(truth, scores[one]))
    weight, bias = _logistic(own, truth, pull * text)
    return seen(bench.test.grids) @ weight + bias


def _left_out(points: Array, truth: npt.NDArray[np.bool_], row: int, centre: Array) -> float:
    others = np.arange(len(points)) != row
    weight, bias = _logistic(points[others], truth[others], centre)
    return float(points[row] @ weight + bias)


def _logistic(points: Array, truth: npt.NDArray[np.bool_], centre: Array, pull: float = 0.1) -> tuple[Array, float]:
    """Weights (features,) and bias with the penalty pull/2·|weights − centre|²; solved in the span of the points."""
    gram, shift, dual, bias = points @ points.T, points @ centre, np.zeros(len(points)), 0.0
    for _ in range(500):
        gap = truth - 1 / (1 + np.exp(-(gram @ dual + shift + bias)))
        dual += 0.05 * (gap / pull - dual)
        bias += 0.05 * float(gap.mean())
    return centre + points.T @ dual, bias


def best_question(bench: Bench, name: str) -> tuple[float, str]:
    """The largest AUROC of any one question, a finding's mean over its wordings or the view, either sign."""
    truth = bench.test.films.labels[:, FINDINGS.index(name)] > 0.5
    asked = dict(zip(bench.questions, bench.known.T, strict=True)) | {VIEW_QUESTION: bench.view}
    for other, finding in bench.base.calibration.findings.items():
        asked[other] = np.mean([asked[text] for text in finding.wordings], axis=0)
    areas = {question: auroc(truth, z) for question, z in asked.items()}
    best = max(areas, key=lambda question: abs(areas[question] - 0.5))
    return max(areas[best], 1 - areas[best]), best


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and its 95 % interval over the draws (Student's t)."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = _T_OF_95.get(len(values), 1.96) * float(np.std(values, ddof=1)) / np.sqrt(len(values))
    return mean, mean - half, mean + half


def summary(draws: Sequence[dict[str, object]], best: dict[str, tuple[float, str]]) -> list[dict[str, object]]:
    """A row for each number of films: over the findings, the mean of each draw and its interval."""
    rows = []
    for films in sorted({int(str(one["films"])) for one in draws}):
        of_size = [one for one in draws if one["films"] == films]
        row: dict[str, object] = {"films": films, "best_question": float(np.mean([area for area, _ in best.values()]))}
        for figure in ("adapted", "peer", "mean_fall", "largest_fall", "fidelity", "seconds"):
            seeds = sorted({str(one["draw"]) for one in of_size})
            means = [
                np.mean([float(str(one[figure])) for one in of_size if str(one["draw"]) == seed]) for seed in seeds
            ]
            row[figure] = [round(value, 4) for value in interval([float(mean) for mean in means])]
        for name in best:
            own = [float(str(one["adapted"])) for one in of_size if one["finding"] == name]
            row[f"adapted_{name}"] = [round(value, 4) for value in interval(own)]
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adaptation", description="Learning from a dozen films.")
    parser.add_argument("base", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--findings", default="cardiomegaly,effusion,edema")
    parser.add_argument("--sizes", default="6,12,24", help="films a class")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("data/adaptation"))
    parser.add_argument("--out", type=Path, default=RESULT)
    said = parser.parse_args()
    if said.threads:
        torch.set_num_threads(said.threads)
    said.cache.mkdir(parents=True, exist_ok=True)
    findings, draws = said.findings.split(","), []
    bench = open_bench(said.base, said.data, findings, said.cache)
    best = {name: best_question(bench, name) for name in findings}
    for each in map(int, said.sizes.split(",")):
        for name in findings:
            for seed in range(said.draws):
                draws.append(one_draw(bench, name, each, seed, Settings()))
                print(json.dumps({key: value for key, value in draws[-1].items() if key != "falls"}), flush=True)
        result = {
            "base": bench.base.network.weights_digest,
            "best_question": {name: {"auroc": area, "question": text} for name, (area, text) in best.items()},
            "summary": summary(draws, best),
            "draws": draws,
        }
        said.out.parent.mkdir(parents=True, exist_ok=True)
        said.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result["summary"], indent=1))


if __name__ == "__main__":
    main()
