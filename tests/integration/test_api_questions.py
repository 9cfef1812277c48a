"""Questions over the API: what they are about, how they are answered, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from medvlm.contract import Answer, AnswerText, Cancel, Question, StudyInput, never
from tests.builders import ct_slice, dx_film
from tests.clinical_desk import ClinicalDesk, ServedModel, clinical_desk
from tests.scripted_model import IDENTITY, ScriptedSession


class Remembering(ServedModel):
    """Keeps what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[StudyInput, Question]] = []

    def open(self, study: StudyInput) -> ScriptedSession:
        remembered = self.asked

        class Session(ScriptedSession):
            def ask(self, question: Question, cancel: Cancel = never) -> Iterator[AnswerText | Answer]:
                remembered.append((study, question))
                yield AnswerText(text="Yes. ")
                yield AnswerText(text="On the right.")
                yield Answer(kind="open", text="Yes. On the right.", model=IDENTITY)

        return Session(study)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClinicalDesk]:
    with clinical_desk(tmp_path, Remembering()) as desk:
        yield desk


def ask(client: TestClient, uid: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
    asked = {"text": "Is there an effusion?"} | body
    return client.post(f"/api/v1/studies/{uid}/questions", json=asked, headers=headers)


def told(stream: str) -> list[tuple[str, Any]]:
    blocks = [block.splitlines() for block in stream.strip().split("\n\n")]
    return [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in blocks]


STREAM = {"Accept": "text/event-stream"}


def test_an_answer_is_kept_with_who_asked_when_and_of_which_model(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    with desk.person() as browser:
        answer = ask(browser, uid)
    assert answer.status_code == 201
    kept = answer.json()
    assert (kept["answer"]["text"], kept["stopped"]) == ("Yes. On the right.", False)
    assert (kept["asked_by"], kept["asked_by_name"]) == ("local:Reader^One", "Reader^One")
    assert kept["answer"]["model"]["name"] == "scripted"
    assert desk.client.get(f"/api/v1/studies/{uid}/questions").json()["answers"] == [kept]


def test_an_answer_is_streamed_as_it_is_written_and_ends(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    answer = ask(desk.client, uid, STREAM)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = told(answer.text)
    assert [name for name, _ in events] == ["text", "text", "answer", "end"]
    assert events[2][1] == desk.client.get(f"/api/v1/studies/{uid}/questions").json()["answers"][0]


def test_a_streamed_question_that_cannot_be_asked_is_a_problem_with_its_status(desk: ClinicalDesk) -> None:
    (uid,) = desk.receive(dx_film())
    answer = ask(desk.client, uid, STREAM)
    assert (answer.status_code, answer.json()["code"]) == (409, "study_not_ready")
    assert ask(desk.client, "1.2.3", STREAM).status_code == 404


def test_an_answer_never_enters_the_report(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    before = desk.report(uid)
    ask(desk.client, uid)
    assert desk.report(uid) == before


def test_a_repeated_question_is_asked_once(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    key = {"Idempotency-Key": "one"}
    first, again = ask(desk.client, uid, key), ask(desk.client, uid, key)
    streamed = told(ask(desk.client, uid, key | STREAM).text)
    assert first.json() == again.json() == streamed[0][1]
    assert [name for name, _ in streamed] == ["answer", "end"]
    assert len(desk.model.asked) == 1


def test_a_streamed_answer_is_kept_for_its_repeat_too(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    first = told(ask(desk.client, uid, STREAM | {"Idempotency-Key": "two"}).text)[-2][1]
    assert ask(desk.client, uid, {"Idempotency-Key": "two"}).json() == first


def test_a_key_stands_for_one_question_and_one_caller(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    key = {"Idempotency-Key": "three"}
    assert ask(desk.client, uid, key).status_code == 201
    other = ask(desk.client, uid, key, text="Where is it?")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_used")
    with desk.person() as browser:
        assert ask(browser, uid, key, text="Where is it?").status_code == 201


def test_a_repeat_while_the_first_is_at_work_is_refused(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    seen = []

    class Asking(Remembering):
        def open(self, study: StudyInput) -> ScriptedSession:
            seen.append(ask(desk.client, uid, {"Idempotency-Key": "four"}))
            return super().open(study)

    desk.client.app.state.node.__dict__["model"] = Asking()
    assert ask(desk.client, uid, {"Idempotency-Key": "four"}).status_code == 201
    assert [(one.status_code, one.json()["code"]) for one in seen] == [(409, "still_running")]


def test_a_question_that_failed_may_be_asked_again_with_its_key(desk: ClinicalDesk) -> None:
    (uid,) = desk.receive(dx_film())
    key = {"Idempotency-Key": "five"}
    assert ask(desk.client, uid, key).status_code == 409
    desk.read(uid)
    assert ask(desk.client, uid, key).status_code == 201


def test_a_region_goes_to_the_model_and_is_kept(desk: ClinicalDesk) -> None:
    film = dx_film()
    uid = desk.draft(film)
    box = {"sop_instance_uid": str(film.SOPInstanceUID), "frame": 1, "x0": 1.0, "y0": 2.0, "x1": 10.0, "y1": 20.0}
    assert ask(desk.client, uid, region=box).json()["question"]["region"] == box
    assert desk.model.asked[0][1].region.x1 == 10


def test_a_region_on_no_image_of_the_study_is_refused(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    box = {"sop_instance_uid": "1.2.3", "x0": 1, "y0": 2, "x1": 10, "y1": 20}
    assert ask(desk.client, uid, region=box).json()["code"] == "bad_question"


def test_a_question_about_a_series_shows_the_model_that_series_alone(desk: ClinicalDesk) -> None:
    one, other = dx_film(series="one"), dx_film(series="other", number=2)
    uid = desk.draft(one, other)
    ask(desk.client, uid, series_uid=str(other.SeriesInstanceUID))
    ((about, _),) = desk.model.asked
    assert [image.sop_instance_uid for image in about.images] == [other.SOPInstanceUID]
    assert ask(desk.client, uid, series_uid="1.2.3").json()["code"] == "bad_question"


def test_a_prior_is_shown_to_the_model_and_never_another_patients(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film(study="now"))
    prior = desk.draft(dx_film(study="prior", StudyDate="20200101"))
    stranger = desk.draft(dx_film(study="stranger", patient_id="PAT-2"))
    ask(desk.client, uid, prior_uid=prior)
    ((about, _),) = desk.model.asked
    assert about.prior is not None
    assert (about.study_uid, about.prior.study_uid) == (uid, prior)
    assert ask(desk.client, uid, prior_uid=stranger).json()["code"] == "bad_question"


def test_a_prior_that_was_not_read_is_shown_as_it_was_received(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film(study="now"))
    film = dx_film(study="prior", StudyDate="20200101")
    (prior,) = desk.receive(film)
    ask(desk.client, uid, prior_uid=prior)
    assert [one.sop_instance_uid for one in desk.model.asked[0][0].prior.images] == [film.SOPInstanceUID]


@pytest.mark.parametrize("body", [{"text": ""}, {"text": " "}, {"text": "q" * 1001}, {"more": 1}, {"region": {}}])
def test_a_body_of_another_shape_is_refused_and_not_repeated(desk: ClinicalDesk, body: dict[str, Any]) -> None:
    answer = ask(desk.client, desk.draft(dx_film()), **body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "qqqq" not in answer.text


def test_every_question_is_in_the_audit_trail_before_the_model_is_asked(
    desk: ClinicalDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dicom_node.audit import chain

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    uid = desk.draft(dx_film())
    monkeypatch.setattr(chain, "append", full)
    assert ask(desk.client, uid).json()["code"] == "audit_unavailable"
    assert desk.model.asked == []


def test_suggestions_are_of_what_was_assessed_and_none_for_what_was_not_read(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    questions = desk.client.get(f"/api/v1/studies/{uid}/suggestions").json()["questions"]
    assert questions
    assert not any("hernia" in question.lower() for question in questions)
    refused = desk.draft(ct_slice(study="ct"))
    assert desk.client.get(f"/api/v1/studies/{refused}/suggestions").json()["questions"] == []
