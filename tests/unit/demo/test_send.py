from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless

from dicom_node.deliver.scu import Payload, Remote, payload
from dicom_node.deliver.send import MOST_CONTEXTS, batches, in_words, send
from dicom_node.errors import CannotUnderstand


def item(sop_class: str, syntax: str = ExplicitVRLittleEndian, name: str = "a.dcm") -> Payload:
    return Payload(Path(name), 0, sop_class, "1.2.3", syntax)


@given(
    st.lists(st.tuples(st.integers(1, 200), st.sampled_from([ExplicitVRLittleEndian, JPEGLSLossless])), max_size=300)
)
def test_every_file_is_in_one_association_and_none_has_more_contexts_than_it_may(kinds: list[tuple[int, str]]) -> None:
    items = [item(f"1.2.{number}", syntax, f"{index}.dcm") for index, (number, syntax) in enumerate(kinds)]
    made = list(batches(items))
    assert sorted(each.path for batch, _ in made for each in batch) == sorted(each.path for each in items)
    for batch, contexts in made:
        assert 0 < len(contexts) <= MOST_CONTEXTS
        assert set(contexts) == {proposal for each in batch for proposal in each.proposals}


def test_a_files_own_syntax_is_proposed_alone_so_that_the_peer_cannot_prefer_another() -> None:
    own, other = item("1.2", ExplicitVRLittleEndian).proposals
    assert own.transfer_syntaxes == (ExplicitVRLittleEndian,)
    assert other.transfer_syntaxes == (ImplicitVRLittleEndian,)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, ExplicitVRBigEndian])
def test_what_is_never_converted_is_proposed_only_as_it_is(syntax: str) -> None:
    (only,) = item("1.2", syntax).proposals
    assert only.transfer_syntaxes == (syntax,)


@pytest.mark.parametrize("content", [b"", b"no DICOM at all", bytes(200), bytes(128) + b"DICM"])
def test_a_file_without_an_object_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(CannotUnderstand, match=r"notes\.txt"):
        payload(path)


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_of_files_stumble(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.dcm"
    path.write_bytes(bytes(128) + b"DICM" + content)
    with contextlib.suppress(CannotUnderstand):
        assert payload(path).sop_instance_uid


def test_a_bad_file_is_told_without_asking_the_peer(tmp_path: Path) -> None:
    path = tmp_path / "missing.dcm"
    (outcome,) = send([path], Remote("127.0.0.1", 1, "PACS", "ME"))
    assert (outcome.path, outcome.status, outcome.ok) == (path, None, False)


@pytest.mark.parametrize(
    ("status", "words"),
    [(0x0000, "Success"), (0xA700, "0xA700 Failure"), (0xB007, "0xB007 Warning"), (0xC123, "0xC123")],
)
def test_a_status_is_told_in_words(status: int, words: str) -> None:
    assert in_words(status).startswith(words)
