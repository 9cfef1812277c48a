"""The tokenizer: byte-level BPE over the generated language; "Yes" and "No" are one id each."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from medvlm.families.embedded import ASSISTANT, END, IMAGE, NO, PADDING, USER, YES
from medvlm.train.language import corpus

CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}" + USER + "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}" + IMAGE + "{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% else %}"
    + ASSISTANT
    + "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}"
    + END
    + "{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}" + ASSISTANT + "{% endif %}"
)


def train_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer with `vocabulary` entries at most, the same for the same corpus."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PADDING, USER, ASSISTANT, END, IMAGE],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(corpus(), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PADDING,
        eos_token=END,
        chat_template=CHAT_TEMPLATE,
        extra_special_tokens={"image_token": IMAGE},
    )
    for word in (YES, NO):
        if len(tokenizer.encode(word)) != 1:
            raise ValueError(f"{word!r} is not one token: raise the vocabulary")
    return tokenizer
