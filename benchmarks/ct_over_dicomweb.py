"""Opening a CT over DICOMweb, side by side: the node and Orthanc's DICOMweb plugin, on loopback, in one run.

`python -m benchmarks.ct_over_dicomweb [--rounds N]` writes `results/ct_over_dicomweb.json` and `.md` beside this file.

What a viewer does: the series' metadata, then each of 300 frames of 512x512x16 bit as stored, over six keep-alive
connections (a browser's limit to one host). Frames are asked for without a content coding: Orthanc would compress
them, at its own cost. Both hold the same files; rounds are interleaved and the first, in which both fill their caches,
is told apart. The client, the same for both, runs on the same machine and takes its share.
The bytes of every frame are compared once.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import http.client
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dicom_node.deliver.scu import Remote
from dicom_node.deliver.send import send
from tests.builders import ct_slice, write
from tests.peers import DICOMWEB, HOST, orthanc, wait_for_port
from tests.running_node import running_node

RESULTS = Path(__file__).parent / "results"
SLICES, SIZE, CONNECTIONS = 300, 512, 6
FRAME = "multipart/related; type=application/octet-stream; transfer-syntax=*"
SCANNER = {
    "StationName": "CT1",
    "ProtocolName": "Chest routine",
    "ConvolutionKernel": "B31f",
    "ContrastBolusAgent": "none",
    "DeviceSerialNumber": "1",
    "SoftwareVersions": "1.0",
    "DataCollectionDiameter": 500,
    "ReconstructionDiameter": 360,
    "GantryDetectorTilt": 0,
    "TableHeight": 150,
    "ExposureTime": 500,
    "XRayTubeCurrent": 200,
    "Exposure": 100,
    "FilterType": "0",
    "GeneratorPower": 30,
    "FocalSpots": 1.2,
    "PatientPosition": "HFS",
    "WindowCenter": [40, -600],
    "WindowWidth": [400, 1600],
}


@dataclass
class Server:
    """A DICOMweb service: where it is, and what to say to it. One connection a thread."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return urlsplit(self.url).path

    def connect(self) -> http.client.HTTPConnection:
        place = urlsplit(self.url)
        return http.client.HTTPConnection(place.hostname or HOST, place.port, timeout=60)

    def get(
        self, connection: http.client.HTTPConnection, path: str, accept: str, coding: str = "identity"
    ) -> tuple[bytes, str]:
        headers = self.headers | {"Accept": accept, "Accept-Encoding": coding}
        connection.request("GET", f"{self.root}/{path}", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{answer.status} for {path}")
        return body, answer.headers.get("Content-Encoding", "")


def metadata(server: Server, series: str) -> list[dict[str, Any]]:
    connection = server.connect()
    body, coding = server.get(connection, f"{series}/metadata", "application/dicom+json", "gzip")
    connection.close()
    return json.loads(gzip.decompress(body) if coding == "gzip" else body)


def frames(server: Server, series: str, instances: list[str]) -> list[bytes]:
    """The bodies of all frames, each connection taking the next as it becomes free."""
    connections = [server.connect() for _ in range(CONNECTIONS)]
    waiting = iter(list(enumerate(instances)))
    bodies: list[bytes] = [b""] * len(instances)

    def work(connection: http.client.HTTPConnection) -> None:
        for number, uid in waiting:  # next() of a list's iterator is atomic
            bodies[number], _ = server.get(connection, f"{series}/instances/{uid}/frames/1", FRAME)

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(work, connections))
    for connection in connections:
        connection.close()
    return bodies


def open_once(server: Server, series: str) -> dict[str, float]:
    """Seconds for the metadata, for the frames, and for both."""
    begin = time.perf_counter()
    instances = [one["00080018"]["Value"][0] for one in metadata(server, series)]
    told = time.perf_counter()
    frames(server, series, instances)
    end = time.perf_counter()
    if len(instances) != SLICES:
        raise RuntimeError(f"{len(instances)} instances instead of {SLICES}")
    return {"metadata": told - begin, "frames": end - told, "total": end - begin}


def pixels(body: bytes) -> str:
    """Digest of the one part's content."""
    body = body.lstrip(b"\r\n")
    boundary = body[2 : body.index(b"\r\n")]
    content = body[body.index(b"\r\n\r\n") + 4 :]
    return hashlib.sha256(content[: content.rindex(b"\r\n--" + boundary)]).hexdigest()


@contextmanager
def servers(folder: Path) -> Iterator[tuple[dict[str, Server], str]]:
    """Both with the same study, and the path of its series."""
    slices = [ct_slice(number=number + 1, shape=(SIZE, SIZE), **SCANNER) for number in range(SLICES)]
    paths = [write(one, folder / "sent") for one in slices]
    series = f"studies/{slices[0].StudyInstanceUID}/series/{slices[0].SeriesInstanceUID}"
    roles = ("scripted-model", "listener", "worker", "api")
    token = "benchmark"  # noqa: S105
    with (
        running_node(folder / "node", roles=roles, api__token=token) as node,
        orthanc(folder / "orthanc", plugins=[DICOMWEB]) as pacs,
    ):
        wait_for_port(int(node.settings["api__port"]))
        for port, title in ((node.port, "MEDVLM"), (pacs.port, pacs.ae_title)):
            refused = {one.words for one in send(paths, Remote(HOST, port, title, "MODALITY")) if not one.ok}
            if refused:
                raise RuntimeError(f"{title} did not take every slice: {refused}")
        node.wait_for(str(slices[0].StudyInstanceUID), "drafted", "delivered", "refused", "failed")
        found = {
            "node": Server(f"{node.api_url}/dicomweb", {"Authorization": f"Bearer {token}"}),
            "Orthanc": Server(f"{pacs.url}/dicom-web"),
        }
        yield found, series


def measure(rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as (found, series):
        first = {name: open_once(server, series) for name, server in found.items()}
        turns = [{name: open_once(server, series) for name, server in found.items()} for _ in range(rounds)]
        instances = [one["00080018"]["Value"][0] for one in metadata(found["node"], series)]
        digests = {name: list(map(pixels, frames(server, series, instances))) for name, server in found.items()}
    return judge(first, turns) | {"same_frames": digests["node"] == digests["Orthanc"]}


def judge(first: dict[str, dict[str, float]], turns: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Medians, and the medians of each round's ratios of the node to Orthanc."""
    steps = ("metadata", "frames", "total")
    return {
        "slices": SLICES,
        "load_average": round(os.getloadavg()[0], 2),
        "first_seconds": {name: _rounded(taken) for name, taken in first.items()},
        "median_seconds": {
            name: _rounded({step: statistics.median(turn[name][step] for turn in turns) for step in steps})
            for name in first
        },
        "node_to_orthanc": _rounded(
            {step: statistics.median(turn["node"][step] / turn["Orthanc"][step] for turn in turns) for step in steps}
        ),
        "first_node_to_orthanc": _rounded({step: first["node"][step] / first["Orthanc"][step] for step in steps}),
    }


def _rounded(taken: dict[str, float]) -> dict[str, float]:
    return {step: round(seconds, 3) for step, seconds in taken.items()}


def table(result: dict[str, Any]) -> str:
    lines = ["| | metadata, s | 300 frames, s | both, s |", "|---|---|---|---|"]
    for when in ("first", "median"):
        for name, taken in result[f"{when}_seconds"].items():
            lines.append(f"| {name}, {when} | {taken['metadata']} | {taken['frames']} | {taken['total']} |")
    for when, key in (("first", "first_node_to_orthanc"), ("median", "node_to_orthanc")):
        ratio = result[key]
        lines.append(f"| node / Orthanc, {when} | {ratio['metadata']} | {ratio['frames']} | {ratio['total']} |")
    same = "the same bytes" if result["same_frames"] else "DIFFERENT BYTES"
    return "\n".join([*lines, "", f"Every frame: {same}. Load average {result['load_average']}.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    result = measure(parser.parse_args().rounds)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ct_over_dicomweb.json").write_text(json.dumps(result, indent=2) + "\n")
    (RESULTS / "ct_over_dicomweb.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
