"""The vocabulary: every finding has its words, no denied code is in it, keywords point at one finding."""

from __future__ import annotations

import pytest

from medvlm.errors import UnknownFinding
from medvlm.vocabulary import term, terms

EMBEDDED = {
    "abnormality", "airspace_opacity", "atelectasis", "cardiomegaly", "consolidation", "edema", "effusion",
    "emphysema", "fibrosis", "hernia", "infiltration", "mass", "nodule", "pleural_thickening", "pneumonia",
    "pneumothorax",
}  # fmt: skip

# Seen in public code for these findings, and wrong or ambiguous there.
DENIED = {"287272002", "416940007", "309529002", "129614006", "60567007", "78381009", "9494007", "73122008"}


def test_the_findings_of_the_embedded_model_are_there() -> None:
    assert set(terms()) == EMBEDDED


def test_no_denied_code_is_used() -> None:
    assert {one.code.value for one in terms().values() if one.code} & DENIED == set()


def test_a_finding_without_a_confirmed_code_has_none() -> None:
    assert term("pleural_thickening").code is None
    assert all(one.code.grade in "AB" for one in terms().values() if one.code)


def test_no_keyword_names_two_findings() -> None:
    words = [word for one in terms().values() for word in one.keywords]
    assert len(words) == len(set(words))


def test_every_finding_can_be_asked_both_ways_and_stated_three_ways() -> None:
    for one in terms().values():
        assert all((one.ask, one.ask_negated, one.present, one.absent, one.indeterminate))


def test_an_unknown_name_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(UnknownFinding, match="effusion"):
        term("broken_rib")
