"""A decoder that dies as its first argument says, before or after it has read a request. Only tests start it."""

from __future__ import annotations

import os
import signal
import sys
import time


def main() -> None:
    how = sys.argv[1]
    sys.stdin.buffer.readline()
    if how == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "hang":
        time.sleep(60)
    if how == "nonsense":
        sys.stdout.write("this is no answer\n")
    if how == "lies":
        sys.stdout.write('{"dtype": "<u2", "shape": [60000, 60000], "offset": 0, "photometric": ""}\n')
    if how == "pickle":
        sys.stdout.write('{"dtype": "|O", "shape": [2, 2], "offset": 0, "photometric": ""}\n')
    sys.stdout.flush()
    sys.stdin.buffer.readline()


if __name__ == "__main__":
    main()
