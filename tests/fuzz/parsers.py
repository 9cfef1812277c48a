"""Parsers of the listener under libFuzzer. Each may raise only what the listener answers with; memory is bounded.

`python -m tests.fuzz.parsers NAME --seconds 60` runs one; a crash prints the input and ends with another status than 0.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

with atheris.instrument_imports(include=["dicom_node", "pydicom.filereader", "pynetdicom.pdu", "pynetdicom.pdu_items"]):
    from dicom_node.archive.instance_header import read_header
    from dicom_node.errors import CannotUnderstand
    from dicom_node.receive.association import read_request
    from dicom_node.receive.command_set import BadCommandSet, parse
    from dicom_node.receive.pdu import Abort, pdvs

from tests.builders import bytes_of, ct_slice, data_set_of
from tests.peers import associate_request

MEMORY = 2 << 30
SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


def association_request(data: bytes) -> None:
    with contextlib.suppress(Abort):
        read_request(data)


def p_data(data: bytes) -> None:
    with contextlib.suppress(Abort):
        assert sum(len(pdv.data) for pdv in pdvs(memoryview(data))) <= len(data)


def command_set(data: bytes) -> None:
    with contextlib.suppress(BadCommandSet):
        parse(data)


def instance_header(data: bytes) -> None:
    syntax = SYNTAXES[data[0] % len(SYNTAXES)] if data else ImplicitVRLittleEndian
    with contextlib.suppress(CannotUnderstand):
        header = read_header(io.BytesIO(data[1:]), syntax)
        assert header is None or "\0" not in "".join(map(str, vars(header).values()))


PARSERS: dict[str, tuple[Callable[[bytes], None], Callable[[], bytes]]] = {
    "association_request": (association_request, lambda: associate_request("NODE")),
    "p_data": (p_data, lambda: b"\0\0\0\4\1\3ab"),
    "command_set": (command_set, lambda: bytes.fromhex("00000000040000003800000000000201020000003000")),
    "instance_header": (instance_header, lambda: b"\1" + data_set_of(bytes_of(ct_slice()))),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PARSERS)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    target, seed = PARSERS[arguments.name]
    with tempfile.TemporaryDirectory() as corpus:
        Path(corpus, "seed").write_bytes(seed())
        # libFuzzer's own limit looks at the peak of the process that started us: the address space is limited instead.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        limits = [f"-max_total_time={arguments.seconds}", "-rss_limit_mb=0", "-timeout=10"]
        # What crashes a parser is printed in base64; its file goes with the corpus, not into the checkout.
        atheris.Setup([sys.argv[0], *limits, "-max_len=65536", f"-artifact_prefix={corpus}/", corpus], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
