"""Tasks by their name in a protocol; what all of them ask together, and what they say together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from validation.asking import Asking
from validation.outputs import Said
from validation.tasks.change import Change
from validation.tasks.coded_findings import CodedFindings
from validation.tasks.drafts import Drafts
from validation.tasks.examination import Examination, Judged, Task, together
from validation.tasks.faithfulness.altered_images import AlteredImages
from validation.tasks.faithfulness.asked import Wordings
from validation.tasks.faithfulness.injections import Injections
from validation.tasks.faithfulness.swaps import ImageSwap, PriorSwap
from validation.tasks.grounding import Grounding
from validation.tasks.question_answering import QuestionAnswering
from validation.tasks.refusals import Refusals
from validation.tasks.robustness_curves import Robustness

TASKS: Mapping[str, tuple[Task, ...]] = {
    "detection": (CodedFindings(), Change()),
    "draft": (Drafts(),),
    "questions": (QuestionAnswering(),),
    "grounding": (Grounding(),),
    "refusal": (Refusals(),),
    "faithfulness": (ImageSwap(), PriorSwap(), AlteredImages(), Wordings(), Injections()),
    "robustness": (Robustness(),),
}


def all_askings(names: Sequence[str], examination: Examination) -> Iterator[Asking]:
    """Each (probe, case) once, however many tasks look at it."""
    seen: set[tuple[str, str]] = set()
    for asking in (each for task in _tasks(names) for each in task.askings(examination)):
        if (asking.probe, asking.case.case_id) not in seen:
            seen.add((asking.probe, asking.case.case_id))
            yield asking


def judge_all(names: Sequence[str], examination: Examination, said: Said) -> Judged:
    return together(task.judge(examination, said) for task in _tasks(names))


def _tasks(names: Sequence[str]) -> Iterable[Task]:
    return (task for name in TASKS if name in names for task in TASKS[name])
