"""Where the real films are, if they are at hand: they never enter the repository."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def shared_data() -> Path | None:
    """The folder of real images: `MEDVLM_TEST_DATA`, else `../shared/data` beside the checkout."""
    folder = Path(os.environ.get("MEDVLM_TEST_DATA", CHECKOUT.parent / "shared" / "data"))
    return folder if (folder / "dicom").is_dir() else None
