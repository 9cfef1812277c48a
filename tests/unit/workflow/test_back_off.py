"""How long a failed delivery waits."""

from __future__ import annotations

from dicom_node.settings import Deliver
from dicom_node.workflow.deliver import back_off


def test_the_wait_doubles_up_to_the_longest() -> None:
    settings = Deliver(first_retry_seconds=5, longest_retry_seconds=60)
    assert [back_off(attempts, settings) for attempts in (0, 1, 2, 3, 4, 1000)] == [5, 10, 20, 40, 60, 60]
