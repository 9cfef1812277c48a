"""A model whose draft has boxes, a warning and something not assessed, and whose answers can be slow or break off.

`python -m tests.system.page.page_model PORT FILE` serves it by the real model server; FILE gets a line a word.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from medvlm.contract import (
    Answer,
    AnswerText,
    Box,
    Cancel,
    Finding,
    ImageSource,
    InScope,
    Laterality,
    Narrative,
    Presence,
    Question,
    Reading,
    Refusal,
    Sentence,
    StudyInput,
    Warning,
    never,
)
from medvlm.serve import app
from tests.scripted_model import CT, IDENTITY, ScriptedModel, ScriptedSession

EFFUSION_BOX = (40, 240, 160, 380)
NODULE_BOX = (240, 120, 290, 170)
WARNING = "The header says PA, the image looks like AP."
SLOW_WORDS = 200


class PageSession(ScriptedSession):
    def __init__(self, study: StudyInput, trace: Path) -> None:
        super().__init__(study)
        self._trace = trace

    def draft(self) -> Reading:
        images = self._study.images
        made = {"study_uid": self._study.study_uid, "model": IDENTITY, "created": datetime.now(UTC)}
        if not images or images[0].sop_class_uid == CT:
            return Reading(scope=Refusal(code="unsupported_modality", reason="CT is not assessed."), **made)
        film = images[0]
        findings = (
            _finding(film, "effusion", "present", 0.82, "right", EFFUSION_BOX),
            _finding(film, "nodule", "indeterminate", 0.4, "left", NODULE_BOX),
            _finding(film, "cardiomegaly", "absent", 0.05),
        )
        said = {
            "effusion": "There is a right pleural effusion.",
            "nodule": "A nodule cannot be excluded.",
            "cardiomegaly": "The heart is not enlarged.",
        }
        sentences = tuple(Sentence(text=words, findings=(name,)) for name, words in said.items())
        return Reading(
            scope=InScope(view="PA"),
            findings=findings,
            narrative=Narrative(findings=sentences, impression=sentences[:1]),
            not_assessed=("hernia", "fibrosis"),
            warnings=(Warning(code="view_contradiction", words=WARNING),),
            images=(film,),
            **made,
        )

    def ask(self, question: Question, cancel: Cancel = never) -> Iterator[AnswerText | Answer]:
        if "slow" in question.text:
            yield from self._slowly(cancel)
        for piece in ("Yes. ", "There is a right ", "pleural effusion."):
            yield AnswerText(text=piece)
            if "failure" in question.text:
                raise RuntimeError("the tensor is broken")
        yield Answer(
            kind="where",
            text="Yes. There is a right pleural effusion.",
            probability=0.82,
            finding="effusion",
            evidence=(_box(self._study.images[0], EFFUSION_BOX),),
            model=IDENTITY,
        )

    def _slowly(self, cancel: Cancel) -> Iterator[AnswerText]:
        for number in range(SLOW_WORDS):
            if cancel():
                return
            with self._trace.open("a") as trace:
                trace.write(f"{number}\n")
            yield AnswerText(text=f"word{number} ")
            time.sleep(0.05)


class PageModel(ScriptedModel):
    assessed = ("effusion", "nodule", "cardiomegaly")  # type: ignore[assignment]  # one more than the base's pair

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def open(self, study: StudyInput) -> PageSession:
        return PageSession(study, self._trace)


def _finding(
    film: ImageSource,
    name: str,
    presence: Presence,
    probability: float,
    laterality: Laterality = "unspecified",
    corners: Sequence[float] = (),
) -> Finding:
    return Finding(
        name=name,
        presence=presence,
        probability=probability,
        calibration="scripted",
        laterality=laterality,
        evidence=(_box(film, corners),) if corners else (),
        image_reliance=1.0,
        tracking_uid=f"2.25.{int.from_bytes((name + film.sop_instance_uid[-8:]).encode()[:15], 'big')}",
    )


def _box(film: ImageSource, corners: Sequence[float]) -> Box:
    x0, y0, x1, y1 = corners
    return Box(sop_instance_uid=film.sop_instance_uid, x0=x0, y0=y0, x1=x1, y1=y1)


if __name__ == "__main__":
    model = PageModel(Path(sys.argv[2]))
    uvicorn.run(app(model, model.preview), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
