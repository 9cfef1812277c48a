import itertools
import random
import re

import pytest
import torch

from medvlm.train.films import FINDINGS
from medvlm.train.instruction_rows import IGNORED, RowBuilder, Rows, packed_mask
from medvlm.train.language import closed_question, corpus, held_out, report, wordings
from medvlm.train.tokenizer import train_tokenizer
from medvlm.vocabulary import terms

TOKENIZER = train_tokenizer(1024)


def test_findings_are_asked_in_the_order_of_the_vocabulary() -> None:
    assert tuple(terms()) == FINDINGS


def test_every_wording_asks_one_thing_of_one_finding() -> None:
    asked = [
        text.lower()
        for term in terms().values()
        for negated in (False, True)
        for text in (*wordings(term, negated), *held_out(term, negated))
    ]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("name", FINDINGS)
def test_every_finding_is_asked_in_many_wordings_and_some_are_kept_from_training(name: str) -> None:
    term = terms()[name]
    assert len(wordings(term, False)) + len(held_out(term, False)) >= 12
    assert len(wordings(term, True)) + len(held_out(term, True)) >= 8
    assert (len(held_out(term, False)), len(held_out(term, True))) == (2, 1)


def test_what_is_held_out_is_never_asked_in_training() -> None:
    rng = random.Random(1)
    asked = {closed_question(number, rng).text for number in range(len(FINDINGS)) for _ in range(600)}
    kept = {text for term in terms().values() for negated in (False, True) for text in held_out(term, negated)}
    trained = {text for term in terms().values() for negated in (False, True) for text in wordings(term, negated)}
    assert len(kept) == 3 * len(FINDINGS)
    assert asked == trained
    assert not asked & kept


def test_what_is_held_out_is_put_in_words_that_were_trained_on() -> None:
    trained = {
        word for term in terms().values() for negated in (False, True) for text in wordings(term, negated)
        for word in _words(text)
    }  # fmt: skip
    for term in terms().values():
        assert {word for text in (*held_out(term, False), *held_out(term, True)) for word in _words(text)} <= trained


def test_an_article_stands_before_its_noun_once_and_in_the_right_form() -> None:
    for line in corpus():
        words = _words(line)
        for first, second in itertools.pairwise(words):
            assert not (first in {"a", "an", "no", "any"} and second in {"a", "an", "any"}), line
            assert first not in {"a", "an"} or (first == "an") == (second[0] in "aeiou"), line


def test_the_tokenizer_knows_what_is_held_out() -> None:
    for term in terms().values():
        assert {*held_out(term, False), *held_out(term, True)} <= set(corpus())


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def test_questions_vary_in_wording_and_polarity() -> None:
    rng = random.Random(0)
    questions = [closed_question(3, rng) for _ in range(200)]
    assert len({question.text for question in questions}) >= 8
    assert 40 < sum(question.negated for question in questions) < 110


@pytest.mark.parametrize("present", [[], ["effusion"], ["effusion", "mass", "nodule"]])
def test_a_report_states_what_is_present_and_never_denies_it(present: list[str]) -> None:
    labels = [float(name in present or (name == "abnormality" and bool(present))) for name in FINDINGS]
    for seed in range(20):
        said = report(labels, True, random.Random(seed))
        for name in present:
            assert any(text in said for text in terms()[name].present)
            assert not any(text in said for text in terms()[name].absent)


def test_yes_and_no_are_one_token_and_survive_the_text() -> None:
    assert [TOKENIZER.decode(TOKENIZER.encode(word)) for word in ("Yes", "No")] == ["Yes", "No"]
    assert {len(TOKENIZER.encode(word)) for word in ("Yes", "No", "PA", "AP")} == {1}


def test_a_text_outside_the_corpus_is_encoded_without_loss() -> None:
    text = "Ärztlich: 7 × 4 mm — noduł?"
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def _batch() -> Rows:
    builder, rng = RowBuilder(TOKENIZER, 16), random.Random(1)
    labels = [1.0] * len(FINDINGS)
    return builder.batch([builder.row(labels, False, 4, True, rng), builder.row(labels, True, 2, False, rng)])


def test_a_packed_question_sees_the_image_and_itself_only() -> None:
    batch = _batch()
    seen = packed_mask(batch.blocks, torch.float32)[0, 0] == 0
    blocks = batch.blocks[0]
    for query in range(len(blocks)):
        if blocks[query] > 0:
            assert set(blocks[seen[query]].tolist()) == {0, int(blocks[query])}
        assert not seen[query, query + 1 :].any()


def test_positions_restart_behind_the_image_for_each_question() -> None:
    batch = _batch()
    for number in range(1, int(batch.blocks[0].max()) + 1):
        places = batch.positions[0][batch.blocks[0] == number]
        assert places.tolist() == list(range(17, 17 + len(places)))


def test_every_closed_question_is_read_at_its_last_token_and_teaches_no_word() -> None:
    batch = _batch()
    assistant = TOKENIZER.convert_tokens_to_ids("<assistant>")
    for (row, column, _), _sign in zip(batch.asked.tolist(), batch.sign, strict=True):
        assert batch.ids[row, column] == assistant
        assert batch.targets[row, column] == IGNORED
