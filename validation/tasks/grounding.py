"""Places: does the box that the model draws lie on the finding?

Judged on findings with a reference box that the model gives a box for; how often it gives one stands beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from medvlm.contract import FindingName, Reading
from validation.asking import Asking
from validation.cases import Case
from validation.metrics.boxes import Corners, Placed, iou, mean_average_precision, points_into
from validation.outputs import PLAIN, Said
from validation.results import Figure
from validation.tasks.examination import Counted, Examination, Judged, number, plain_drafts, reading_of, share

TASK = "grounding"
OVERLAPS = (0.4, 0.5)


class Grounding:
    """`validation.tasks.examination.Task`."""

    def askings(self, examination: Examination) -> Iterator[Asking]:
        yield from plain_drafts(case for case in examination.in_scope if case.boxes)

    def judge(self, examination: Examination, said: Said) -> Judged:
        references: list[Placed] = []
        drawn: list[Placed] = []
        given, pointed, overlaps = [], [], []
        for case in examination.in_scope:
            reading = reading_of(said.get(PLAIN, case.case_id))
            if reading is None or not case.boxes:
                continue
            references += [_reference(case, k) for k in range(len(case.boxes))]
            for name in sorted({box.finding for box in case.boxes}):
                said_boxes = list(_drawn(case, reading, name))
                drawn += said_boxes
                given.append((bool(said_boxes), case.patient))
                pointed += [(points_into(each.corners, _true(case, each)), case.patient) for each in said_boxes]
                overlaps += [
                    max((iou(each.corners, one) for one in _true(case, each)), default=0) for each in said_boxes
                ]
        how = examination.resampling
        means = [_mean("box_iou", overlaps)] + [
            Figure(
                metric=f"box_map@{level:g}",
                task=TASK,
                value=number(mean_average_precision(references, drawn, level)),
                n=len(references),
                words="" if references else "no case has a reference box",
            )
            for level in OVERLAPS
        ]
        return Judged(
            figures=(
                share("box_coverage", TASK, Counted.of(given), how),
                share("pointing_accuracy", TASK, Counted.of(pointed), how, words="no box was drawn"),
                *means,
            )
        )


def _mean(metric: str, values: list[float]) -> Figure:
    mean = math.fsum(values) / len(values) if values else None
    return Figure(metric=metric, task=TASK, value=mean, n=len(values), words="" if values else "no box was drawn")


def _reference(case: Case, k: int) -> Placed:
    box = case.boxes[k]
    return Placed(f"{case.case_id}/{box.image}", box.finding, (box.x0, box.y0, box.x1, box.y1))


def _true(case: Case, drawn: Placed) -> list[Corners]:
    every = [_reference(case, k) for k in range(len(case.boxes))]
    return [each.corners for each in every if (each.image, each.finding) == (drawn.image, drawn.finding)]


def _drawn(case: Case, reading: Reading, name: FindingName) -> Iterator[Placed]:
    places = {source.sop_instance_uid: k for k, source in enumerate(reading.images)}
    by_uri = {str(path): k for k, path in enumerate(case.images)}
    for found in reading.findings:
        if found.name != name:
            continue
        for box in found.evidence:
            source = reading.images[places[box.sop_instance_uid]] if box.sop_instance_uid in places else None
            image = by_uri.get(source.uri, 0) if source else 0
            yield Placed(f"{case.case_id}/{image}", name, (box.x0, box.y0, box.x1, box.y1), found.probability)
