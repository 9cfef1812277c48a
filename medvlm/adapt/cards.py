"""The adapter's card: which data, which gain, which harm; counts only, nothing that names a patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from medvlm.adapt.adapter import CARD_JSON, CARD_WORDS, TaughtFinding, adapter_digest
from medvlm.contract import FindingName


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TaughtFigures(Record):
    """`left_out_auroc`: of the probe on each patient left out in turn; `fidelity`: correlation of the adapter's
    log-odds with the probe's on pictures held out of the fit."""

    name: FindingName
    films_present: int
    films_absent: int
    patients_present: int
    patients_absent: int
    prior: float
    left_out_auroc: float
    chosen_from: tuple[float, ...]


class Moved(Record):
    """How far the base's known questions moved with the adapter switched on, on pictures held out of the fit."""

    log_odds_root_mean_square: float
    probability_largest: float


class Card(Record):
    base_name: str
    base_weights: str
    base_calibration: str
    adapter_digest: str
    films: int
    patients: int
    patients_known: bool
    rows: int
    silent_reports: int
    seed: int
    steps: int
    fidelity: float
    taught: tuple[TaughtFigures, ...]
    moved: Moved
    notes: tuple[str, ...] = ()


def write_cards(folder: Path, card: Card, findings: Sequence[TaughtFinding]) -> None:
    """card.json and card.md in `folder`, which holds the finished adapter."""
    if card.adapter_digest != adapter_digest(folder):
        raise ValueError("the card belongs to another adapter")
    (folder / CARD_JSON).write_text(card.model_dump_json(indent=1) + "\n", "utf-8")
    (folder / CARD_WORDS).write_text(in_words(card, findings), "utf-8")


def in_words(card: Card, findings: Sequence[TaughtFinding]) -> str:
    by_name = {finding.name: finding for finding in findings}
    parts = [
        "# Adapter card",
        f"Base: {card.base_name}, weights `{card.base_weights}`. Adapter `{card.adapter_digest}`.",
        "**Not validated.** What was taught can be asked; it stands in no draft. Validate it on films of other "
        "patients before anybody relies on it.",
        "## Data",
        f"{card.films} films of {card.patients} patients"
        + ("" if card.patients_known else " (no patient was named: each film was taken for a patient of its own)")
        + f", {card.rows} rows of the table. {card.silent_reports} reports stated no finding in words that are known.",
        _table(
            ("finding", "films with / without", "patients with / without", "questions"),
            [
                (
                    by_name[one.name].term.display,
                    f"{one.films_present} / {one.films_absent}",
                    f"{one.patients_present} / {one.patients_absent}",
                    "; ".join(by_name[one.name].calibration.wordings),
                )
                for one in card.taught
            ],
        ),
        "## Gain",
        "AUROC over the taught films, each patient left out of the probe in turn. **This is not an estimate of "
        "performance**: with a dozen films its standard error is 0.12 to 0.15 (Hanley and McNeil, 1982), and it "
        "chose the share of the prior (what the base itself says). It can show that nothing was learnt, not that "
        "something was.",
        _table(
            ("finding", "left-out AUROC", "share of the prior"),
            [(by_name[one.name].term.display, f"{one.left_out_auroc:.2f}", f"{one.prior:g}") for one in card.taught],
        ),
        f"The adapter took {card.steps} steps; on pictures held out of the fit its log-odds correlate with the probe's "
        f"at {card.fidelity:.3f}.",
        "## Harm",
        "Findings that the base knows are asked of the base without the adapter: their answers do not change. "
        "With the adapter switched on for them too, their log-odds on pictures held out of the fit moved by "
        f"{card.moved.log_odds_root_mean_square:.2f} (root mean square), their probabilities by "
        f"{card.moved.probability_largest:.2f} at most.",
        "Probabilities of taught findings hold for the share of films with the finding in the table, which is hardly "
        "that of a clinic.",
    ]
    if card.notes:
        parts += ["## Notes", *(f"- {note}" for note in card.notes)]
    return "\n\n".join(parts) + "\n"


def in_short(card: Card) -> str:
    """A line a finding, for a terminal."""
    lines = [
        f"{one.name}: taught from {one.films_present} films with it and {one.films_absent} without; "
        f"AUROC {one.left_out_auroc:.2f} with each patient left out in turn (no estimate of performance)"
        for one in card.taught
    ]
    return "\n".join((*lines, *card.notes, "Not validated: can be asked, stands in no draft."))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
