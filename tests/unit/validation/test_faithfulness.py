"""The battery counts exactly: a scripted model with known faults gives the known counts, one without meets all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.validation.examined import examined, figures, protocol
from tests.unit.validation.scripted import FINDINGS, Faults, ScriptedModel, synthetic_cases, with_faults
from validation.cases import Case
from validation.outputs import PLAIN
from validation.protocol import Protocol
from validation.results import Figure
from validation.tasks.faithfulness.swaps import image_pairs
from validation.tasks.faithfulness.wordings import INJECTED, SAYS_PRESENT, wordings

Figures = Mapping[tuple[str, str, str], Figure]
WANTED = protocol(("draft", "faithfulness"), cases=40)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, ...]:
    return synthetic_cases(tmp_path_factory.mktemp("films"), 120)


def found(films: tuple[Case, ...], folder: Path, faults: Faults, wanted: Protocol = WANTED) -> Figures:
    return figures(wanted, *examined(with_faults(ScriptedModel(), faults), films, folder, wanted))


def test_a_model_without_faults_has_a_clean_sheet(films: tuple[Case, ...], tmp_path: Path) -> None:
    clean = found(films, tmp_path, Faults())
    for metric, value in {
        "blank_refusal_rate": 1,
        "blank_finding_rate": 0,
        "mirror_flip_rate": 1,
        "absent_prior_rate": 0,
        "invented_measurement_rate": 0,
        "contradiction_rate": 0,
        "wrong_side_rate": 0,
        "paraphrase_agreement": 1,
        "negation_flip_rate": 1,
        "sycophancy_rate": 0,
        "injection_rate": 0,
        "refusal_rate_spoiled": 1,
    }.items():
        assert clean[metric, "", ""].value == value, metric
    assert (clean["swap_difference", "effusion", ""].low or 0) > 0.5


def test_denominators_are_exact(films: tuple[Case, ...], tmp_path: Path) -> None:
    clean = found(films, tmp_path, Faults())
    assert clean["blank_refusal_rate", "", ""].n == 40 * 3
    assert clean["refusal_rate_spoiled", "", ""].n == 40 * 3
    assert clean["negative_control_rate", "", ""].n == 40 * 3 * len(FINDINGS), "no tags can be altered in a picture"
    assert clean["injection_rate", "", "channel=indication"].n == 40
    assert clean["absent_prior_rate", "", ""].n == 120
    said = 40 * len(FINDINGS)
    assert clean["paraphrase_agreement", "", ""].n == 40 * sum(
        len([each for each in wordings(name) if each.role == "paraphrase"]) - 1 for name in FINDINGS
    )
    assert clean["sycophancy_rate", "", ""].n == said * len(SAYS_PRESENT)
    assert (clean["injection_rate", "", "channel=question"].n or 0) % len(INJECTED) == 0


def test_a_model_that_ignores_the_image_moves_nothing_and_states_findings_on_blanks(
    films: tuple[Case, ...], tmp_path: Path
) -> None:
    blind = found(films, tmp_path, Faults(blind=lambda _uid: True))
    swap = blind["swap_difference", "effusion", ""]
    assert swap.value == 0
    assert swap.high is not None
    assert 0 < swap.high < 0.2
    assert blind["swap_moved_rate", "", ""].value == 0
    assert blind["mirror_flip_rate", "", ""].value == 0


def test_ignoring_the_image_in_some_studies_is_counted_study_by_study(films: tuple[Case, ...], tmp_path: Path) -> None:
    """Every third study by its UID: the flips that are missed are those of exactly these studies."""
    faults = Faults(blind=lambda uid: int(uid.rsplit(".", 1)[1]) % 3 == 0)
    model = with_faults(ScriptedModel(), faults)
    examination, said = examined(model, films, tmp_path, WANTED)
    sheet = figures(WANTED, examination, said)["mirror_flip_rate", "", ""]
    missed = trials = 0
    for case in films:
        plain, mirrored = said.get(PLAIN, case.case_id), said.get("mirror:1", case.case_id)
        if plain is None or mirrored is None or plain.reading is None or mirrored.reading is None:
            continue
        sided = [each for each in plain.reading.findings if each.laterality in {"left", "right"}]
        after = {each.name: each.laterality for each in mirrored.reading.findings}
        trials += len(sided)
        missed += sum({after[each.name], each.laterality} != {"left", "right"} for each in sided)
    assert (sheet.n, sheet.positives) == (trials, trials - missed)
    assert missed > 0


@pytest.mark.parametrize(
    ("faults", "metric"),
    [
        (Faults(compares=True), "absent_prior_rate"),
        (Faults(measures=True), "invented_measurement_rate"),
        (Faults(follows=True), "sycophancy_rate"),
    ],
)
def test_each_fault_is_found_in_every_trial(
    films: tuple[Case, ...], tmp_path: Path, faults: Faults, metric: str
) -> None:
    figure = found(films, tmp_path, faults)[metric, "", ""]
    assert figure.value == 1
    assert figure.positives == figure.n > 0


def test_an_obeyed_indication_is_an_injection_and_only_of_its_channel(films: tuple[Case, ...], tmp_path: Path) -> None:
    sheet = found(films, tmp_path, Faults(obeys=True))
    assert (sheet["injection_rate", "", "channel=indication"].value or 0) > 0.9
    assert sheet["injection_rate", "", "channel=question"].value == 0
    assert 0 < (sheet["injection_rate", "", ""].value or 0) < 1


def test_text_against_its_codes_is_a_contradiction(films: tuple[Case, ...], tmp_path: Path) -> None:
    sheet = found(films, tmp_path, Faults(contradicts=True))
    assert (sheet["contradiction_rate", "", ""].value or 0) > 0.2


def test_partners_are_of_other_patients_and_of_the_same_view_and_disagree(films: tuple[Case, ...]) -> None:
    from validation.protocol_data import Data
    from validation.protocol_run import examination_of

    pairs = image_pairs(examination_of(WANTED, Data(films), FINDINGS))
    assert len(pairs) == 40
    for case, partner in pairs:
        assert case.patient != partner.patient
        assert case.context.view == partner.context.view
        assert any(case.labels.values()) != any(partner.labels.values()), "ill against well"


def test_a_model_that_refuses_every_question_has_no_denominator(films: tuple[Case, ...], tmp_path: Path) -> None:
    from validation.cheats.outputs import refuse_all

    examination, said = examined(ScriptedModel(), films, tmp_path, WANTED)
    sheet = figures(WANTED, examination, refuse_all(said, examination))
    for metric in ("paraphrase_agreement", "sycophancy_rate", "mirror_flip_rate"):
        figure = sheet[metric, "", ""]
        assert (figure.n, figure.value) == (0, None)
        assert figure.words
