"""What must stay light: command lines, the listener, the worker and the API load no tensors."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "monai", "transformers")


@pytest.mark.parametrize(
    "module",
    [
        "dicom_node.cli",
        "dicom_node.receive.listener",
        "dicom_node.workflow.worker",
        "dicom_node.api.serve",
        "dicom_node.page.routes",
        "dicom_node.offline",
        "dicom_node.demo.run",
        "medvlm.cli",
        "medvlm.client",
        "medvlm.serve",
        "medvlm.vocabulary",
    ],
)
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    program = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["dicom_node.receive.listener", "dicom_node.workflow.worker", "dicom_node.report"])
def test_what_prints_and_draws_is_loaded_only_when_a_peer_wants_a_picture(module: str) -> None:
    program = f"import sys, {module}; print([name for name in ('weasyprint', 'PIL.ImageDraw') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
