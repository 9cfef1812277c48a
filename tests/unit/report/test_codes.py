"""No code leaves that is not in the tables, and no code in the tables is wrong where a check can tell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydicom.dataset import Dataset
from pydicom.sr._concepts_dict import concepts

from dicom_node.report import codes, findings_sr, narrative_sr
from dicom_node.report.codes import code_table
from medvlm.vocabulary import Code, terms
from tests.unit.report.drafts import crowded_reading, draft, finding, reading

TABLE = code_table()
DENIED = {
    "287272002", "416940007", "309529002", "46866001", "129614006", "60567007", "78381009", "9494007", "73122008",
    "196121004", "249674008", "248515005", "95436003", "27550009", "67992007", "47515009", "47693006", "4468000",
    "423341008", "414403008", "RID5352", "111047", "121070", "121072", "121078",
}  # fmt: skip
"""Codes seen in public software with a meaning that they do not have, or with a wrong check digit."""

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
def test_every_code_of_a_document_is_in_the_tables(build, read) -> None:
    emitted = set(coded(build(draft(reading=read))))
    assert emitted
    assert {
        code for code in emitted if code not in {(it.value, it.scheme, it.meaning) for it in TABLE.values()}
    } == set()


def test_no_two_rows_give_one_code_two_meanings() -> None:
    rows = [row for row in vars(codes).values() if isinstance(row, Code)]
    rows += [row for term in terms().values() for row in (term.code, term.site) if row]
    rows += [*codes.PRESENCES.values(), *codes.LATERALITIES.values(), *codes.MODALITIES.values()]
    assert len({(row.value, row.scheme) for row in rows}) == len({(row.value, row.scheme, row.meaning) for row in rows})


def test_no_code_is_unconfirmed_or_denied() -> None:
    assert all(row.grade in {"A", "B"} and row.source for row in TABLE.values())
    assert {row.value for row in TABLE.values()} & DENIED == set()


def test_codes_of_the_standard_mean_what_the_standard_says() -> None:
    checked = [row for row in TABLE.values() if row.scheme in {"DCM", "LN", "UCUM"} and row.value != "{pixels}"]
    assert len(checked) > 50
    for row in checked:
        known = [entry[row.value][0] for entry in concepts[row.scheme].values() if row.value in entry]
        assert row.meaning in known, row.value


@pytest.mark.parametrize("row", [row for row in TABLE.values() if row.scheme == "SCT"], ids=lambda row: row.value)
def test_a_snomed_code_ends_in_its_verhoeff_digit(row: Code) -> None:
    assert verhoeff(row.value) == 0


@pytest.mark.parametrize("row", [row for row in TABLE.values() if row.scheme == "LN"], ids=lambda row: row.value)
def test_a_loinc_code_ends_in_its_luhn_digit(row: Code) -> None:
    number, _, digit = row.value.partition("-")
    doubled = [2 * int(figure) for figure in reversed(number)][::2]
    plain = [int(figure) for figure in reversed(number)][1::2]
    total = sum(figure // 10 + figure % 10 for figure in doubled) + sum(plain)
    assert (10 - total % 10) % 10 == int(digit)


def test_the_verhoeff_check_catches_a_changed_digit() -> None:
    assert verhoeff("60046008") == 0
    assert verhoeff("60046009") != 0
    assert verhoeff("60064008") != 0


def verhoeff(number: str) -> int:
    """Checksum in the dihedral group of order ten: 0 for a right number (Verhoeff 1969)."""
    checksum = 0
    for position, figure in enumerate(reversed(number)):
        checksum = dihedral(checksum, permuted(int(figure), position))
    return checksum


def dihedral(a: int, b: int) -> int:
    if a < 5:
        return (a + b) % 5 + (5 if b >= 5 else 0)
    return (a - b) % 5 + (0 if b >= 5 else 5)


def permuted(figure: int, times: int) -> int:
    for _ in range(times % 8):
        figure = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[figure]
    return figure
