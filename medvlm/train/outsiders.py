"""Pictures that the model must not read: other body parts and modalities, children, and spoiled films."""

from __future__ import annotations

import csv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from medvlm.safeguards.scope_head import REFUSED_AS
from medvlm.train.films import grey_square

IN_SCOPE = 0


@dataclass(frozen=True)
class Strangers:
    """Real pictures out of scope: `pixels` (n, size, size) uint8, `kinds` what each shows, `children` (n,) bool."""

    pixels: npt.NDArray[np.uint8]
    kinds: tuple[str, ...]
    children: npt.NDArray[np.bool_]


def read_strangers(data: Path, split: str, size: int) -> Strangers:
    """Half of the pictures out of scope (`train`: even rows by kind and name, else odd) and the children of a split."""
    with (data / "out_of_scope" / "labels.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["kind"], row["image"]))
    half = rows[0::2] if split == "train" else rows[1::2]
    other = [grey_square((data / "out_of_scope" / row["image"]).read_bytes(), size) for row in half]
    children = _children(data / "paediatric", split, size)
    return Strangers(
        pixels=np.stack(other + children),
        kinds=tuple(row["kind"] for row in half) + ("child",) * len(children),
        children=np.array([False] * len(other) + [True] * len(children)),
    )


def _children(folder: Path, split: str, size: int) -> list[npt.NDArray[np.uint8]]:
    with zipfile.ZipFile(folder / f"paediatric-{split}.zip") as archive:
        return [grey_square(archive.read(name), size) for name in sorted(archive.namelist())]


def spoil(films: Tensor, kind: int, generator: torch.Generator) -> Tensor:
    """Films (n, 1, s, s) 0..1 made into what REFUSED_AS[kind - 1] names."""
    match REFUSED_AS[kind - 1]:
        case "wrong_orientation":
            turned = int(torch.randint(4, (1,), generator=generator))
            return films.flip(2) if turned == 0 else torch.rot90(films, turned, (2, 3))
        case "inverted_polarity":
            return 1.0 - films
        case "incomplete":
            return _piece(films, generator)
        case _:
            return _nonsense(films, generator)


def _piece(films: Tensor, generator: torch.Generator) -> Tensor:
    """A part with 8–40 % of the area, enlarged."""
    side = films.shape[-1]
    share = 0.28 + 0.35 * float(torch.rand(1, generator=generator))
    width = int(side * share)
    x, y = (int(torch.randint(side - width + 1, (1,), generator=generator)) for _ in range(2))
    return functional.interpolate(films[..., y : y + width, x : x + width], size=(side, side), mode="bicubic").clamp(
        0, 1
    )


def _nonsense(films: Tensor, generator: torch.Generator) -> Tensor:
    """A collage of four, noise, or one grey value."""
    pick = int(torch.randint(3, (1,), generator=generator))
    if pick == 0:
        small = functional.avg_pool2d(films, 2)
        order = [small.roll(step, 0) for step in range(4)]
        return torch.cat([torch.cat(order[:2], 3), torch.cat(order[2:], 3)], 2)
    noise = torch.rand(films.shape, generator=generator)
    level = torch.rand((len(films), 1, 1, 1), generator=generator)
    if pick == 1:
        soft = functional.interpolate(functional.avg_pool2d(noise, 8), size=films.shape[-2:], mode="bilinear")
        return (level + (soft - 0.5) * 2.0).clamp(0, 1)
    return (level + (noise - 0.5) * float(torch.rand(1, generator=generator))).clamp(0, 1)
