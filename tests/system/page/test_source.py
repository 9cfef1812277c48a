"""The page's TypeScript: its types hold, and its pure modules pass their own tests in Node."""

from __future__ import annotations

import pytest

from dicom_node.page.build import run_script


@pytest.mark.parametrize("script", ["types", "check", "test"])
def test_the_source_passes(script: str) -> None:
    """`types` first: the check is of the API's document as it is."""
    run_script(script)
