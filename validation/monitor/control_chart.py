"""A control chart as a picture: the rate of each week with its limits, and below it the EWMA with its own."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from validation.monitor.charting import Chart, Week
from validation.report.svg import Frame, Scale, area, dot, line, path, picture, words
from validation.report.words import finding_words, number

WIDTH, HEIGHT = 536, 178
LEFT, RIGHT = 40, 526
RATE_TOP, RATE_BOTTOM, EWMA_TOP, EWMA_BOTTOM = 18, 96, 112, 158


def control_chart(chart: Chart) -> Markup:
    """At least one week."""
    weeks = chart.weeks
    across = Scale(-0.5, max(len(weeks) - 0.5, 11.5), LEFT, RIGHT)
    ends = [each for week in weeks for each in (week.rate, week.low, week.high)]
    rate = Frame(across, Scale(min(ends), max([*ends, min(ends) + 0.02]), RATE_BOTTOM, RATE_TOP))
    far = max(abs(each) for week in weeks for each in (week.ewma, week.ewma_low, week.ewma_high))
    ewma = Frame(across, Scale(-far, far, EWMA_BOTTOM, EWMA_TOP))
    marks = _panel(rate, chart.centre, [(w.low, w.high, w.rate) for w in weeks], "Share")
    marks += [words((LEFT - 4, rate.y(at) + 3), f"{at:.2f}", "tick", "end") for at in (rate.y.low, rate.y.high)]
    marks += _panel(ewma, 0.0, [(w.ewma_low, w.ewma_high, w.ewma) for w in weeks], "Average of scores")
    marks += _dots(rate, [w.rate for w in weeks], [w.alarm == "sudden" for w in weeks])
    marks += _dots(ewma, [w.ewma for w in weeks], [w.alarm == "lasting" for w in weeks])
    for k in {0, len(weeks) // 2, len(weeks) - 1}:
        marks.append(words((across(k), HEIGHT - 5), weeks[k].week.isoformat(), "tick", "start" if k == 0 else "middle"))
    return picture(WIDTH, HEIGHT, _says(chart), marks)


def _panel(frame: Frame, centre: float, rows: Sequence[tuple[float, float, float]], name: str) -> list[Markup]:
    lower = [frame.at((k + side, low)) for k, (low, _, _) in enumerate(rows) for side in (-0.5, 0.5)]
    upper = [frame.at((k + side, high)) for k, (_, high, _) in enumerate(rows) for side in (-0.5, 0.5)]
    left, right = frame.x.start, frame.x.end
    return [
        area([*lower, *reversed(upper)], "asked"),
        line((left, frame.y(centre)), (right, frame.y(centre)), "reference"),
        line((left, frame.y.start), (left, frame.y.end), "axis"),
        path([frame.at((k, value)) for k, (_, _, value) in enumerate(rows)], "quiet-curve"),
        words((left, frame.y.end - 4), name, "name"),
    ]


def _dots(frame: Frame, values: Sequence[float], alarms: Sequence[bool]) -> list[Markup]:
    return [
        dot(frame.at((k, value)), 4.0 if alarm else 1.9, "alarm" if alarm else "dot")
        for k, (value, alarm) in enumerate(zip(values, alarms, strict=True))
    ]


def _says(chart: Chart) -> str:
    of = f" of {finding_words(chart.finding).lower()}" if chart.finding else ""
    alarms = "; ".join(f"{_week(each)}: {each.alarm}" for each in chart.alarms) or "none"
    last = chart.weeks[-1]
    rates = f"last {number(last.rate)} against {number(chart.centre)}"
    return f"{chart.what}{of}, {len(chart.weeks)} weeks, {rates}; alarms: {alarms}"


def _week(week: Week) -> str:
    return week.week.isoformat()
