"""The default model: weights, calibration, recipe and cards, all made by `medvlm train`.

In: nothing.
Out: files, found by `WEIGHTS`.
"""

from __future__ import annotations

from pathlib import Path

WEIGHTS = Path(__file__).with_name("weights")
