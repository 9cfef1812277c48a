"""All rules over one object, and the refusal of an object that breaks one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydicom.dataset import Dataset

from dicom_node.errors import Edge, NodeError
from dicom_node.report.header import read_text
from dicom_node.report.sr_lint.problem import Problem
from dicom_node.report.sr_lint.rules import RULES
from dicom_node.report.sr_lint.subject import subject


class ReportFailedLint(NodeError):
    """A result object breaks a rule of the lint and must not leave. `problems` says all of it."""

    code: ClassVar[str] = "report_failed_lint"
    edge: ClassVar[Edge] = Edge(dimse=0xC000, http=500, exit=3)

    def __init__(self, sop_instance_uid: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        broken = "; ".join(f"{it.rule}: {it.what}, at {it.where}" for it in problems[:3])
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        super().__init__(
            f"the result object is not sent, for it fails our own check: {broken}{more}",
            where=sop_instance_uid,
            way_out="Tell the makers; `dicom-node retry` reads the study again.",
        )

    @property
    def rules(self) -> list[str]:
        """The codes of the rules that are broken."""
        return list(dict.fromkeys(it.rule for it in self.problems))


def lint(document: Dataset, sources: Sequence[Dataset] = ()) -> tuple[Problem, ...]:
    """What is wrong with the object, in the order of the rules; () for a clean one.

    `sources` are headers of the images that it speaks of. Without them the rules that compare with images pass.
    """
    under_test = subject(document, sources)
    return tuple(
        Problem(rule.code, fault.what, fault.where, rule.way_out)
        for rule in RULES
        if rule.applies(under_test)
        for fault in rule.check(under_test)
    )


def require_clean(document: Dataset, sources: Sequence[Dataset] = ()) -> None:
    """Raises `ReportFailedLint` with everything that is wrong."""
    if problems := lint(document, sources):
        raise ReportFailedLint(read_text(document, "SOPInstanceUID"), problems)
