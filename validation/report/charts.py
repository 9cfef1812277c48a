"""One chart of each kind of curve, small enough to stand side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from validation.report.svg import Frame, Scale, area, axes, dot, line, path, picture, words
from validation.report.words import finding_words, number
from validation.results import Curve, CurveKind

WIDTH, HEIGHT = 206, 196
UNIT = Frame(Scale(0, 1, 30, 196), Scale(0, 1, 162, 20))
LARGEST_DOT, SMALLEST_DOT = 5.0, 1.8


def chart(curve: Curve) -> Markup:
    return DRAWN[curve.kind](curve)


def roc(curve: Curve) -> Markup:
    marks = axes(UNIT, "1 − specificity", "Sensitivity")
    marks += [
        line(UNIT.at((0, 0)), UNIT.at((1, 1)), "reference"),
        path([UNIT.at(each) for each in curve.points], "curve"),
    ]
    return picture(WIDTH, HEIGHT, _says("ROC curve", curve, "the diagonal is a model that knows nothing"), marks)


def precision_recall(curve: Curve) -> Markup:
    marks = axes(UNIT, "Sensitivity", "Precision")
    marks.append(path([UNIT.at(each) for each in curve.points], "curve"))
    return picture(WIDTH, HEIGHT, _says("Precision–recall curve", curve), marks)


def reliability(curve: Curve) -> Markup:
    """A dot a bin, larger with its count, on its interval; the diagonal is perfect calibration."""
    marks = [*axes(UNIT, "Stated probability", "Observed share"), line(UNIT.at((0, 0)), UNIT.at((1, 1)), "reference")]
    largest = max((each[4] for each in curve.points if len(each) > 4), default=1.0) or 1.0
    for point in curve.points:
        if len(point) > 3:
            marks.append(line(UNIT.at((point[0], point[2])), UNIT.at((point[0], point[3])), "interval"))
        size = (point[4] / largest) ** 0.5 if len(point) > 4 else 0.5
        marks.append(dot(UNIT.at(point), SMALLEST_DOT + size * (LARGEST_DOT - SMALLEST_DOT), "dot"))
    said = "; ".join(f"stated {number(each[0])}, observed {number(each[1])}" for each in curve.points)
    return picture(WIDTH, HEIGHT, _says("Reliability diagram", curve, said), marks)


def risk_coverage(curve: Curve) -> Markup:
    top = _round_up(max((each[1] for each in curve.points), default=1.0))
    frame = Frame(UNIT.x, Scale(0, top, UNIT.y.start, UNIT.y.end))
    marks = axes(frame, "Share answered", "Share of errors", y_ticks=(0, top / 2, top))
    marks.append(path([frame.at(each) for each in curve.points], "curve"))
    return picture(WIDTH, HEIGHT, _says("Risk–coverage curve", curve), marks)


def robustness(curve: Curve) -> Markup:
    return degradation((curve,))


def degradation(curves: Sequence[Curve]) -> Markup:
    """All findings under one perturbation: quiet lines, and the overall or else the lowest-ending one in the accent."""
    name, metric = (*curves[0].labels, "level", "value")[:2] if curves[0].labels else ("level", "value")
    levels = [each[0] for curve in curves for each in curve.points] or [0.0, 1.0]
    values = [bound for curve in curves for each in curve.points for bound in each[1:]]
    frame = Frame(Scale(min(levels), max(levels), 30, 196), Scale(min([0.0, *values]), max([1.0, *values]), 162, 20))
    ends = (min(levels), max(levels))
    marks = axes(frame, name, metric, ends, (0, 0.5, 1))
    chosen = _chosen(curves)
    for curve in sorted(curves, key=lambda each: each is chosen):
        marks += _band(frame, curve) if curve is chosen and len(curves) == 1 else []
        marks.append(path([frame.at(each) for each in curve.points], "curve" if curve is chosen else "quiet-curve"))
    if chosen.points and len(curves) > 1:
        said = finding_words(chosen.finding) or "all findings"
        marks.append(
            words((frame.x.end, frame.y.start - 5), f"lowest: {said}" if chosen.finding else said, "tick", "end")
        )
    says = f"{metric} by {name}. " + "; ".join(_ends(curve) for curve in curves)
    return picture(WIDTH, HEIGHT, says, marks)


def _chosen(curves: Sequence[Curve]) -> Curve:
    overall = [each for each in curves if not each.finding]
    return overall[0] if overall else min(curves, key=lambda each: min((p[1] for p in each.points), default=1.0))


def _band(frame: Frame, curve: Curve) -> list[Markup]:
    if not curve.points or len(curve.points[0]) < 4:
        return []
    lower = [frame.at((each[0], each[2])) for each in curve.points]
    upper = [frame.at((each[0], each[3])) for each in reversed(curve.points)]
    return [area([*lower, *upper], "band")]


def _ends(curve: Curve) -> str:
    if not curve.points:
        return f"{finding_words(curve.finding) or 'overall'}: no value"
    said = finding_words(curve.finding) or "overall"
    return f"{said} from {number(curve.points[0][1])} to {number(curve.points[-1][1])}"


def _says(kind: str, curve: Curve, more: str = "") -> str:
    of = f" of {finding_words(curve.finding).lower()}" if curve.finding else ""
    return f"{kind}{of}, {len(curve.points)} points{': ' if more else ''}{more}"


def _round_up(value: float) -> float:
    return next((bound for bound in (0.05, 0.1, 0.2, 0.4, 0.6) if value <= bound), 1.0)


DRAWN: Mapping[CurveKind, Callable[[Curve], Markup]] = {
    "roc": roc,
    "precision_recall": precision_recall,
    "reliability": reliability,
    "risk_coverage": risk_coverage,
    "robustness": robustness,
}
