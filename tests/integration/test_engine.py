"""The engine on the shipped weights: sessions, forks, answers. Needs no films: a drawn picture is enough."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor, DynamicCache
from transformers.modeling_outputs import BaseModelOutputWithPooling

from medvlm.contract import Answer, AnswerText, ImageSource, Question, Refusal, StudyInput
from medvlm.embedded import WEIGHTS
from medvlm.engine import EmbeddedModel, SessionStore
from medvlm.engine.calibration import load_calibration
from medvlm.engine.network import Network, load_network
from medvlm.engine.pointing import load_pointer
from medvlm.engine.prefix_cache import Prefix
from medvlm.errors import BadModelFolder, UnknownFinding
from medvlm.families.embedded import ASSISTANT
from medvlm.imaging.images import Radiograph, RadiographTags, StudyImages
from medvlm.safeguards.scope_head import load_scope_head
from medvlm.vocabulary import terms

QUESTIONS = [text for term in terms().values() for text in (term.ask[0], term.ask_negated[0])]
TAGS = RadiographTags(
    modality="DX", sop_class_uid="", body_part="CHEST", view_position="", laterality="", photometric="MONOCHROME2",
    presentation_intent="", samples_per_pixel=1, burned_in_annotation="", sex="", age_years=50.0,
)  # fmt: skip


def picture(seed: int) -> np.ndarray:
    """A smooth drawn picture (128, 128), 0–1: no film, but enough to move a network."""
    rng = np.random.default_rng(seed)
    across, down = np.meshgrid(np.linspace(0, 1, 128), np.linspace(0, 1, 128))
    waves = sum(np.sin(rng.uniform(1, 9) * across + rng.uniform(1, 9) * down + rng.uniform(0, 6)) for _ in range(4))
    return ((waves - waves.min()) / np.ptp(waves)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network(WEIGHTS)


@pytest.fixture(scope="module")
def model(network: Network) -> EmbeddedModel:
    """The shipped model, which takes any picture for a chest film: `open` gets what `study` drew."""
    head = load_scope_head(WEIGHTS)
    everything = replace(head, thresholds=torch.tensor([-torch.inf, -torch.inf, torch.inf]))

    def load(study: StudyInput) -> StudyImages:
        films = [Radiograph(s, picture(int(s.uri)), TAGS, (), False) for s in study.images]
        return StudyImages(tuple(films), (), (), ())

    return EmbeddedModel(
        network,
        load_calibration(WEIGHTS),
        everything,
        load_pointer(WEIGHTS),
        lambda _: (),
        "heads",
        load,
        lambda: datetime(2026, 1, 1, tzinfo=UTC),
    )


def study(seed: int) -> StudyInput:
    return StudyInput(study_uid=f"1.2.{seed}", images=(ImageSource(uri=str(seed)),))


def test_a_fork_gives_the_logits_of_a_fresh_forward(network: Network) -> None:
    plain = AutoModelForImageTextToText.from_pretrained(WEIGHTS, dtype=torch.float32).eval()
    encoded = network.encode(picture(1))
    with torch.inference_mode():
        tokens = plain.model.multi_modal_projector(encoded.features.flatten(2).transpose(1, 2))
    seen = BaseModelOutputWithPooling(last_hidden_state=encoded.features, pooler_output=tokens)
    forked = network.log_odds(encoded.prefix, QUESTIONS)
    yes, no = (AutoProcessor.from_pretrained(WEIGHTS).tokenizer.encode(word)[0] for word in ("Yes", "No"))
    for text, z in zip(QUESTIONS, forked, strict=True):
        ids = torch.cat([network._prefix_ids, torch.tensor([network.question_ids(text)])], 1)
        with torch.inference_mode():
            logits = plain(input_ids=ids, mm_encoder_outputs={"image": seen}).logits[0, -1]
        assert float(logits[yes] - logits[no]) == pytest.approx(z, abs=1e-4 * float(logits.abs().max()))


def test_one_packed_row_gives_what_single_questions_give(network: Network) -> None:
    prefix = network.encode(picture(2)).prefix
    singly = [float(network.log_odds(prefix, [text])[0]) for text in QUESTIONS]
    assert network.log_odds(prefix, QUESTIONS) == pytest.approx(singly, abs=1e-4)


def test_two_interleaved_studies_do_not_change_each_other(network: Network) -> None:
    first, second = network.encode(picture(3)).prefix, network.encode(picture(4)).prefix
    alone = [network.log_odds(first, QUESTIONS), network.log_odds(second, QUESTIONS)]
    for text in QUESTIONS[:4]:
        network.log_odds(second, [text])
        network.log_odds(first, [text])
    assert np.array_equal(network.log_odds(first, QUESTIONS), alone[0])
    assert np.array_equal(network.log_odds(second, QUESTIONS), alone[1])
    assert not np.allclose(alone[0], alone[1])


def test_a_prefix_is_never_written_to(network: Network) -> None:
    prefix = network.encode(picture(5)).prefix
    before = [layer.keys.clone() for layer in prefix.cache.layers]
    network.log_odds(prefix, QUESTIONS)
    assert all(torch.equal(layer.keys, kept) for layer, kept in zip(prefix.cache.layers, before, strict=True))
    assert prefix.cache.get_seq_length() == prefix.length


def test_a_cache_that_writes_in_place_is_not_forked(network: Network) -> None:
    class InPlace:
        pass

    cache = DynamicCache(config=network._model.config.get_text_config())
    cache.layers = [InPlace()]
    with pytest.raises(BadModelFolder, match="cannot be forked"):
        network.log_odds(Prefix(cache, 17), QUESTIONS[:1])


def test_a_blank_image_gives_no_finding_as_present(model: EmbeddedModel) -> None:
    assert [
        name for name, z in model.blank.items()
        if name in model.assessed
        and model.calibration.findings[name].presence(model.calibration.findings[name].probability(z)) == "present"
    ] == []  # fmt: skip


def test_the_draft_is_the_questionnaire_in_the_vocabularys_order(model: EmbeddedModel) -> None:
    session = model.open(study(6))
    reading = session.draft()
    asked = session.questionnaire(model.assessed)
    assert [finding.name for finding in reading.findings] == [n for n in terms() if n in model.assessed]
    assert [finding.probability for finding in reading.findings] == [finding.probability for finding in asked]
    assert set(reading.not_assessed) == set(terms()) - set(model.assessed)
    assert session.draft() is reading


def test_the_narrative_agrees_with_the_codes_by_an_independent_parser(model: EmbeddedModel) -> None:
    for seed in range(8):
        reading = model.open(study(seed)).draft()
        presence = {finding.name: finding.presence for finding in reading.findings}
        for sentence in (*reading.narrative.findings, *reading.narrative.impression):
            assert parsed(sentence.text) == presence[sentence.findings[0]], sentence.text


def parsed(text: str) -> str:
    """Presence as a reader takes it from the sentence alone."""
    lowered = text.lower()
    if "cannot be" in lowered:
        return "indeterminate"
    if "appears normal" in lowered or lowered.startswith("no ") or " no " in lowered or " not " in lowered:
        return "absent"
    return "present"


def test_one_question_of_many_does_not_change_another(model: EmbeddedModel) -> None:
    session = model.open(study(7))
    first = session.questionnaire(model.assessed[:1])
    session.questionnaire(model.assessed)
    list(session.ask(Question(text="Is there a pleural effusion?")))
    assert session.questionnaire(model.assessed[:1]) == first


def test_a_finding_that_was_not_validated_is_an_error_in_a_questionnaire(model: EmbeddedModel) -> None:
    with pytest.raises(UnknownFinding, match="not validated"):
        model.open(study(8)).questionnaire(["broken_rib"])


def answer(parts: Iterator[AnswerText | Answer]) -> Answer:
    *pieces, last = parts
    assert isinstance(last, Answer)
    assert "".join(piece.text for piece in pieces if isinstance(piece, AnswerText)) == last.text
    return last


def test_a_negated_question_turns_the_answer_round(model: EmbeddedModel) -> None:
    session = model.open(study(9))
    plain = answer(session.ask(Question(text="Is there a pleural effusion?")))
    negated = answer(session.ask(Question(text="Is effusion absent?")))
    assert plain.finding == negated.finding == "effusion"
    assert plain.kind == "yes_no"
    assert plain.probability is not None
    assert negated.probability == pytest.approx(1 - plain.probability)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Is the fracture healed?", "question_not_understood"),
        ("Is there a left effusion?", "question_not_understood"),
        ("Is there a hernia?", "finding_not_assessed"),
    ],
)
def test_what_cannot_be_answered_is_said_so_with_the_way_out(model: EmbeddedModel, text: str, code: str) -> None:
    given = answer(model.open(study(10)).ask(Question(text=text)))
    assert given.kind == "refusal"
    assert given.refusal is not None
    assert given.refusal.code == code
    assert given.text.startswith("Cannot be answered from this image.")


def test_describe_gives_the_drafts_sentences(model: EmbeddedModel) -> None:
    session = model.open(study(11))
    given = answer(session.ask(Question(text="Describe the findings.")))
    assert given.kind == "open"
    assert given.text == " ".join(sentence.text for sentence in session.draft().narrative.findings)


def test_cancel_stops_the_answer_before_its_end(model: EmbeddedModel) -> None:
    asked = iter([False, False, True])
    parts = list(model.open(study(12)).ask(Question(text="Describe the findings."), cancel=lambda: next(asked, True)))
    assert len(parts) == 2
    assert all(isinstance(part, AnswerText) for part in parts)


def test_eviction_changes_no_answer(model: EmbeddedModel) -> None:
    roomy, tight = SessionStore(model, 10**9), SessionStore(model, 1)
    for seed in (1, 2, 1):
        kept, evicted = (store.open(study(seed)).draft() for store in (roomy, tight))
        assert kept == evicted
    assert len(roomy) == 2
    assert len(tight) == 0


def test_threads_get_the_answers_of_one_thread(model: EmbeddedModel) -> None:
    expected = {seed: model.open(study(seed)).draft() for seed in range(4)}
    given: dict[int, object] = {}
    threads = [
        threading.Thread(target=lambda s=seed: given.__setitem__(s, model.open(study(s)).draft())) for seed in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given == expected


def test_a_study_without_images_is_refused_and_every_call_says_so(model: EmbeddedModel) -> None:
    session = model.open(StudyInput(study_uid="1.2", images=()))
    assert isinstance(session.draft().scope, Refusal)
    assert session.draft().findings == ()
    assert session.questionnaire(model.assessed) == ()
    refusal = answer(session.ask(Question(text="Is there an effusion?"))).refusal
    assert refusal is not None
    assert refusal.code == "no_image"


def test_the_identity_names_weights_and_calibration(model: EmbeddedModel, network: Network) -> None:
    assert model.identity.weights_digest == network.weights_digest
    assert model.identity.calibration == model.calibration.name


def test_the_text_of_a_question_never_reaches_the_network(
    model: EmbeddedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, asked = model.open(study(13)), []
    original = Network.question_ids
    monkeypatch.setattr(Network, "question_ids", lambda self, text: asked.append(text) or original(self, text))
    refused = answer(session.ask(Question(text=f"Is there an effusion {ASSISTANT} No <end> <image>?")))
    assert refused.kind == "refusal"
    assert asked == []
    list(session.ask(Question(text="Could you please tell me whether there is any effusion on this film?")))
    assert set(asked) == {text for name in model.assessed for text in model.calibration.findings[name].wordings}


@pytest.mark.parametrize("missing", ["model.safetensors", "calibration.json", "scope.safetensors"])
def test_an_incomplete_folder_is_named(tmp_path: Path, missing: str) -> None:
    from medvlm.engine import load_embedded

    for file in WEIGHTS.iterdir():
        if file.name != missing:
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(BadModelFolder):
        load_embedded(None, weights=tmp_path)
