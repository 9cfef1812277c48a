"""Prefixes encoded once, on each family's real class at reduced size: a fork equals a call that starts anew."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel, StaticCache

from medvlm.engine.packed_batch import Row, ends
from medvlm.engine.prefix_cache import Prefix, fork
from medvlm.engine.vision_language import VisionLanguage
from medvlm.errors import BadModelFolder
from tests.tiny_models import TINY, Pixels, Tiny, plain_inputs

VOCABULARY, IMAGE = 300, 299
QUESTIONS = ((11, 12, 13), (21, 22, 23, 24, 25), (31,))
TOLERANCE = 1e-4
"""Of the largest logit, in float32."""


@dataclass(frozen=True)
class Study:
    """A model, a study of two images in a prompt, and its encoded prefix."""

    vlm: VisionLanguage
    ids: list[int]
    pixels: dict[str, Tensor]
    prefix: Prefix

    def fresh(self, *more: int) -> Tensor:
        """Logits (vocabulary,) of a call that reads everything anew."""
        model = self.vlm.model
        if hasattr(getattr(model, "model", None), "rope_deltas"):
            model.model.rope_deltas = None
        pixels = {**self.pixels, "pixel_values": self.pixels["pixel_values"].to(model.dtype)}
        with torch.inference_mode():
            return model(**plain_inputs(model, [*self.ids, *more], IMAGE, pixels)).logits[0, -1]

    def close(self, given: Tensor, wanted: Tensor) -> bool:
        return bool((given - wanted).abs().max() <= TOLERANCE * wanted.abs().max())


def study(vlm: VisionLanguage, pixels: Pixels, seed: int, images: int = 2, lead: int = 4) -> Study:
    given = pixels(seed, images)
    features = vlm.see(given)
    ids = list(range(40, 40 + lead))
    for tokens in features.tokens:
        ids += [5, *[IMAGE] * tokens, 6]
    ids += [7, 8, 9]
    return Study(vlm, ids, given, vlm.encode(ids, features))


@pytest.fixture(scope="module", params=TINY)
def tiny(request: pytest.FixtureRequest) -> Tiny:
    return TINY[request.param]


@pytest.fixture(scope="module")
def vlm(tiny: Tiny) -> VisionLanguage:
    return VisionLanguage(tiny.model(VOCABULARY, IMAGE), IMAGE)


def rows(*studies: Study) -> list[Row]:
    return [Row(one.prefix, QUESTIONS, ends(QUESTIONS)) for one in studies]


def test_packed_questions_give_the_logits_of_fresh_calls(tiny: Tiny, vlm: VisionLanguage) -> None:
    one = study(vlm, tiny.pixels, 1)
    (packed,) = vlm.logits(rows(one))
    for question, given in zip(QUESTIONS, packed, strict=True):
        assert one.close(given, one.fresh(*question))


def test_studies_of_unequal_length_share_a_batch(tiny: Tiny, vlm: VisionLanguage) -> None:
    short, long = study(vlm, tiny.pixels, 1, images=1), study(vlm, tiny.other_pixels, 2, images=3, lead=9)
    for one, packed in zip((short, long), vlm.logits(rows(short, long)), strict=True):
        for question, given in zip(QUESTIONS, packed, strict=True):
            assert one.close(given, one.fresh(*question))


def test_interleaved_studies_keep_their_own_state(tiny: Tiny, vlm: VisionLanguage) -> None:
    first = study(vlm, tiny.pixels, 1, images=2)
    second = study(vlm, tiny.other_pixels, 2, images=1)
    question = QUESTIONS[1]
    begun = [vlm.begin(one.prefix, question) for one in (first, second)]
    for one, decoding in zip((first, second), begun, strict=True):
        assert one.close(decoding.logits, one.fresh(*question))
    extended = [vlm.extend(decoding, (33,)) for decoding in begun]
    for one, decoding in zip((first, second), extended, strict=True):
        assert one.close(decoding.logits, one.fresh(*question, 33))


def test_an_answer_is_that_of_a_plain_call(tiny: Tiny, vlm: VisionLanguage) -> None:
    one = study(vlm, tiny.pixels, 3)
    decoding, given, wanted = vlm.begin(one.prefix, QUESTIONS[0]), [], []
    for _ in range(12):  # with the prefix well past the small window
        given.append(int(decoding.logits.argmax()))
        decoding = vlm.extend(decoding, given[-1:])
    for _ in given:
        wanted.append(int(one.fresh(*QUESTIONS[0], *wanted).argmax()))
    assert given == wanted
    assert len(set(wanted)) > 1


def test_a_prefix_is_never_written_to(tiny: Tiny, vlm: VisionLanguage) -> None:
    one = study(vlm, tiny.pixels, 4)
    before = [tensor.clone() for tensor in one.prefix.tensors]
    vlm.logits(rows(one, one))
    vlm.extend(vlm.begin(one.prefix, QUESTIONS[0]), (3, 4))
    assert all(torch.equal(kept, tensor) for kept, tensor in zip(before, one.prefix.tensors, strict=True))


def test_a_prefix_holds_no_storage_that_it_does_not_use(tiny: Tiny, vlm: VisionLanguage) -> None:
    one = study(vlm, tiny.pixels, 5)
    assert one.prefix.nbytes == sum(tensor.nbytes for tensor in one.prefix.tensors)


def test_the_images_are_seen(tiny: Tiny, vlm: VisionLanguage) -> None:
    one, other = study(vlm, tiny.pixels, 6), study(vlm, tiny.pixels, 7)
    (of_one,), (of_other,) = vlm.logits(rows(one)), vlm.logits(rows(other))
    assert not torch.allclose(of_one, of_other, atol=1e-3 * float(of_one.abs().max()))


def test_a_static_cache_is_forked_by_copy(tiny: Tiny, vlm: VisionLanguage) -> None:
    one = study(vlm, tiny.pixels, 8)
    cache = StaticCache(config=vlm.model.config.get_text_config(), max_cache_len=len(one.ids) + 16)
    inputs = plain_inputs(vlm.model, one.ids, IMAGE, dict(one.pixels))
    del inputs["attention_mask"]
    with torch.inference_mode():
        vlm.model(**inputs, past_key_values=cache, use_cache=True)
    prefix = Prefix(cache, len(one.ids), one.prefix.offset)
    for question in (*QUESTIONS, QUESTIONS[0]):  # the first again: a shared static cache is wrong from the second on
        assert one.close(vlm.begin(prefix, question).logits, one.fresh(*question))


def test_bfloat16_forks_agree_within_their_precision(tiny: Tiny) -> None:
    vlm = VisionLanguage(tiny.model(VOCABULARY, IMAGE).to(torch.bfloat16), IMAGE)
    one = study(vlm, tiny.pixels, 9)
    given, wanted = vlm.begin(one.prefix, QUESTIONS[1]).logits, one.fresh(*QUESTIONS[1]).float()
    scale = wanted.abs().max()
    assert (given - wanted).abs().max() <= 0.02 * scale
    best, next_best = wanted.topk(2).values
    assert best - next_best <= 0.02 * scale or int(given.argmax()) == int(wanted.argmax())


def test_a_model_in_training_is_an_error(vlm: VisionLanguage, tiny: Tiny) -> None:
    vlm.model.train()
    try:
        with pytest.raises(BadModelFolder, match="training"):
            vlm.see(tiny.pixels(1, 1))
    finally:
        vlm.model.eval()


def test_a_cache_of_unknown_layers_is_not_forked(tiny: Tiny, vlm: VisionLanguage) -> None:
    one = study(vlm, tiny.pixels, 10)

    class Recurrent(type(one.prefix.cache.layers[0])):  # type: ignore[misc]
        pass

    forked = fork(one.prefix.cache)
    forked.layers[0].__class__ = Recurrent
    with pytest.raises(BadModelFolder, match="cannot be forked"):
        vlm.begin(Prefix(forked, one.prefix.length), QUESTIONS[0])


def test_layers_that_attend_in_chunks_are_refused(tiny: Tiny) -> None:
    model: PreTrainedModel = tiny.model(VOCABULARY, IMAGE)
    text = model.config.get_text_config()
    text.layer_types = ["chunked_attention"] * text.num_hidden_layers
    with pytest.raises(BadModelFolder, match="chunked_attention"):
        VisionLanguage(model, IMAGE)
