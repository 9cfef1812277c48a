import random

import pytest
import torch

from medvlm.train.films import FINDINGS
from medvlm.train.instruction_rows import IGNORED, RowBuilder, packed_mask
from medvlm.train.language import closed_question, report, wordings
from medvlm.train.tokenizer import train_tokenizer
from medvlm.vocabulary import terms

TOKENIZER = train_tokenizer(1024)


def test_findings_are_asked_in_the_order_of_the_vocabulary() -> None:
    assert tuple(terms()) == FINDINGS


def test_no_wording_asks_both_for_presence_and_for_absence() -> None:
    asked = [text for term in terms().values() for text in wordings(term, False)]
    negated = [text for term in terms().values() for text in wordings(term, True)]
    assert not set(asked) & set(negated)
    assert len(asked) == len(set(asked))


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


def _batch():  # type: ignore[no-untyped-def]
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
