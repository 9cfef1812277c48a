"""Places where a test may kill the process, to prove that nothing is lost there.

`DICOM_NODE_STOP_AT=read.middle` kills the process (as `kill -9` does) the first time it passes there;
`DICOM_NODE_STOP_MARK` is a file that remembers it, so that the restarted process passes.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path


def stop_point(name: str) -> None:
    mark = os.environ.get("DICOM_NODE_STOP_MARK")
    if os.environ.get("DICOM_NODE_STOP_AT") != name or mark is None or Path(mark).exists():
        return
    Path(mark).touch()
    os.kill(os.getpid(), signal.SIGKILL)
