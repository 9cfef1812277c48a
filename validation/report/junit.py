"""Verdicts as JUnit XML, for a build server: one case a criterion. Undecided is a failure of a type of its own.

Source of the format: the schema of the Jenkins xUnit plugin (junit-10.xsd), which build servers read.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from validation.report.words import demand, interval, number, what_would_decide
from validation.results import CriterionResult, Run


def junit(run: Run) -> bytes:
    protocol = str(run.protocol.get("id", "protocol"))
    failed = sum(each.outcome != "met" for each in run.criteria)
    seconds = f"{(run.finished - run.started).total_seconds():.3f}"
    sums = {"tests": str(len(run.criteria)), "failures": str(failed), "errors": "0", "time": seconds}
    root = Element("testsuites", {"name": "medvlm-validate", **sums})
    suite = SubElement(root, "testsuite", {"name": protocol, "timestamp": run.started.isoformat(), **sums})
    facts = SubElement(suite, "properties")
    for name, value in _facts(run).items():
        SubElement(facts, "property", {"name": name, "value": value})
    for each in run.criteria:
        _case(suite, protocol, each)
    indent(root)
    return tostring(root, encoding="utf-8", xml_declaration=True)


def _facts(run: Run) -> dict[str, str]:
    data = {f"data.{name}": digest for name, digest in run.data.items()}
    return {"protocol": run.protocol_hash, "model": run.model.digest, "seed": str(run.seed), **data}


def _case(suite: Element, protocol: str, criterion: CriterionResult) -> None:
    case = SubElement(
        suite, "testcase", {"classname": f"medvlm-validate.{protocol}", "name": criterion.id, "time": "0"}
    )
    said = _said(criterion)
    if criterion.outcome == "met":
        SubElement(case, "system-out").text = said
        return
    failure = SubElement(case, "failure", {"type": criterion.outcome, "message": f"{criterion.outcome}: {said}"})
    failure.text = ". ".join(filter(None, (said, criterion.words, what_would_decide(criterion))))


def _said(criterion: CriterionResult) -> str:
    bounds = interval(criterion.low, criterion.high)
    counts = f"n {criterion.n}, positives {criterion.positives}, patients {criterion.patients}"
    return f"{demand(criterion)}: {number(criterion.value)} ({bounds or 'no interval'}; {counts})"
