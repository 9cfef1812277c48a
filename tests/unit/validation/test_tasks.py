"""The figures of the tasks, against an independent few lines of scikit-learn on the same outputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, recall_score, roc_auc_score

from tests.unit.validation.examined import examined, figures, protocol
from tests.unit.validation.scripted import FINDINGS, ScriptedModel, synthetic_cases
from validation.cases import AskedQuestion, Case
from validation.metrics.report_labeller.labeller import label_report
from validation.outputs import PLAIN, Said
from validation.results import Figure
from validation.tasks.catalogue import judge_all
from validation.tasks.drafts import contradiction
from validation.tasks.examination import Counted, Examination, Resampling, finding_of, sample_of, share
from validation.tasks.question_answering import is_right

CRITERIA = [
    {
        "id": "found",
        "metric": "sensitivity",
        "at": 0.31,
        "finding": "effusion",
        "bound": "lower",
        "threshold": 0.5,
        "reason": "to test it",
    }
]
WANTED = protocol(("detection", "draft", "questions", "grounding", "refusal", "robustness"), criteria=CRITERIA)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Examination, Said, Mapping[tuple[str, str, str], Figure]]:
    folder = tmp_path_factory.mktemp("tasks")
    films = synthetic_cases(folder / "films", 200, patients=130)
    examination, said = examined(ScriptedModel(), films, folder, WANTED)
    return examination, said, figures(WANTED, examination, said)


Judged = tuple[Examination, Said, Mapping[tuple[str, str, str], Figure]]


def labels_and_scores(judged: Judged, name: str) -> tuple[np.ndarray, np.ndarray]:
    examination, said, _ = judged
    found = [(case.labels[name], finding_of(said.get(PLAIN, case.case_id), name)) for case in examination.in_scope]
    return np.array([label for label, _ in found]), np.array([each.probability for _, each in found if each])


@pytest.mark.parametrize("name", FINDINGS)
def test_point_figures_are_those_of_scikit_learn(judged: Judged, name: str) -> None:
    truth, scores = labels_and_scores(judged, name)
    sheet = judged[2]
    for metric, value in {
        "auroc": roc_auc_score(truth, scores),
        "average_precision": average_precision_score(truth, scores),
        "brier": brier_score_loss(truth, scores),
    }.items():
        assert sheet[metric, name, ""].value == pytest.approx(value, abs=1e-9)


def test_the_operating_point_of_a_criterion_is_measured(judged: Judged) -> None:
    truth, scores = labels_and_scores(judged, "effusion")
    figure = judged[2]["sensitivity@0.31", "effusion", ""]
    assert figure.value == pytest.approx(recall_score(truth, scores >= 0.31), abs=1e-9)
    assert figure.method == "clustered_bootstrap"


def test_subgroups_add_up_and_are_those_of_scikit_learn(judged: Judged) -> None:
    examination, _, sheet = judged
    truth, scores = labels_and_scores(judged, "effusion")
    views = np.array([case.attributes["view"] for case in examination.in_scope])
    groups = [sheet["auroc", "effusion", f"view={view}"] for view in ("AP", "PA")]
    assert sum(each.n for each in groups) == sheet["auroc", "effusion", ""].n
    for view, figure in zip(("AP", "PA"), groups, strict=True):
        expected = roc_auc_score(truth[views == view], scores[views == view])
        assert figure.value == pytest.approx(expected, abs=1e-9)
    worst = sheet["auroc_worst_subgroup", "effusion", ""]
    named = {key: each for key, each in sheet.items() if key[:2] == ("auroc", "effusion")}
    every = [each.low for key, each in named.items() if key[2][:4] in {"sex=", "view"}]
    assert worst.low == min(low for low in every if low is not None)


def test_boxes_and_sides_of_the_scripted_model_are_right(judged: Judged) -> None:
    sheet = judged[2]
    assert sheet["pointing_accuracy", "", ""].value == 1
    assert sheet["box_iou", "", ""].value == 1
    assert sheet["wrong_side_rate", "", ""].value == 0


def test_what_is_out_of_scope_is_refused_and_counted_by_kind(judged: Judged) -> None:
    sheet = judged[2]
    assert (sheet["refusal_rate_out_of_scope", "", ""].value, sheet["refusal_rate_out_of_scope", "", ""].n) == (1, 20)
    assert sheet["refusal_rate_out_of_scope", "", "kind=blank"].n == 20
    assert sheet["refusal_rate_in_scope", "", ""].value == 0


def test_closed_questions_are_counted_by_patient(judged: Judged) -> None:
    figure = judged[2]["closed_accuracy", "", ""]
    assert figure.n == 200
    assert figure.patients == 130


def test_the_worst_level_that_must_work_is_the_robust_figure(judged: Judged) -> None:
    sheet = judged[2]
    robust, level = (
        sheet[key] for key in (("robust_auroc", "effusion", ""), ("auroc", "effusion", "alteration=rotation:2"))
    )
    assert (robust.value, robust.low) == (level.value, level.low)
    assert "rotation:2" in robust.words
    assert sheet["refusal_rate", "", "alteration=rotation:90"].value == 1


def test_curves_have_their_ends(judged: Judged) -> None:
    examination, said, _ = judged
    curves = judge_all(("detection", "robustness"), examination, said).curves
    roc = next(each for each in curves if each.kind == "roc")
    assert (roc.points[0], roc.points[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert all(len(each.points) <= 200 for each in curves)
    assert {each.kind for each in curves} == {"roc", "precision_recall", "risk_coverage", "reliability", "robustness"}


def test_a_label_that_is_missing_is_not_a_negative(tmp_path: Path) -> None:
    films = synthetic_cases(tmp_path / "films", 60)
    bare = tuple(
        case.model_copy(update={"labels": {k: v for k, v in case.labels.items() if k != "effusion"}})
        if number % 2
        else case
        for number, case in enumerate(films)
    )
    sheet = figures(WANTED, *examined(ScriptedModel(), bare, tmp_path, WANTED))
    assert sheet["auroc", "effusion", ""].n == 30
    assert sheet["auroc", "cardiomegaly", ""].n == 60


@pytest.mark.parametrize(
    ("text", "contradicted"),
    [
        ("There is a left pleural effusion.", True),
        ("There is a right pleural effusion.", False),
        ("No pleural effusion.", True),
        ("There is a pneumothorax.", True),
        ("No pneumothorax.", False),
        ("There is cardiomegaly.", True),
    ],
)
def test_a_sentence_is_held_against_presence_side_and_existence_of_its_code(
    judged: Judged, text: str, contradicted: bool
) -> None:
    examination, said, _ = judged
    case = examination.in_scope[0]
    effusion, pneumothorax = (finding_of(said.get(PLAIN, case.case_id), name) for name in ("effusion", "pneumothorax"))
    assert effusion
    assert pneumothorax
    codes = {
        "effusion": effusion.model_copy(update={"presence": "present", "laterality": "right"}),
        "pneumothorax": pneumothorax.model_copy(update={"presence": "absent"}),
    }
    assert bool(contradiction(label_report(text), codes)) == contradicted


def test_a_share_without_a_trial_is_no_number() -> None:
    figure = share("coverage", "detection", Counted.of([]), Resampling())
    assert (figure.value, figure.low, figure.n) == (None, None, 0)
    assert figure.words


def test_a_share_that_never_happened_in_many_images_of_few_patients_keeps_a_wide_bound() -> None:
    one_patient_each = share("x", "draft", Counted.of((False, f"{k}") for k in range(100)), Resampling())
    ten_patients = share("x", "draft", Counted.of((False, f"{k % 10}") for k in range(100)), Resampling())
    assert (one_patient_each.high or 1) < 0.05 < 0.3 < (ten_patients.high or 0)


def test_a_sample_does_not_depend_on_the_order_of_the_data(tmp_path: Path) -> None:
    films = synthetic_cases(tmp_path, 50)
    names = {case.case_id for case in sample_of(films, FINDINGS, 20, 1, "probe")}
    assert names == {case.case_id for case in sample_of(films[::-1], FINDINGS, 20, 1, "probe")}
    assert names != {case.case_id for case in sample_of(films, FINDINGS, 20, 1, "other probe")}
    assert len(names) == 20


@pytest.mark.parametrize(
    ("reference", "said", "right"),
    [
        ("yes", "Yes. There is one.", True),
        ("No", "Yes.", False),
        ("yes", "It cannot be excluded.", False),
        ("left", "The left lung.", True),
    ],
)
def test_a_closed_answer_is_right_by_its_first_word_or_by_every_word_of_the_reference(
    judged: Judged, reference: str, said: str, right: bool
) -> None:
    from medvlm.contract import Answer
    from tests.unit.validation.scripted import IDENTITY

    question = AskedQuestion(id="1", text="?", answer=reference, kind="closed")
    assert is_right(question, Answer(kind="open", text=said, model=IDENTITY)) == right


def test_cases_of_two_patients_are_kept_apart_by_data_set() -> None:
    from validation.protocol_data import _named

    case = Case(case_id="1", patient="7", images=())
    assert _named(case, "a", False).patient != _named(case, "b", False).patient
