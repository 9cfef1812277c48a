"""One asking put to one model: files written, study opened, reading and answers taken."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from medvlm.client import ModelRefused
from medvlm.contract import Answer, ImageSource, Model, Question, StudyInput, StudySession
from medvlm.errors import ModelUnavailable
from medvlm.inputs import study_input
from validation.asking import Asking, Put
from validation.outputs import GivenAnswer, Output
from validation.robustness.files import write_altered

NOT_WRITTEN = "the image could not be altered"


def answer(model: Model, asking: Asking, key: str, work: Path, seed: int) -> Output:
    """What the model refuses to do for this study is an error of the output. Raises `ModelUnavailable`."""
    output = Output(case_id=asking.case.case_id, probe=asking.probe, key=key)
    with ExitStack() as written:
        try:
            study = study_of(asking, work, seed, written)
        except (OSError, ValueError, AttributeError, KeyError) as error:
            return output.model_copy(update={"error": f"{NOT_WRITTEN}: {type(error).__name__}"})
        try:
            session = model.open(study)
            reading = session.draft() if asking.draft else None
            return output.model_copy(update={"reading": reading, "answers": _answers(session, asking.questions)})
        except ModelUnavailable:
            raise
        except ModelRefused as error:
            return output.model_copy(update={"error": error.sentence})


def study_of(asking: Asking, work: Path, seed: int, written: ExitStack) -> StudyInput:
    """The study as it is shown; altered files lie in a folder of their own and are removed when `written` closes."""
    images = asking.shown
    if asking.alteration is not None:
        folder = Path(written.enter_context(TemporaryDirectory(dir=work)))
        images = tuple(write_altered(path, asking.alteration, folder, seed) for path in images)
    study = _study(images).model_copy(update={"context": asking.case.context})
    if not asking.case.prior:
        return study
    return study.model_copy(update={"prior": _study(asking.case.prior)})


def _study(paths: Sequence[Path]) -> StudyInput:
    studies = [study_input(path) for path in paths]
    images: tuple[ImageSource, ...] = tuple(image for study in studies for image in study.images)
    return studies[0].model_copy(update={"images": images})


def _answers(session: StudySession, questions: Sequence[Put]) -> tuple[GivenAnswer, ...]:
    return tuple(
        GivenAnswer(id=each.id, question=each.text, answer=answer)
        for each in questions
        if (answer := _last(session, each.text)) is not None
    )


def _last(session: StudySession, text: str) -> Answer | None:
    """The parts before the last are its text in pieces."""
    parts = list(session.ask(Question(text=text)))
    return parts[-1] if parts and isinstance(parts[-1], Answer) else None
