"""Places: intersection over union, pointing, and mean average precision.

    IoU = area of the overlap / area of the union
    pointing: the middle of the box lies in a reference box
    AP of a finding: boxes of all images by falling score, each matched to the best free reference of its image; a
    match needs IoU ≥ t; area under precision made monotone, over every recall (PASCAL VOC 2010); mAP: their mean

Boxes are x0 y0 x1 y1 in pixels of the source image, half-open, as in `medvlm.contract.Box`.

Source: Everingham et al., Int J Comput Vis 2015;111:98; VinBigData used t = 0.4, COCO starts at 0.5.

Worked example: 0 0 10 10 and 5 0 15 10 overlap by 50 of 150: IoU 1/3.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class Placed:
    """A finding at a place of an image; `score` is 1 for a reference."""

    image: str
    finding: str
    corners: Corners
    score: float = 1.0


def iou(a: Corners, b: Corners) -> float:
    """0 where they only touch; 0 for boxes without area."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    overlap = max(width, 0.0) * max(height, 0.0)
    union = _area(a) + _area(b) - overlap
    return overlap / union if union > 0 else 0.0


def points_into(box: Corners, references: Sequence[Corners]) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return any(each[0] <= x < each[2] and each[1] <= y < each[3] for each in references)


def mean_average_precision(references: Sequence[Placed], said: Sequence[Placed], threshold: float) -> float:
    """Mean over the findings that have a reference; NaN where none has."""
    found = [
        box_average_precision(
            [each for each in references if each.finding == finding],
            [each for each in said if each.finding == finding],
            threshold,
        )
        for finding in sorted({each.finding for each in references})
    ]
    return sum(found) / len(found) if found else math.nan


def box_average_precision(references: Sequence[Placed], said: Sequence[Placed], threshold: float) -> float:
    """Of one finding; NaN without a reference."""
    if not references:
        return math.nan
    hits = np.array(_matched(references, said, threshold), dtype=float)
    if not len(hits):
        return 0.0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    monotone = np.maximum.accumulate(precision[::-1])[::-1]
    return float((monotone * hits).sum() / len(references))


def _matched(references: Sequence[Placed], said: Sequence[Placed], threshold: float) -> list[bool]:
    """For each box by falling score: does it match a reference that is still free?"""
    free: dict[str, list[Corners]] = defaultdict(list)
    for each in references:
        free[each.image].append(each.corners)
    return [_take(free[each.image], each.corners, threshold) for each in sorted(said, key=lambda box: -box.score)]


def _take(free: list[Corners], box: Corners, threshold: float) -> bool:
    if not free:
        return False
    best = max(range(len(free)), key=lambda k: iou(free[k], box))
    if iou(free[best], box) < threshold:
        return False
    free.pop(best)
    return True


def _area(box: Corners) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)
