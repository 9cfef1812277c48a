"""The protocol of the embedded default and its committed result belong together, and hold nothing of a patient."""

from __future__ import annotations

import re
from pathlib import Path

from validation.protocol import Protocol, protocol_hash, read_protocol, verdicts
from validation.report.writing import read_run
from validation.results import Run

PROTOCOLS = Path(__file__).resolve().parents[3] / "validation" / "protocols"


def shipped() -> tuple[Protocol, Run]:
    return read_protocol(PROTOCOLS / "embedded_chest.yaml"), read_run(PROTOCOLS / "embedded_chest.result.json")


def test_the_protocol_was_locked_before_the_result() -> None:
    protocol, run = shipped()
    assert protocol.lock
    assert protocol.lock.locked < run.started < run.finished


def test_the_result_is_of_this_protocol_model_and_data() -> None:
    protocol, run = shipped()
    assert run.protocol_hash == protocol_hash(protocol) == protocol_hash(Protocol.model_validate(run.protocol))
    model = protocol.model
    assert (run.model.weights_digest, run.model.profile) == (model.weights, model.profile)
    assert run.data == {entry.name: entry.digest for entry in protocol.data}


def test_the_verdicts_follow_from_the_figures() -> None:
    protocol, run = shipped()
    assert run.criteria == verdicts(protocol, run.figures)


def test_every_criterion_has_its_figure() -> None:
    _, run = shipped()
    assert not [each.id for each in run.criteria if each.value is None]


def test_the_result_names_no_case_and_no_place() -> None:
    _, run = shipped()
    text = (PROTOCOLS / "embedded_chest.result.json").read_text()
    assert run.failures == ()
    assert not re.search(r"\d{8}_\d{3}|\"/[a-z]", text)
    assert len(text) < 300_000
