import itertools

import pytest

from medvlm.contract import Finding, Presence, StudyInput
from medvlm.engine.calibration import Calibration, FindingCalibration
from medvlm.engine.narrative import narrative
from medvlm.engine.questionnaire import finding, tracking_uid
from medvlm.engine.sessions import SessionStore
from medvlm.safeguards.coherence import coherent
from medvlm.vocabulary import terms

MAP = FindingCalibration(slope=1, intercept=0, present_from=0.6, absent_to=0.3, prevalence=0.4, wordings=("Is there?",))
CALIBRATION = Calibration(findings={"effusion": MAP}, assessed=("effusion",), reliance_floor=0.1, view_margin=0)


def _found(name: str, presence: Presence) -> Finding:
    return Finding(name=name, presence=presence, probability=0.5, calibration="c", tracking_uid="2.25.1")


def test_every_sentence_is_a_wording_of_its_findings_presence() -> None:
    presences = itertools.cycle(("present", "absent", "indeterminate"))
    findings = [_found(name, presence) for name, presence in zip(terms(), presences, strict=False)]
    said = narrative(findings)
    presence_of = {found.name: found.presence for found in findings}
    assert len(said.findings) == len(findings)
    for sentence in (*said.findings, *said.impression):
        (name,) = sentence.findings
        assert sentence.text in getattr(terms()[name], presence_of[name])


def test_impression_is_what_is_present_or_the_overall_statement() -> None:
    normal = narrative([_found("abnormality", "absent"), _found("mass", "absent")])
    ill = narrative([_found("abnormality", "present"), _found("mass", "present"), _found("edema", "absent")])
    assert [sentence.findings for sentence in normal.impression] == [("abnormality",)]
    assert [sentence.findings for sentence in ill.impression] == [("abnormality",), ("mass",)]


def test_a_wider_finding_is_not_absent_beside_a_case_of_it() -> None:
    findings = [_found("abnormality", "absent"), _found("airspace_opacity", "absent"), _found("pneumonia", "present")]
    mended, warnings = coherent(findings)
    assert [found.presence for found in mended] == ["indeterminate", "indeterminate", "present"]
    assert {warning.code for warning in warnings} == {"findings_disagree"}


def test_findings_that_agree_are_left_alone() -> None:
    findings = (_found("abnormality", "present"), _found("effusion", "present"), _found("mass", "absent"))
    assert coherent(findings) == (findings, ())


def test_what_a_blank_image_would_have_said_is_not_given_as_a_finding() -> None:
    moved = finding("effusion", 2.0, {"effusion": 0.0}, CALIBRATION, "1.2")
    unmoved = finding("effusion", 2.0, {"effusion": 1.95}, CALIBRATION, "1.2")
    assert (moved.presence, moved.image_reliance) == ("present", 2.0)
    assert unmoved.presence == "indeterminate"
    assert unmoved.image_reliance == pytest.approx(0.05)


def test_tracking_uids_are_valid_and_the_same_each_time() -> None:
    uid = tracking_uid("1.2.3", "effusion")
    assert uid == tracking_uid("1.2.3", "effusion")
    assert uid != tracking_uid("1.2.4", "effusion")
    assert uid.startswith("2.25.")
    assert len(uid) <= 64


class _Session:
    nbytes = 10


class _Model:
    opened = 0

    def open(self, study: StudyInput) -> _Session:
        self.opened += 1
        return _Session()


def _study(uid: str) -> StudyInput:
    return StudyInput(study_uid=uid, images=())


def test_a_kept_session_is_given_again_and_the_least_recent_is_dropped() -> None:
    model = _Model()
    store = SessionStore(model, budget_bytes=25)  # type: ignore[arg-type]
    first, second = store.open(_study("1")), store.open(_study("2"))
    assert store.open(_study("1")) is first
    store.open(_study("3"))
    assert (len(store), store.nbytes) == (2, 20)
    assert store.open(_study("1")) is first
    assert store.open(_study("2")) is not second
    assert model.opened == 4
