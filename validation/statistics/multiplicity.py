"""Many questions asked of the same data.

    Holm                 p₍ᵢ₎ · (m − i + 1), made monotone, at most 1: any of a family may win; no assumption
    Fixed sequence       p̃ᵢ = max(p₁ … pᵢ): tested in the order fixed beforehand, each at full α, until one fails
    Benjamini–Hochberg   p₍ᵢ₎ · m / i, made monotone from the largest: share of false ones among those named;
                         for exploratory tables only

Where every criterion must be met (the safety gate), none needs a correction: the intersection–union test.

Source: Holm, Scand J Stat 1979;6:65; Maurer, Hothorn and Lehmacher 1995 (fixed sequence); Benjamini and Hochberg,
J R Stat Soc B 1995;57:289; Berger, Technometrics 1982;24:295 (intersection–union).

Worked example, p = .01 .04 .03 .005: Holm .03 .06 .06 .02; fixed sequence .01 .04 .04 .04; BH .02 .04 .04 .02.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given."""
    order = np.argsort(p, kind="stable")
    stepped = np.asarray(p, dtype=float)[order] * np.arange(len(p), 0, -1)
    return _unsorted(np.minimum(np.maximum.accumulate(stepped), 1.0), order)


def fixed_sequence(p: Sequence[float]) -> list[float]:
    """Adjusted p-values; the order of `p` is the order of the tests."""
    return [float(each) for each in np.maximum.accumulate(np.asarray(p, dtype=float))]


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given."""
    order = np.argsort(p, kind="stable")
    stepped = np.asarray(p, dtype=float)[order] * (len(p) / np.arange(1, len(p) + 1))
    return _unsorted(np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0), order)


def _unsorted(values: np.ndarray, order: np.ndarray) -> list[float]:
    back = np.empty(len(values))
    back[order] = values
    return [float(each) for each in back]
