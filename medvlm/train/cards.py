"""Model card and data card, written from the run's figures."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from medvlm.engine.calibration import Calibration
from medvlm.train.calibrate import LEAST_PRESENT
from medvlm.train.evaluate import Area, Figures, FindingFigures
from medvlm.train.recipe import Recipe

MODEL_CARD, DATA_CARD = "MODEL_CARD.md", "DATA_CARD.md"


def write_cards(
    folder: Path,
    figures: Figures,
    calibration: Calibration,
    recipe: Recipe,
    weights_digest: str,
    counts: Mapping[str, int],
) -> None:
    """MODEL_CARD.md and DATA_CARD.md in `folder`."""
    facts = _facts(figures, calibration, recipe, weights_digest) | {"counts": _count_rows(counts)}
    for name in (MODEL_CARD, DATA_CARD):
        template = files("medvlm.train").joinpath("cards", name).read_text("utf-8")
        (folder / name).write_text(Template(template).substitute(facts), "utf-8")


def _facts(figures: Figures, calibration: Calibration, recipe: Recipe, weights_digest: str) -> dict[str, str]:
    rows = {finding.name: finding for finding in figures.findings}
    return {
        "digest": weights_digest,
        "calibration": calibration.name,
        "seed": str(recipe.seed),
        "size": str(recipe.image.size),
        "films": str(figures.films),
        "patients": str(figures.patients),
        "lower_bound": str(recipe.validation.lower_bound),
        "false_refusals": f"{recipe.scope.false_refusals:.0%}",
        "least_present": f"{LEAST_PRESENT:.2f}",
        "mean": f"{figures.mean_of_13_labels:.3f}",
        "view": _interval(figures.view),
        "assessed": ", ".join(calibration.assessed),
        "not_assessed": ", ".join(name for name in rows if name not in calibration.assessed),
        "finding_rows": "\n".join(_finding_row(finding) for finding in figures.findings),
        "word_rows": "\n".join(_word_row(rows[name], calibration) for name in calibration.assessed),
        "scope_rows": "\n".join(
            f"| {kind.replace('_', ' ')} | {figures.scope.films[kind]} | {share:.1%} |"
            for kind, share in figures.scope.refused.items()
        ),
    }


def _finding_row(finding: FindingFigures) -> str:
    error = f"{finding.calibration_error:.3f} ({finding.perfect_calibration_error:.3f})"
    cells = (
        finding.name,
        str(finding.auroc.positives),
        _interval(finding.auroc),
        _interval(finding.within_pa),
        _interval(finding.within_ap),
        _number(finding.encoder_head_auroc),
        _number(finding.permuted_auroc),
        error,
    )
    return "| " + " | ".join(cells) + " |"


def _word_row(finding: FindingFigures, calibration: Calibration) -> str:
    limits = calibration.findings[finding.name]
    return (
        f"| {finding.name} | ≥ {limits.present_from:.3f} | {finding.called_present_right} of {finding.called_present} "
        f"| ≤ {limits.absent_to:.3f} | {finding.called_absent_right} of {finding.called_absent} |"
    )


def _count_rows(counts: Mapping[str, int]) -> str:
    return "\n".join(f"| {what} | {number} |" for what, number in counts.items())


def _interval(area: Area) -> str:
    if area.value is None or area.low is None or area.high is None:
        return "–"
    return f"{area.value:.3f} ({area.low:.3f}–{area.high:.3f})"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
