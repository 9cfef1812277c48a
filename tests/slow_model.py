"""A model that writes its answers slowly and leaves a trace of every word: to see when it was stopped.

`python -m tests.slow_model PORT FILE` serves it by the real model server. A question about "silence" gets no word for
long, one about "failure" breaks off after the first.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from medvlm.contract import Answer, AnswerText, Cancel, ImageSource, Question, StudyInput, never
from medvlm.serve import app
from tests.scripted_model import IDENTITY, ScriptedModel, ScriptedSession

WORD_SECONDS = 0.05
WORDS = 400


class SlowSession(ScriptedSession):
    def __init__(self, study: StudyInput, trace: Path) -> None:
        super().__init__(study)
        self._trace = trace

    def ask(self, question: Question, cancel: Cancel = never) -> Iterator[AnswerText | Answer]:
        for number in range(WORDS):
            if cancel():
                return
            with self._trace.open("a") as trace:
                trace.write(f"{number}\n")
            if "silence" not in question.text:
                yield AnswerText(text=f"word{number} ")
            if "failure" in question.text:
                raise RuntimeError("the tensor of patient X is broken")
            time.sleep(WORD_SECONDS)
        yield Answer(kind="open", text="All said.", model=IDENTITY)


class SlowModel(ScriptedModel):
    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def open(self, study: StudyInput) -> SlowSession:
        return SlowSession(study, self._trace)

    def preview(self, source: ImageSource) -> bytes:
        return ScriptedModel().preview(source)


if __name__ == "__main__":
    model = SlowModel(Path(sys.argv[2]))
    uvicorn.run(app(model, model.preview), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
