"""A model of few words, for tests of the node: it reads radiographs, refuses volumes, and needs no weights.

`python -m tests.scripted_model PORT` serves it by the real model server.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import uvicorn
from PIL import Image

from medvlm.contract import (
    Answer,
    AnswerText,
    Cancel,
    Finding,
    ImageSource,
    InScope,
    ModelIdentity,
    Narrative,
    Question,
    Reading,
    Refusal,
    Sentence,
    StudyInput,
    never,
)
from medvlm.serve import app

IDENTITY = ModelIdentity(name="scripted", version="1", weights_digest="0" * 64)
CT = "1.2.840.10008.5.1.4.1.1.2"
NM = "1.2.840.10008.5.1.4.1.1.20"  # takes the whole server down, as a bad driver or the system may


class ScriptedSession:
    def __init__(self, study: StudyInput) -> None:
        self._study = study

    def draft(self) -> Reading:
        made = {"study_uid": self._study.study_uid, "model": IDENTITY, "created": datetime.now(UTC)}
        if not self._study.images:
            return Reading(scope=Refusal(code="no_image", reason="The study holds no image."), **made)
        if self._study.images[0].sop_class_uid == NM:
            os._exit(139)
        if self._study.images[0].sop_class_uid == CT:
            return Reading(scope=Refusal(code="unsupported_modality", reason="CT is not assessed."), **made)
        words = Sentence(text="There is a pleural effusion.", findings=("effusion",))
        return Reading(
            scope=InScope(view="PA"),
            findings=(_finding("effusion", 0.8), _finding("cardiomegaly", 0.1)),
            narrative=Narrative(findings=(words,), impression=(words,)),
            not_assessed=("hernia",),
            images=self._study.images[:1],
            **made,
        )

    def questionnaire(self, names: Sequence[str]) -> tuple[Finding, ...]:
        return tuple(_finding(name, 0.5) for name in names)

    def ask(self, question: Question, cancel: Cancel = never) -> Iterator[AnswerText | Answer]:
        yield AnswerText(text="Yes.")
        yield Answer(kind="yes_no", text="Yes.", probability=0.8, finding="effusion", model=IDENTITY)


class ScriptedModel:
    identity = IDENTITY
    assessed = ("effusion", "cardiomegaly")

    def open(self, study: StudyInput) -> ScriptedSession:
        return ScriptedSession(study)

    def preview(self, source: ImageSource) -> bytes:
        """A grey square."""
        file = io.BytesIO()
        Image.new("L", (64, 64), 128).save(file, "PNG")
        return file.getvalue()


def _finding(name: str, probability: float) -> Finding:
    return Finding(
        name=name,
        presence="present" if probability > 0.5 else "absent",
        probability=probability,
        calibration="scripted",
        image_reliance=1.0,
        tracking_uid=f"2.25.{int.from_bytes(name.encode()[:8], 'big')}",
    )


if __name__ == "__main__":
    uvicorn.run(
        app(ScriptedModel(), ScriptedModel().preview), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning"
    )
