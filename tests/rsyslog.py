"""Debian's rsyslogd as the audit record repository: syslog over TLS in, one line a message in a file."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.certificates import Pair
from tests.peers import MAY_SKIP, process, wait_for_port

RSYSLOGD = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"
GTLS = next(Path("/usr/lib").glob("*/rsyslog/lmnsd_gtls.so"), Path("lmnsd_gtls.so"))
needs_rsyslog = pytest.mark.skipif(
    MAY_SKIP and not (Path(RSYSLOGD).exists() and GTLS.exists()), reason="rsyslog with rsyslog-gnutls is not installed"
)

CONFIGURATION = """
global(workDirectory="{folder}" maxMessageSize="256k" parser.escapeControlCharactersOnReceive="off"
  DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="{authority}"
  DefaultNetstreamDriverCertFile="{certificate}" DefaultNetstreamDriverKeyFile="{key}")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="{mode}")
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="{messages}" template="raw")
"""
SEQUENCE = re.compile(r'\[meta sequenceId="(\d+)"\]')


@dataclass(frozen=True)
class Repository:
    port: int
    messages: Path
    log: Path

    def lines(self) -> list[str]:
        """The messages of the audit profile; rsyslogd writes of itself too."""
        if not self.messages.exists():
            return []
        return [line for line in self.messages.read_text("utf-8").splitlines() if " DICOM+RFC3881 " in line]

    def numbers(self) -> list[int]:
        return [int(found[1]) for line in self.lines() if (found := SEQUENCE.search(line))]

    def wait_for(self, count: int, seconds: float = 30) -> list[str]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if len(lines := self.lines()) >= count:
                return lines
            time.sleep(0.05)
        raise AssertionError(f"{len(self.lines())} of {count} messages after {seconds} s\n{self.log.read_text()}")


@contextlib.contextmanager
def rsyslog(
    folder: Path, port: int, authority: Path, own: Pair, *, asks_certificate: bool = False
) -> Iterator[Repository]:
    """One may be started again on the same folder and port: it writes on where it stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    repository = Repository(port, folder / "messages", folder / "rsyslogd.log")
    text = CONFIGURATION.format(
        folder=folder,
        authority=authority,
        certificate=own.certificate,
        key=own.key,
        mode="x509/certvalid" if asks_certificate else "anon",
        port=port,
        messages=repository.messages,
    )
    (folder / "rsyslog.conf").write_text(text)
    command = [RSYSLOGD, "-n", "-f", folder / "rsyslog.conf", "-i", folder / "rsyslogd.pid"]
    with process(command, repository.log) as started:
        wait_for_port(port, started)
        yield repository
