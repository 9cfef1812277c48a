"""How a picture is seen, and that the quick form for training is the stock encoder."""

from __future__ import annotations

import torch
from transformers import EfficientNetModel

from medvlm.engine.encoding import as_seen, both_ways
from medvlm.train.encoder import encoder_config, stock_form, training_form


def test_a_picture_is_enlarged_and_centred_in_three_equal_channels() -> None:
    seen = as_seen(torch.full((2, 1, 8, 8), 0.5), 12)
    assert seen.shape == (2, 3, 12, 12)
    assert torch.allclose(seen, torch.zeros_like(seen), atol=1e-6)


def test_enlarging_never_leaves_the_range_of_the_film() -> None:
    edge = torch.zeros(1, 1, 8, 8)
    edge[..., 4:] = 1.0
    seen = as_seen(edge, 24)
    assert float(seen.min()) >= -1.0
    assert float(seen.max()) <= 1.0


def test_the_mirror_image_has_the_mirrored_features() -> None:
    torch.manual_seed(1)
    encode = torch.nn.Conv2d(3, 4, 3, stride=2, padding=1)
    seen = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        straight, mirrored = both_ways(encode, seen), both_ways(encode, seen.flip(-1))
    assert torch.allclose(straight, mirrored.flip(-1), atol=1e-6)


def test_the_form_for_training_computes_what_the_stock_class_computes() -> None:
    torch.manual_seed(2)
    trained = training_form(EfficientNetModel(encoder_config(64, 0.0))).eval()
    picture = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        ours = trained(picture).last_hidden_state
        stock = stock_form(trained)(picture).last_hidden_state
    assert torch.allclose(ours, stock, atol=1e-5 * float(ours.abs().max()))
