"""The report labeller on 394 sentences of our own writing, and on whole reports.

Measured before a rule was changed for them: all of finding, state and side right in 325 of the first 334 sentences
(written before the rules, by the same hand), and in 51 of the 60 marked held_out (written after). The bars below are
those of a regression test, not evidence on the reports of a hospital.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medvlm.vocabulary import terms
from validation.metrics.label_f1 import FOURTEEN
from validation.metrics.report_labeller.label_sets import fourteen, with_parents
from validation.metrics.report_labeller.labeller import label_report
from validation.metrics.report_labeller.rules import english_rules

QUICK = settings(deadline=None, max_examples=40)

SENTENCES = Path(__file__).with_name("report_sentences.tsv")
STATES = {"+": "positive", "-": "negative", "?": "uncertain"}
SIDES = {"L": "left", "R": "right", "B": "bilateral", "": ""}

Said = set[tuple[str, str, str]]


def labelled_sentences() -> list[tuple[str, str, Said]]:
    """Rule, sentence, and what it says: finding, state, side."""
    with SENTENCES.open(newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["rule"], row["sentence"], _said(row["labels"])) for row in rows]


def _said(labels: str) -> Said:
    parts = [re.fullmatch(r"(\w+?)([+?-])([LRB]?)", each) for each in labels.split() if each != "~"]
    assert all(parts)
    return {(each[1], STATES[each[2]], SIDES[each[3]]) for each in parts if each}


def found_in(text: str) -> Said:
    return {(each.finding, each.state, each.side) for each in label_report(text).mentions}


def f1_of(pairs: list[tuple[bool, bool]]) -> float:
    count = Counter(pairs)
    return 2 * count[True, True] / (2 * count[True, True] + count[True, False] + count[False, True])


def test_there_are_enough_sentences_of_every_rule() -> None:
    counts = Counter(rule for rule, _, _ in labelled_sentences())
    assert sum(counts.values()) >= 300
    assert all(count >= 19 for count in counts.values())


@pytest.mark.parametrize(("state", "bar"), [("positive", 0.95), ("negative", 0.95), ("uncertain", 0.90)])
def test_each_state_reaches_its_bar(state: str, bar: float) -> None:
    pairs = []
    for _, sentence, wanted in labelled_sentences():
        got = {finding for finding, seen, _ in found_in(sentence) if seen == state}
        want = {finding for finding, seen, _ in wanted if seen == state}
        pairs.extend((finding in want, finding in got) for finding in want | got)
    assert f1_of(pairs) >= bar


def test_each_finding_is_mentioned_where_it_is_and_nowhere_else() -> None:
    pairs: dict[str, list[tuple[bool, bool]]] = {}
    for _, sentence, wanted in labelled_sentences():
        want, got = ({finding for finding, _, _ in each} for each in (wanted, found_in(sentence)))
        for finding in want | got:
            pairs.setdefault(finding, []).append((finding in want, finding in got))
    assert {finding: f1 for finding, each in pairs.items() if (f1 := f1_of(each)) < 0.95} == {}


@pytest.mark.parametrize("rule", sorted({rule for rule, _, _ in labelled_sentences()} - {"held_out"}))
def test_the_sentences_of_a_rule_are_read_as_they_are_meant(rule: str) -> None:
    wrong = [text for each, text, wanted in labelled_sentences() if each == rule and found_in(text) != wanted]
    assert wrong == []


def test_the_rules_know_every_finding_of_the_vocabulary_and_every_label_of_the_set() -> None:
    rules = english_rules()
    names = {rule.name for rule in rules.findings}
    assert set(terms()) <= names
    assert {rule.fourteen for rule in rules.findings} - {""} == set(FOURTEEN) - {"no_finding"}
    assert {name for statement in rules.statements for name in statement.absent} <= names


def test_present_beats_uncertain_beats_absent_over_a_report() -> None:
    report = label_report(
        "No effusion. A small effusion cannot be excluded. Pneumothorax is possible. No pneumothorax."
    )
    assert report.states == {"effusion": "uncertain", "pneumothorax": "uncertain"}
    assert label_report("No effusion. Left effusion.").states == {"effusion": "positive"}


def test_sections_that_ask_are_not_read() -> None:
    report = label_report("INDICATION: pneumonia?\nCOMPARISON: None.\nFINDINGS: Lungs are clear.\nIMPRESSION: Edema.")
    assert report.states == {"airspace_opacity": "negative", "consolidation": "negative", "edema": "positive"}


def test_words_of_comparison_and_measurements_are_told() -> None:
    report = label_report("Unchanged 2.5 cm nodule, new since the previous film. The tip is 4 cm above the carina.")
    assert report.comparison == ("unchanged", "new", "previous")
    assert report.measurements == ("2.5 cm", "4 cm")
    assert label_report("A nodule.").comparison == label_report("A nodule.").measurements == ()


def test_the_severity_and_the_side_belong_to_their_finding() -> None:
    report = label_report("Large right effusion and mild left atelectasis.")
    assert [(each.finding, each.severity, each.side) for each in report.mentions] == [
        ("effusion", "large", "right"),
        ("atelectasis", "mild", "left"),
    ]
    assert report.sides("effusion") == {"right"}


@pytest.mark.parametrize(
    "text",
    [
        "Sin derrame pleural ni neumotórax. Corazón de tamaño normal.",
        "Kein Pleuraerguss, kein Pneumothorax. Das Herz ist nicht vergrößert.",
        "Pas d'épanchement pleural. Le coeur est de taille normale.",
    ],
)
def test_another_language_is_said_and_not_guessed(text: str) -> None:
    report = label_report(text)
    assert report.language == "not supported"
    assert report.mentions == ()
    assert fourteen(report) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The lungs are clear. No effusion.", True),
        ("The lungs are clear. Pacemaker in place.", True),
        ("The lungs are clear. Possible effusion.", False),
        ("The lungs are clear. Scoliosis.", False),
        ("There is an acute abnormality.", False),
    ],
)
def test_no_finding_stands_only_where_nothing_else_does(text: str, expected: bool) -> None:
    assert ("no_finding" in fourteen(label_report(text))) == expected


def test_labels_of_the_set_merge_what_they_include() -> None:
    labels = fourteen(label_report("No mass. Left nodule. Infiltrate. Enlarged heart."))
    assert labels == {"lung_lesion": "positive", "lung_opacity": "positive", "cardiomegaly": "positive"}
    assert with_parents({"edema": "uncertain", "cardiomegaly": "negative"}) == {
        "edema": "uncertain",
        "cardiomegaly": "negative",
        "lung_opacity": "uncertain",
    }


@QUICK
@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert label_report(text).language in {"english", "not supported"}


@QUICK
@given(st.lists(st.sampled_from(["no", "effusion", "or", ",", "the", "is", "not", "seen", "left", "."]), max_size=60))
def test_every_mention_is_one_of_the_text(parts: list[str]) -> None:
    text = " ".join(parts)
    assert len(label_report(text).mentions) == parts.count("effusion")
