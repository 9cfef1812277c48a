"""Model card and data card, written from the run's figures."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from medvlm.engine.calibration import Calibration
from medvlm.families.embedded import FRAME
from medvlm.train.calibrate import LEAST_PRESENT
from medvlm.train.evaluate import Area, FindingFigures
from medvlm.train.figures import Figures
from medvlm.train.pointing_fit import Pointed
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
        "size": str(FRAME),
        "side": str(recipe.image.side),
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
        **_further_facts(figures),
    }


def _further_facts(figures: Figures) -> dict[str, str]:
    words, asked, left_out = figures.words, figures.clinicians_questions, figures.left_out
    return {
        "worded_films": str(words.films),
        "wordings": str(words.wordings),
        "agree_trained": f"{words.trained:.1%}",
        "agree_held_out": f"{words.held_out:.1%}",
        "agree_negated": f"{words.negated:.1%}",
        "agree_negated_held_out": f"{words.negated_held_out:.1%}",
        "vqa_questions": str(asked.questions),
        "vqa_understood": str(asked.understood),
        "vqa_films": str(asked.films),
        "vqa_right": f"{asked.right:.1%}",
        "vqa_blank": f"{asked.right_without_image:.1%}",
        "vqa_gain": f"{asked.gain_low:+.1%} to {asked.gain_high:+.1%}",
        "left_out_all": f"{left_out.all_refused:.1%}",
        "left_out_films": f"{left_out.films_refused:.1%}",
        "left_out_ill": f"{left_out.ill_films_refused:.1%}",
        "left_out_rows": "\n".join(
            f"| {kind.replace('_', ' ')} | {left_out.pictures[kind]} | {share:.1%} |"
            for kind, share in left_out.refused.items()
        ),
        "pointing_rows": "\n".join(
            _pointing_row(name, row)
            for name, row in (
                *figures.pointing.findings.items(),
                ("together", figures.pointing.together),
                ("effusion, infiltration, pneumonia", figures.pointing.pooled),
            )
        ),
        "retrieval_sets": str(figures.retrieval.label_sets),
        "retrieval_rows": "\n".join(
            f"| {k} | {share:.1%} | {figures.retrieval.by_chance[k]:.1%} |"
            for k, share in figures.retrieval.among_first.items()
        ),
    }


def _pointing_row(name: str, row: Pointed) -> str:
    side = "–" if row.side is None else f"{row.side:.0%}"
    hits = f"{row.share:.0%} ({row.low:.0%}–{row.high:.0%})"
    return (
        f"| {name} | {row.boxes} | {hits} | {row.usual} | {row.chance:.0%} | {side} | {'yes' if row.given else 'no'} |"
    )


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
