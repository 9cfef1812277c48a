"""Modality and VOI look-up tables (PS3.3 C.11.1.1, C.11.2.1.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from medvlm.errors import UnreadableImage
from medvlm.imaging.attributes import numbers, value


def look_up(values: npt.NDArray[Any], item: Dataset) -> tuple[npt.NDArray[np.float32], int]:
    """The table's entry for every value, clamped at both ends, and the bits that an entry has.

    Raises `UnreadableImage` when the descriptor and the data do not fit together.
    """
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:
        raise UnreadableImage("a look-up table has no usable LUT Descriptor")
    entries, first, bits = (int(part) for part in descriptor)
    entries = (entries % 65536) or 65536  # 65536 does not fit its 16 bits and is written as 0; some write it signed
    if first > 32767 and values.min() < 0:
        first -= 65536  # written as US where the values are signed
    table = _entries(item, entries)
    indices = np.clip(np.rint(values).astype(np.int64) - first, 0, entries - 1)
    return table[indices], min(max(bits, 1), 16)


def _entries(item: Dataset, entries: int) -> npt.NDArray[np.float32]:
    data = value(item, "LUTData")
    if isinstance(data, bytes):
        # One byte an entry, or two also where eight bits would do: both are met.
        words = np.frombuffer(data[: len(data) // 2 * 2], dtype="<u2")
        table = words if len(words) >= entries else np.frombuffer(data, dtype=np.uint8)
    else:
        table = np.array(numbers(item, "LUTData"))
    if len(table) < entries:
        raise UnreadableImage("a look-up table holds fewer entries than its descriptor says")
    return table[:entries].astype(np.float32)
