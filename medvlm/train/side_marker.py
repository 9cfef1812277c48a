"""Training of the side marker's network: letters drawn on pieces of training films, no marker of a real film.

Real markers are kept for the test: the films' own letters stand at image right, so pieces are taken from the rest.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from numpy.random import Generator
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from medvlm.safeguards.burned_in.film_copy import FilmCopy, Grey, film_copy
from medvlm.safeguards.burned_in.marker_candidates import Candidate, candidates, crop, overlap
from medvlm.safeguards.burned_in.reading import printed_boxes
from medvlm.safeguards.burned_in.side_marker import (
    MIRRORED_L,
    MIRRORED_R,
    NONE,
    READ,
    WEIGHTS_FILE,
    L,
    R,
    SideMarkerNet,
    load_side_marker,
    read_side_markers,
)
from medvlm.safeguards.burned_in.text_reader import load_text_reader
from medvlm.train.side_marker_rendering import (
    OTHERS,
    PATCH,
    Glyphs,
    draw,
    held_out_glyphs,
    shape,
    stroke_letter,
    training_glyphs,
)

FIGURES_FILE = "side_marker.json"

HELD_OUT_PATIENTS = frozenset({"6", "7", "8", "1297"})
PRINTED_AT_LEFT = frozenset({"00000004_000.jpg"})
"""Carries words at image left, whose letters would be taught to be none."""

FREE_OF_MARKERS = 0.6
"""Share of each film's width, from image left, that shows no side marker (looked at: every one)."""

LETTERS = {R: ("R", False), MIRRORED_R: ("R", True), L: ("L", False), MIRRORED_L: ("L", True)}

_DRAWN = 2600
_OTHERS = 3000
_EPOCHS = 7
_BATCH = 128
_HELD_OUT = 50


@dataclass(frozen=True)
class Rates:
    """How many markers were read right, wrong or not at all."""

    right: int
    unknown: int
    wrong: int


@dataclass(frozen=True)
class Crops:
    """`pixels` (n, CROP, CROP) float32 0–1 and `classes` (n,)."""

    pixels: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64]


def train_side_marker(data: Path, out: Path, seed: int, threads: int) -> Path:
    """Trains on the large films of split `train` below `data` and writes weights and figures to `out`.

    `threads` ≤ 0 leaves torch's own choice. Needs the fonts of the extra `train`. Returns the file of weights.
    """
    if threads > 0:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    crops = _training_crops(_films(data, held_out=False), training_glyphs(), random)
    net = _fit(SideMarkerNet(), crops, random)
    out.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.half().contiguous() for name, tensor in net.state_dict().items()}, out / WEIGHTS_FILE)
    (out / WEIGHTS_FILE).chmod(0o644)  # safetensors writes for its owner only
    figures = side_marker_figures(data, out, seed)
    (out / FIGURES_FILE).write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return out / WEIGHTS_FILE


def _films(data: Path, held_out: bool) -> list[Grey]:
    """Each training film's part that holds no marker."""
    with (data / "cxr_large" / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
    names = [
        row["image"]
        for row in rows
        if (row["patient"] in HELD_OUT_PATIENTS) == held_out and row["image"] not in PRINTED_AT_LEFT
    ]
    return [_free(film_copy(_film(data / "cxr_large" / name)).grey) for name in names]


def _film(path: Path) -> npt.NDArray[np.float32]:
    return (np.asarray(Image.open(path).convert("L")) / 255).astype(np.float32)


def _free(grey: Grey) -> Grey:
    return grey[:, : int(FREE_OF_MARKERS * grey.shape[1])]


def _piece(films: list[Grey], random: Generator) -> Grey:
    """A turned, re-toned piece (PATCH, PATCH) of a film."""
    film = films[int(random.integers(len(films)))]
    y, x = (int(random.integers(side - PATCH + 1)) for side in film.shape)
    if random.random() < 0.6:  # markers stand beside the chest more often than on it
        y = int(random.integers(0, film.shape[0] // 4))
    piece = np.rot90(film[y : y + PATCH, x : x + PATCH], int(random.integers(4)))
    piece = piece[:, ::-1] if random.integers(2) else piece
    toned = (piece / 255.0) ** random.uniform(0.6, 1.6) * random.uniform(0.5, 1.0)
    return np.ascontiguousarray((toned * 255).astype(np.uint8))


def _training_crops(films: list[Grey], glyphs: Glyphs, random: Generator) -> Crops:
    found: list[tuple[npt.NDArray[np.float32], int]] = []
    for kind, (letter, mirrored) in LETTERS.items():
        for _ in range(_DRAWN):
            mark = stroke_letter(letter, random) if random.random() < 0.4 else _any(glyphs[letter], random)
            drawn = draw(_piece(films, random), mark, glyphs, mirrored, random)
            found += _labelled(drawn.grey, drawn.box, drawn.dark, kind, random)
    for _ in range(_OTHERS):
        letter = str(random.choice(list(OTHERS)))
        mark = shape(random) if random.random() < 0.35 else _any(glyphs[letter], random)
        drawn = draw(_piece(films, random), mark, glyphs, bool(random.integers(2)), random)
        found += _labelled(drawn.grey, drawn.box, drawn.dark, NONE, random)
    found += [(one, NONE) for film in films for one in _turns(film)]
    return Crops(np.stack([one for one, _ in found]), np.array([kind for _, kind in found]))


def _any(glyphs: list[npt.NDArray[np.float32]], random: Generator) -> npt.NDArray[np.float32]:
    return glyphs[int(random.integers(len(glyphs)))]


def _labelled(
    grey: Grey, box: tuple[int, int, int, int], dark: bool, kind: int, random: Generator
) -> Iterator[tuple[npt.NDArray[np.float32], int]]:
    """What the candidate finder sees of a drawn piece: the letter, and some of what is not the letter."""
    true = Candidate(*box, dark)
    others = []
    for mark in candidates(grey, frame=0.5):
        share = overlap(mark, true)
        if mark.dark == dark and (share > 0.6 or (share > 0.4 and _within(true, mark))):
            yield crop(grey, mark), kind
        elif share < 0.25 or mark.dark != dark:
            others.append(mark)
    for index in random.permutation(len(others))[:2]:
        yield crop(grey, others[int(index)]), NONE


def _within(inner: Candidate, outer: Candidate) -> bool:
    return (
        inner.x0 >= outer.x0 - 3 and inner.y0 >= outer.y0 - 3 and inner.x1 <= outer.x1 + 3 and inner.y1 <= outer.y1 + 3
    )


def _turns(film: Grey) -> Iterator[npt.NDArray[np.float32]]:
    """Candidates of a film without marker, each in two turns."""
    for index, mark in enumerate(candidates(film)):
        cut = crop(film, mark)
        yield np.ascontiguousarray(np.rot90(cut, index % 4))
        yield np.ascontiguousarray(np.rot90(cut[:, ::-1], (index // 4) % 4))


def _fit(net: SideMarkerNet, crops: Crops, random: Generator) -> SideMarkerNet:
    pixels, classes = torch.from_numpy(crops.pixels).unsqueeze(1), torch.from_numpy(crops.classes)
    steps = _EPOCHS * (len(classes) // _BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    loss = nn.CrossEntropyLoss(label_smoothing=0.02)
    net.train()
    for _ in range(_EPOCHS):
        order = torch.from_numpy(random.permutation(len(classes)))
        for rows in order[: len(order) // _BATCH * _BATCH].split(_BATCH):
            optimiser.zero_grad()
            loss(net(_toned(pixels[rows])), classes[rows]).backward()
            optimiser.step()
            schedule.step()
    return net.eval()


def _toned(pixels: Tensor) -> Tensor:
    power = torch.empty(len(pixels), 1, 1, 1).uniform_(0.7, 1.4)
    return pixels.pow(power)


def side_marker_figures(data: Path, folder: Path, seed: int) -> dict[str, object]:
    """What the weights in `folder` read: drawn markers in a type family and on patients never trained on, those
    patients' films where they carry no marker, and the real markers of every large film."""
    random = np.random.default_rng(seed)
    net, films, glyphs = load_side_marker(folder), _films(data, held_out=True), held_out_glyphs()
    drawn = {
        f"{'mirrored ' if mirrored else ''}{letter}": asdict(_drawn(net, films, glyphs, letter, mirrored, random))
        for letter, mirrored in LETTERS.values()
    }
    return {
        "least_probability": READ,
        "drawn_on_held_out_films": drawn,
        "held_out_films_without_marker": len(films),
        "letters_read_on_them": sum(len(read_side_markers(FilmCopy(film, (1, 1)), net, ())) for film in films),
        "real_films_with_an_L_at_image_right": asdict(_real(data, net)),
    }


def _drawn(
    net: SideMarkerNet, films: list[Grey], glyphs: Glyphs, letter: str, mirrored: bool, random: Generator
) -> Rates:
    """Markers drawn along the films' upper edge."""
    read = []
    for _ in range(_HELD_OUT):
        film = films[int(random.integers(len(films)))].copy()
        x = int(random.integers(film.shape[1] - PATCH + 1))
        place = film[:PATCH, x : x + PATCH]
        place[:] = draw(place.copy(), _any(glyphs[letter], random), glyphs, mirrored, random).grey
        read.append({str(marker.letter) for marker in read_side_markers(FilmCopy(film, (1, 1)), net, ())})
    return Rates(read.count({letter}), read.count(set()), sum(not found <= {letter} for found in read))


def _real(data: Path, net: SideMarkerNet) -> Rates:
    """Each large film carries an L at image right and no R (looked at: every one)."""
    reader = load_text_reader()
    read = []
    for path in sorted((data / "cxr_large").glob("*.jpg")):
        pixels = _film(path)
        copy = film_copy(pixels)
        printed = printed_boxes(reader.read(copy))
        places = read_side_markers(copy, net, printed)
        read.append({(one.letter, one.box.centre[0] > pixels.shape[1] / 2) for one in places})
    return Rates(read.count({("L", True)}), read.count(set()), sum(not found <= {("L", True)} for found in read))
