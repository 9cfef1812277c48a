"""The marks that charts are drawn with: plain SVG, no script, no font or file from elsewhere.

Colours are classes of the page's style, so that a printed and a shown chart are the same marks. Lengths are CSS
pixels, y down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

Point = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """From values to pixels; values outside are drawn at the edge."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low or 1.0
        share = min(max((value - self.low) / span, 0.0), 1.0)
        return self.start + share * (self.end - self.start)


@dataclass(frozen=True)
class Frame:
    """A chart's area between its axes."""

    x: Scale
    y: Scale

    def at(self, point: Sequence[float]) -> Point:
        return self.x(point[0]), self.y(point[1])


def picture(width: float, height: float, says: str, marks: Iterable[Markup]) -> Markup:
    """`says` is what the chart tells to whom does not see it."""
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    body = Markup("").join(marks)
    return Markup('<svg role="img" {} aria-label="{}">{}</svg>').format(Markup(size), says, body)  # noqa: S704 - numbers


def line(start: Point, end: Point, kind: str) -> Markup:
    (x1, y1), (x2, y2) = start, end
    return _mark(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')


def path(points: Sequence[Point], kind: str) -> Markup:
    if not points:
        return Markup("")
    return _mark(f'<polyline class="{kind}" points="{_list(points)}"/>')


def area(points: Sequence[Point], kind: str) -> Markup:
    return _mark(f'<polygon class="{kind}" points="{_list(points)}"/>')


def dot(at: Point, radius: float, kind: str) -> Markup:
    return _mark(f'<circle class="{kind}" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius:.1f}"/>')


def box(left: float, top: float, width: float, height: float, kind: str) -> Markup:
    return _mark(f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>')


def words(at: Point, said: str, kind: str = "label", anchor: str = "start") -> Markup:
    place = f'<text class="{kind}" x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}">'
    return _mark(f"{place}{escape(said)}</text>")


def axes(
    frame: Frame,
    x_name: str,
    y_name: str,
    x_ticks: Sequence[float] = (0, 0.5, 1),
    y_ticks: Sequence[float] = (0, 0.5, 1),
) -> list[Markup]:
    """The two axes with their numbers and names."""
    left, right, bottom, top = frame.x.start, frame.x.end, frame.y.start, frame.y.end
    marks = [line((left, bottom), (right, bottom), "axis"), line((left, bottom), (left, top), "axis")]
    for tick in x_ticks:
        marks.append(words((frame.x(tick), bottom + 11), f"{tick:g}", "tick", "middle"))
    for tick in y_ticks:
        marks.append(line((left, frame.y(tick)), (right, frame.y(tick)), "grid"))
        marks.append(words((left - 4, frame.y(tick) + 3), f"{tick:g}", "tick", "end"))
    marks.append(words(((left + right) / 2, bottom + 22), x_name, "name", "middle"))
    marks.append(words((left, top - 5), y_name, "name"))
    return marks


def _list(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _mark(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - numbers, class names of ours, and text that is escaped above
