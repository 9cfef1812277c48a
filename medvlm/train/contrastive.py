"""Stage 1: what the image encoder learns, and images and sentences in one space.

The encoder learns from a linear head of the findings and the view, and from sex and age, which every film carries and
which tell much of what a chest looks like. Sentences are then aligned to it with the encoder held still (LiT,
arXiv:2111.07991). Each finding is a pair of sentences ("there is effusion", "there is no effusion"): the log-odds of an
image are its cosine difference to the two, trained by binary cross-entropy. Whole reports are aligned by a sigmoid loss
(SigLIP, arXiv:2303.15343) whose targets are equal label sets, since many films carry the same labels.
"""

from __future__ import annotations

import random

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import EfficientNetModel, PreTrainedTokenizerFast

from medvlm.train.films import FINDINGS
from medvlm.train.language import VIEW_SENTENCES, report, statement

AGE_MEAN, AGE_UNIT = 47.0, 17.0
_SEX_WEIGHT, _AGE_WEIGHT = 0.05, 0.02
"""Each is worth about as much as one finding in the mean over findings."""


class SentenceEncoder(nn.Module):
    """Token ids (n, t), 0 = padding -> unit vectors (n, width)."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width, padding_idx=0)
        self.place = nn.Parameter(torch.randn(96, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(width, width)

    def forward(self, ids: Tensor) -> Tensor:
        kept = ids != 0
        hidden = self.layers(self.embed(ids) + self.place[: ids.shape[1]], src_key_padding_mask=~kept)
        pooled = (hidden * kept.unsqueeze(-1)).sum(1) / kept.sum(1, keepdim=True)
        return functional.normalize(self.out(pooled), dim=-1)


class DualEncoder(nn.Module):
    """The image encoder, the sentence encoder, and the heads that are dropped at export.

    `head`: log-odds of findings and AP; `person`: log-odds of a man, and age in units of AGE_UNIT about AGE_MEAN.
    """

    def __init__(self, encoder: EfficientNetModel, vocabulary: int, width: int, prior: Tensor) -> None:
        super().__init__()
        features = encoder.config.hidden_dim
        self.encoder = encoder
        self.side: int = encoder.config.image_size
        self.sentences = SentenceEncoder(vocabulary, width)
        self.project = nn.Linear(features, width)
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.pair_bias = nn.Parameter(torch.cat([prior, torch.zeros(1)]))
        self.caption_bias = nn.Parameter(torch.tensor(-4.0))
        self.head = nn.Linear(features, len(FINDINGS) + 1)
        self.person = nn.Linear(features, 2)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.copy_(self.pair_bias)

    def features(self, images: Tensor) -> Tensor:
        """Images (n, 3, s, s), normalised -> (n, features)."""
        return self.encoder(images).last_hidden_state.mean((2, 3))

    def image_side(self) -> list[nn.Parameter]:
        return [*self.encoder.parameters(), *self.head.parameters(), *self.person.parameters()]


def supervised_loss(model: DualEncoder, pooled: Tensor, targets: Tensor, people: Tensor) -> Tensor:
    """pooled (n, features); targets (n, findings + 1) probabilities, the last column being AP;
    people (n, 2): 1 for a man, years of age."""
    sex, age = model.person(pooled).unbind(1)
    return (
        functional.binary_cross_entropy_with_logits(model.head(pooled), targets)
        + _SEX_WEIGHT * functional.binary_cross_entropy_with_logits(sex, people[:, 0])
        + _AGE_WEIGHT * functional.mse_loss(age, (people[:, 1] - AGE_MEAN) / AGE_UNIT)
    )


def contrastive_loss(
    model: DualEncoder, pooled: Tensor, labels: Tensor, targets: Tensor, pairs: Tensor, captions: Tensor
) -> Tensor:
    """The sentences' losses; they do not reach the encoder.

    pooled (n, features); labels (n, findings + 1) 0/1, the last column being AP; targets: the probabilities to learn;
    pairs (2·(findings + 1), t): sentence ids, all present then all absent; captions (n, t).
    """
    image = functional.normalize(model.project(pooled.detach()), dim=-1)
    gain = model.scale.exp()
    present, absent = model.sentences(pairs).chunk(2)
    by_pairs = gain * image @ (present - absent).T + model.pair_bias
    by_captions = gain * image @ model.sentences(captions).T + model.caption_bias
    same = (labels.unsqueeze(1) == labels.unsqueeze(0)).all(-1).float()
    return functional.binary_cross_entropy_with_logits(by_pairs, targets) + functional.binary_cross_entropy_with_logits(
        by_captions, same
    )


def sentence_pairs(tokenizer: PreTrainedTokenizerFast, rng: random.Random) -> Tensor:
    """One wording of chance for each finding and for AP, present then absent."""
    present = [statement(k, True, rng) for k in range(len(FINDINGS))] + [rng.choice(VIEW_SENTENCES[True])]
    absent = [statement(k, False, rng) for k in range(len(FINDINGS))] + [rng.choice(VIEW_SENTENCES[False])]
    return padded_ids(tokenizer, present + absent)


def captions(tokenizer: PreTrainedTokenizerFast, targets: Tensor, rng: random.Random) -> Tensor:
    return padded_ids(tokenizer, [report(row[:-1], row[-1] > 0.5, rng) for row in targets.tolist()])


def padded_ids(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> Tensor:
    rows = [torch.tensor(ids[:96]) for ids in tokenizer(texts)["input_ids"]]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=0)
