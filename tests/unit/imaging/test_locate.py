"""References are followed inside the archive only."""

from __future__ import annotations

from pathlib import Path

import pytest

from medvlm.contract import ImageSource, StudyInput
from medvlm.errors import OutsideArchive
from medvlm.imaging import load_study
from medvlm.imaging.locate import locate


@pytest.fixture
def root(tmp_path: Path) -> Path:
    inside = tmp_path / "archive"
    inside.mkdir()
    (inside / "a b.dcm").write_bytes(b"")
    (tmp_path / "secret").write_bytes(b"")
    (inside / "link").symlink_to(tmp_path / "secret")
    return inside


def test_a_path_and_a_file_uri_name_the_same_file(root: Path) -> None:
    path = root / "a b.dcm"
    assert locate(str(path), root) == locate(path.as_uri(), root) == path.resolve()


@pytest.mark.parametrize(
    "uri",
    [
        "{root}/../secret",
        "{root}/link",
        "file://{root}/%2e%2e/secret",
        "/etc/passwd",
        "file://elsewhere/archive/a",
        "https://example.org/a.dcm",
        "{root}/a\0b",
    ],
)
def test_what_leaves_the_archive_is_refused_without_repeating_it(uri: str, root: Path) -> None:
    with pytest.raises(OutsideArchive) as caught:
        locate(uri.format(root=root), root)
    assert "secret" not in caught.value.sentence


def test_a_study_with_one_reference_outside_is_not_read_at_all(root: Path) -> None:
    images = (ImageSource(uri=str(root / "a b.dcm")), ImageSource(uri=str(root / "link")))
    with pytest.raises(OutsideArchive):
        load_study(StudyInput(study_uid="1", images=images), root)
