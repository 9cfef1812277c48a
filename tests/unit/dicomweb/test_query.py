"""Queries of searches: read as meant, or refused with the key's name and nothing else."""

from __future__ import annotations

import pytest
from fastapi import HTTPException
from hypothesis import given
from hypothesis import strategies as st

from dicom_node.api.dicomweb.matching import values_match
from dicom_node.api.dicomweb.query import ATTRIBUTES, BY_TAG, Level, parse


def test_keyword_and_tag_are_the_same_key() -> None:
    by_keyword, by_tag = parse([("PatientID", "A")], "study"), parse([("00100020", "A")], "study")
    assert by_keyword == by_tag
    assert by_keyword.matches == {BY_TAG[0x00100020]: ("A",)}


def test_an_empty_value_or_a_lone_star_matches_everything() -> None:
    assert parse([("PatientID", ""), ("PatientName", "*"), ("ModalitiesInStudy", "")], "study").matches == {}


@pytest.mark.parametrize("value", ["1.2,1.3", "1.2\\1.3"])
def test_lists_of_uids_are_separated_by_commas_or_backslashes(value: str) -> None:
    assert parse([("StudyInstanceUID", value)], "study").matches[BY_TAG[0x0020000D]] == ("1.2", "1.3")


def test_keys_of_lower_levels_are_not_for_higher_ones() -> None:
    with pytest.raises(HTTPException):
        parse([("SeriesNumber", "1")], "study")
    assert parse([("SeriesNumber", "1")], "instance").matches


def test_fields_are_tags_keywords_sequences_and_all() -> None:
    query = parse([("includefield", "00080070,PatientAge"), ("includefield", "00400275.00080050")], "study")
    assert query.fields == {0x00080070, 0x00101010, 0x00400275}
    assert parse([("includefield", "all")], "study").all_fields


def refusal(parameters: list[tuple[str, str]], at: Level) -> HTTPException | None:
    try:
        parse(parameters, at)
    except HTTPException as refused:
        return refused
    return None


@given(
    st.lists(st.tuples(st.sampled_from([one.keyword for one in ATTRIBUTES]) | st.text(), st.text()), max_size=4),
    st.sampled_from(["study", "series", "instance"]),
)
def test_any_query_is_read_or_refused_without_repeating_a_value(parameters: list[tuple[str, str]], at: Level) -> None:
    refused = refusal(parameters, at)
    assert refused is None or refused.status_code == 400
    assert refused is None or not any(value in refused.detail for _, value in parameters if len(value) > 4)


@pytest.mark.parametrize(
    ("keyword", "wanted", "found", "matches"),
    [
        ("SeriesDescription", "Axial", "Axial", True),
        ("SeriesDescription", "axial", "Axial", False),
        ("SeriesDescription", "ax*", "Axial", True),
        ("SeriesDescription", "a?ial", "Axial", True),
        ("SeriesDescription", "*[1]", "Axial [1]", True),
        ("SeriesNumber", "03", "3", True),
        ("SeriesNumber", "3", "", False),
    ],
)
def test_values_of_series_match_as_those_of_studies(keyword: str, wanted: str, found: str, matches: bool) -> None:
    attribute = next(one for one in ATTRIBUTES if one.keyword == keyword)
    assert values_match(attribute, (wanted,), found) is matches
