"""What an image looks like, in 399 bits: whether each low frequency of it is above or below zero.

    128 × 128 pixels → 32 × 32 → ranks of the grey values → cosine transform → signs of the first 20 × 20, less the mean

Ranks do not change with window, gamma or depth. Inversion flips all signs, mirroring those of odd horizontal
frequency: both are looked for without another fingerprint. Crops move the signs of high frequencies, so the image
that is looked for has 23 `framings`, cut or widened by 2.5 % at its edges.

The usual 63 bits do not tell chest films apart, which are all alike: with 5,520 films to choose from, half of the
distinct patients have one within 9 bits.

Source: Zauner, Implementation and benchmarking of perceptual image hash functions, 2010 (signs of a cosine transform);
Ahmed, Natarajan and Rao, IEEE Trans Comput 1974;C-23:90.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
from PIL import Image

from validation.disjointness.pixels import Pixels

Signs = npt.NDArray[np.int8]
"""n × BITS of −1 and 1; the first EVEN have even horizontal frequency."""
Framing = tuple[float, float, float, float]
"""What is cut from top, bottom, left and right, as a share of the side; below 0 it is widened."""

METHOD = "rank-cosine-20/1"
SIDE, GRID, FREQUENCIES, LEVELS = 128, 32, 20, 256
BITS = FREQUENCIES**2 - 1
EVEN = FREQUENCIES**2 // 2 - 1
CUT = 0.025
MARGIN = 8
PLAIN: Framing = (0.0, 0.0, 0.0, 0.0)


def framings(cut: float = CUT) -> tuple[Framing, ...]:
    """As it is; cut or widened at one edge, at two edges that meet or face each other, and at all four."""
    top, bottom, left, right = np.eye(4)
    edges = [top, bottom, left, right, top + left, top + right, bottom + left, bottom + right]
    edges += [top + bottom, left + right, top + bottom + left + right]
    moved = [tuple(float(x) for x in sign * cut * edge) for sign, edge in product((1, -1), edges)]
    return (PLAIN, *((t, b, le, r) for t, b, le, r in moved))


def close_framings() -> tuple[Framing, ...]:
    """626 of them: for the few images that seem to be known."""
    steps = (-0.03, -0.015, 0.0, 0.015, 0.03)
    return (PLAIN, *((t, b, le, r) for t, b, le, r in product(steps, repeat=4)))


def fingerprints(values: Pixels, wanted: tuple[Framing, ...] = (PLAIN,)) -> Signs:
    """One row a framing."""
    reduced = Image.fromarray(values).resize((SIDE, SIDE), _filter(values))
    widened = Image.fromarray(np.pad(np.asarray(reduced), MARGIN, mode="edge"))
    return np.stack([_signs(_framed(widened, framing)) for framing in wanted])


def packed(signs: Signs) -> npt.NDArray[np.uint8]:
    """n × 50 bytes."""
    return np.packbits(signs > 0, axis=-1)


def unpacked(bytes_: npt.NDArray[np.uint8]) -> Signs:
    return np.unpackbits(bytes_, axis=-1, count=BITS).astype(np.int8) * np.int8(2) - np.int8(1)


def _filter(values: Pixels) -> Image.Resampling:
    """Pillow's filters widen when they reduce; the box is the mean of what it covers."""
    return Image.Resampling.BOX if min(values.shape) >= 2 * SIDE else Image.Resampling.BILINEAR


def _framed(widened: Image.Image, framing: Framing) -> Pixels:
    top, bottom, left, right = (share * SIDE for share in framing)
    box = (MARGIN + left, MARGIN + top, MARGIN + SIDE - right, MARGIN + SIDE - bottom)
    return np.asarray(widened.resize((GRID, GRID), Image.Resampling.BILINEAR, box=box))


def _signs(small: Pixels) -> Signs:
    cosines = np.cos(np.pi * np.outer(np.arange(FREQUENCIES), np.arange(GRID) + 0.5) / GRID)
    found = np.where(cosines @ _ranks(small) @ cosines.T > 0, 1, -1).astype(np.int8)
    return np.concatenate([found[:, 0::2].ravel()[1:], found[:, 1::2].ravel()])


def _ranks(small: Pixels) -> npt.NDArray[np.float64]:
    """Of the grey values in 256 steps: in flat borders the noise of compression must not become a pattern."""
    low, spread = small.min(), max(float(np.ptp(small)), 1e-6)
    steps = np.floor((small - low) / spread * (LEVELS - 1) + 0.5).astype(np.int64)
    counts = np.bincount(steps.ravel(), minlength=LEVELS)
    middle = np.cumsum(counts) - counts / 2
    return middle[steps] - steps.size / 2
