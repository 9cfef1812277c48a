"""No code leaves that is not in the tables, and no code in the tables is wrong where a check can tell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydicom.dataset import Dataset

from dicom_node.report import codes, findings_sr, narrative_sr
from dicom_node.report.check_digits import is_loinc, is_snomed_ct
from dicom_node.report.codes import code_table
from dicom_node.report.denylist import denial
from dicom_node.report.version import Version
from medvlm.vocabulary import Code, terms
from tests.unit.report.drafts import crowded_reading, draft, finding, reading
from tests.unit.report.standard_codes import MEANINGS
from tests.unit.report.versions import every_object, every_state

TABLE = code_table()
EVERY_FINDING = reading(
    findings=tuple(
        finding(name, presence, 0.4, side)
        for name, presence, side in zip(
            terms(),
            ("present", "absent", "indeterminate") * 9,
            ("right", "left", "bilateral", "unspecified") * 9,
            strict=False,
        )
    )
)


def coded(dataset: Dataset) -> Iterator[tuple[str, str, str]]:
    """(value, scheme, meaning) of every code in a data set, at any depth."""
    if "CodeValue" in dataset:
        yield dataset.CodeValue, dataset.CodingSchemeDesignator, dataset.CodeMeaning
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from coded(item)


@pytest.mark.parametrize("build", [findings_sr, narrative_sr])
@pytest.mark.parametrize("read", [reading(), EVERY_FINDING, crowded_reading(), reading(findings=())])
def test_every_code_of_a_document_is_in_the_table(build, read) -> None:
    emitted = set(coded(build(draft(reading=read))))
    assert emitted
    assert emitted - {(it.value, it.scheme, it.meaning) for it in TABLE.values()} == set()


@pytest.mark.parametrize("version", every_state().values(), ids=lambda it: it.state)
def test_every_code_of_every_object_and_state_is_in_the_table(version: Version) -> None:
    for kind, made in every_object(version).items():
        local = {code for code in coded(made) if code[1] == "L"}  # people, in their organisation's own scheme
        assert set(coded(made)) - local - {(it.value, it.scheme, it.meaning) for it in TABLE.values()} == set(), kind


def test_no_two_rows_give_one_code_two_meanings() -> None:
    rows = codes.code_rows()
    assert len({(row.value, row.scheme) for row in rows}) == len({(row.value, row.scheme, row.meaning) for row in rows})


def test_every_row_has_source_and_grade_and_none_is_unconfirmed() -> None:
    assert all(row.grade in {"A", "B"} and row.source for row in TABLE.values())


def test_a_row_of_grade_c_is_not_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    guess = Code(value="84089009", scheme="SCT", meaning="Hiatal hernia", source="one web page", grade="C")
    monkeypatch.setattr(codes, "GUESS", guess, raising=False)
    assert guess not in codes.code_rows()


def test_no_code_of_the_table_is_denied() -> None:
    assert {row.value: denial(row.value, row.scheme, row.meaning) for row in TABLE.values()} == dict.fromkeys(
        (row.value for row in TABLE.values()), ""
    )


def test_codes_of_the_standard_mean_what_the_standard_says() -> None:
    checked = [row for row in TABLE.values() if row.scheme in {"DCM", "LN", "UCUM"} and row.value != "{pixels}"]
    assert len(checked) > 50
    for row in checked:
        assert row.meaning in MEANINGS[row.scheme, row.value], row.value


def test_a_snomed_code_of_grade_a_means_what_the_standard_says() -> None:
    checked = [row for row in TABLE.values() if row.scheme == "SCT" and row.grade == "A"]
    assert len(checked) > 20
    wrong = {row.value: row.meaning for row in checked if row.meaning not in MEANINGS.get(("SCT", row.value), ())}
    assert wrong == {}


@pytest.mark.parametrize("row", [row for row in TABLE.values() if row.scheme == "SCT"], ids=lambda row: row.value)
def test_a_snomed_code_ends_in_its_verhoeff_digit(row: Code) -> None:
    assert is_snomed_ct(row.value)


@pytest.mark.parametrize("row", [row for row in TABLE.values() if row.scheme == "LN"], ids=lambda row: row.value)
def test_a_loinc_code_ends_in_its_luhn_digit(row: Code) -> None:
    assert is_loinc(row.value)
