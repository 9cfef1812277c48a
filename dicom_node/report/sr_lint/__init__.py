"""The lint of result objects: what public validators miss, as pure rules (`rules.py` lists them all).

In: a document and the headers of the images that it speaks of. Out: problems, each with rule, place and way out.
`require_clean` is the gate before delivery: an object with a problem is not sent.
"""

from dicom_node.report.sr_lint.gate import ReportFailedLint, lint, require_clean
from dicom_node.report.sr_lint.problem import Problem
from dicom_node.report.sr_lint.rules import RULES, Rule

__all__ = ["RULES", "Problem", "ReportFailedLint", "Rule", "lint", "require_clean"]
