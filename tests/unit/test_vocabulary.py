"""The vocabulary: every finding has its words, no denied code is in it, keywords point at one finding."""

from __future__ import annotations

import re

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
        assert all((one.ask, one.ask_more, one.ask_negated))
        assert len(one.ask) in {3, 4}  # each is asked of every film: few, and the same ones in training and service
        assert (len(one.ask_held_out), len(one.ask_negated_held_out)) == (2, 1)
        assert len(set(one.present)) >= 5
        assert len(set(one.absent)) >= 5
        assert len(set(one.indeterminate)) >= 2


def test_no_sentence_states_two_things() -> None:
    said = [text for one in terms().values() for text in (*one.present, *one.absent, *one.indeterminate)]
    assert len(said) == len(set(said))


# What a label of presence cannot carry: side, place, size, number, course, comparison.
UNCLAIMED = re.compile(
    r"\b(left|right|bilateral|unilateral|both|upper|lower|middle|lobe|apical|basal|base|small|mild|moderate|severe"
    r"|marked|massive|cm|mm|two|several|multiple|new|unchanged|stable|worse\w*|increasing|prior|previous)\b"
)


def test_no_sentence_claims_a_side_a_size_or_a_course() -> None:
    for one in terms().values():
        for text in (*one.present, *one.absent, *one.indeterminate):
            assert not UNCLAIMED.search(text.lower()), text


@pytest.mark.parametrize(("noun", "bare"), [("a mass", "mass"), ("an infiltrate", "infiltrate"), ("edema", "edema")])
def test_a_noun_loses_its_article_after_no(noun: str, bare: str) -> None:
    assert term("mass").model_copy(update={"noun": noun}).bare_noun == bare


def test_an_unknown_name_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(UnknownFinding, match="effusion"):
        term("broken_rib")
