from __future__ import annotations

from collections.abc import Iterator

import pytest

from medvlm.imaging import Decoder


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    with Decoder() as running:
        yield running
