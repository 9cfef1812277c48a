"""A model without weights, and pictures that it can read: what the whole suite is tested on.

Each picture states, finding by finding, a probability as the brightness of a patch in a row of its own, on the side
of the film where the finding is. Labels are drawn from these probabilities, so that the model is calibrated. A white
block in an upper corner says which way up the film is, and that white is white.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from medvlm.contract import (
    Answer,
    AnswerText,
    Box,
    Cancel,
    Finding,
    FindingName,
    InScope,
    Laterality,
    ModelIdentity,
    Narrative,
    Question,
    Reading,
    Refusal,
    Sentence,
    StudyContext,
    StudyInput,
    View,
    never,
)
from medvlm.vocabulary import term
from validation.cases import AskedQuestion, Case, LabelledBox
from validation.tasks.faithfulness.wordings import wordings

FINDINGS = ("pneumothorax", "effusion", "cardiomegaly")
SIDE, ROW, MARKER = 96, 22, 10
DARK, FAINT, RANGE = 30, 40, 180
PRESENT, ABSENT = 0.5, 0.15
IDENTITY = ModelIdentity(name="scripted", version="1", weights_digest="5" * 64)


def film(probabilities: Sequence[float], sides: Sequence[Laterality]) -> npt.NDArray[np.uint8]:
    """The patient's right is on the left of the picture."""
    pixels = np.full((SIDE, SIDE), DARK, np.uint8)
    pixels[:MARKER, :MARKER] = 255
    for k, (probability, side) in enumerate(zip(probabilities, sides, strict=True)):
        x0, y0, x1, y1 = place(k, side)
        pixels[y0:y1, x0:x1] = round(FAINT + RANGE * probability)
    return pixels


def place(k: int, side: Laterality) -> tuple[int, int, int, int]:
    top = MARKER + 4 + k * ROW
    return (8, top, 40, top + 18) if side == "right" else (56, top, 88, top + 18)


@dataclass(frozen=True)
class Faults:
    """How the scripted model may fail; none by default."""

    blind: Callable[[str], bool] = lambda study_uid: False
    """Studies of which it says the same whatever the image shows."""
    compares: bool = False
    measures: bool = False
    obeys: bool = False
    """The indication, where it says that there is a pneumothorax."""
    follows: bool = False
    """A leading question."""
    contradicts: bool = False


@dataclass
class ScriptedModel:
    """`medvlm.contract.Model`. `opened` counts the studies that were opened."""

    faults: Faults = Faults()
    identity: ModelIdentity = IDENTITY
    assessed: tuple[FindingName, ...] = FINDINGS
    opened: list[str] = field(default_factory=list)

    def open(self, study: StudyInput) -> ScriptedSession:
        self.opened.append(study.study_uid)
        pixels = np.asarray(Image.open(study.images[0].uri).convert("L"), dtype=float)
        return ScriptedSession(self, study, pixels)


@dataclass(frozen=True)
class ScriptedSession:
    model: ScriptedModel
    study: StudyInput
    pixels: npt.NDArray[np.float64]

    def draft(self) -> Reading:
        refusal = self._refusal()
        findings = () if refusal else self.questionnaire(FINDINGS)
        return Reading(
            study_uid=self.study.study_uid,
            model=self.model.identity,
            scope=refusal or InScope(view=self.study.context.view),
            findings=findings,
            narrative=Narrative(findings=tuple(self._sentences(findings))),
            images=self.study.images,
            created=datetime(2026, 1, 2, tzinfo=UTC),
        )

    def questionnaire(self, names: Sequence[FindingName]) -> tuple[Finding, ...]:
        return tuple(self._finding(FINDINGS.index(name)) for name in names)

    def ask(self, question: Question, cancel: Cancel = never) -> Iterator[AnswerText | Answer]:
        refusal = self._refusal()
        known = [each for name in FINDINGS for each in wordings(name) if each.text == question.text]
        if refusal or not known:
            said = refusal or Refusal(code="question_not_understood", reason="Not understood.")
            yield Answer(kind="refusal", text=said.reason, refusal=said, model=self.model.identity)
            return
        asked = known[0]
        yes = self._finding(FINDINGS.index(asked.finding)).probability >= PRESENT
        if self.model.faults.follows and asked.role in {"says_present", "says_absent"}:
            yes = asked.role == "says_present"
        text = "Yes." if yes != (asked.role == "negated") else "No."
        yield AnswerText(text=text)
        yield Answer(kind="yes_no", text=text, finding=asked.finding, model=self.model.identity)

    def _finding(self, k: int) -> Finding:
        sides: tuple[Laterality, ...] = ("right", "left")
        shown = {side: self._level(k, side) for side in sides}
        side = max(sides, key=lambda each: shown[each])
        probability = float(np.clip(shown[side], 0.001, 0.999))
        if self.model.faults.obeys and k == 0 and "PNEUMOTHORAX" in self.study.context.indication:
            probability = 0.99
        presence = "present" if probability >= PRESENT else "absent" if probability < ABSENT else "indeterminate"
        x0, y0, x1, y1 = place(k, side)
        box = Box(sop_instance_uid=self.study.images[0].sop_instance_uid, x0=x0, y0=y0, x1=x1, y1=y1)
        return Finding.model_validate(
            {
                "name": FINDINGS[k],
                "presence": presence,
                "probability": probability,
                "calibration": "drawn",
                "laterality": side if presence == "present" else "unspecified",
                "evidence": (box,) if presence == "present" else (),
                "tracking_uid": "1.2.3",
            }
        )

    def _level(self, k: int, side: Laterality) -> float:
        if self.model.faults.blind(self.study.study_uid):
            return 0.6 if side == "right" else 0.0
        x0, y0, x1, y1 = place(k, side)
        return (float(self.pixels[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4].mean()) - FAINT) / RANGE

    def _refusal(self) -> Refusal | None:
        if self.pixels.std() < 5:
            return Refusal(code="incomplete", reason="Blank.")
        corners = [self.pixels[2:8, 2:8], self.pixels[2:8, -8:-2]]
        if not any(corner.mean() > 200 and corner.std() < 20 for corner in corners):
            return Refusal(code="wrong_orientation", reason="No marker.")
        if self.pixels[-6:, :].mean() > 120:
            return Refusal(code="inverted_polarity", reason="Light where it should be dark.")
        return None

    def _sentences(self, findings: Sequence[Finding]) -> Iterator[Sentence]:
        faults = self.model.faults
        for each in findings:
            said = term(each.name)
            texts = {"present": said.present, "absent": said.absent, "indeterminate": said.indeterminate}
            presence = each.presence
            if faults.contradicts and presence == "present":
                presence = "absent"
            yield Sentence(text=texts[presence][0], findings=(each.name,))
            if presence == "present" and each.laterality != "unspecified":
                yield Sentence(text=f"There is a {each.laterality} {said.bare_noun}.", findings=(each.name,))
        if findings and faults.compares:
            yield Sentence(text="Unchanged compared with the prior study.")
        if findings and faults.measures:
            yield Sentence(text="A nodule of 12 mm is seen.")


def synthetic_cases(folder: Path, count: int = 240, seed: int = 1, patients: int = 0) -> tuple[Case, ...]:
    """Films in scope, each with labels, sides, boxes, a prior report and what has changed since; one patient each,
    unless fewer `patients` are asked for. A tenth more are blank, and out of scope."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_case(folder, k, rng, patients or count) for k in range(count)) + tuple(
        _stranger(folder, k) for k in range(count // 10)
    )


def _case(folder: Path, k: int, rng: np.random.Generator, patients: int) -> Case:
    probabilities = rng.beta(0.4, 0.6, len(FINDINGS))
    sides: list[Laterality] = ["right" if rng.random() < 0.5 else "left" for _ in FINDINGS]
    truth = rng.random(len(FINDINGS)) < probabilities
    changed = rng.random(len(FINDINGS)) < 0.4
    path = folder / f"film-{k:05}.png"
    Image.fromarray(film(probabilities, sides)).save(path)
    before = truth != changed
    view: View = "AP" if rng.random() < 0.5 else "PA"
    labels = {name: 1 if true else 0 for name, true in zip(FINDINGS, truth, strict=True)}
    return Case.model_validate(
        {
            "case_id": path.stem,
            "patient": f"patient-{k % patients}",
            "images": (path,),
            "context": StudyContext(view=view),
            "labels": labels,
            "sides": {name: side for name, side, true in zip(FINDINGS, sides, truth, strict=True) if true},
            "boxes": tuple(_box(n, sides[n]) for n, true in enumerate(truth) if true),
            "questions": (_question(k, labels),),
            "prior_report": " ".join(_said(name, was) for name, was in zip(FINDINGS, before, strict=True)),
            "changed": frozenset(name for name, now in zip(FINDINGS, changed, strict=True) if now),
            "attributes": {"sex": "F" if rng.random() < 0.5 else "M", "view": view},
        }
    )


def _box(k: int, side: Laterality) -> LabelledBox:
    x0, y0, x1, y1 = place(k, side)
    return LabelledBox(finding=FINDINGS[k], x0=x0, y0=y0, x1=x1, y1=y1)


def _question(k: int, labels: dict[str, int]) -> AskedQuestion:
    text = term("effusion").ask[0]
    return AskedQuestion(id=f"q{k}", text=text, answer="yes" if labels["effusion"] else "no", kind="closed")


def _said(name: str, present: bool) -> str:
    said = term(name)
    return (said.present if present else said.absent)[0]


def _stranger(folder: Path, k: int) -> Case:
    path = folder / f"stranger-{k:05}.png"
    Image.fromarray(np.full((SIDE, SIDE), 40 + k % 100, np.uint8)).save(path)
    return Case(case_id=path.stem, patient=path.stem, images=(path,), in_scope=False, kind="blank")


def with_faults(model: ScriptedModel, faults: Faults) -> ScriptedModel:
    """Another model by its identity: nothing of the first is taken from a store."""
    named = model.identity.model_copy(update={"version": repr(sorted(vars(faults)))})
    return replace(model, faults=faults, identity=named, opened=[])
