"""Check digits of code values: Verhoeff for SNOMED CT identifiers, Luhn for LOINC numbers."""

from __future__ import annotations

import re

PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def is_snomed_ct(value: str) -> bool:
    """A SNOMED CT identifier: 6 to 18 digits whose Verhoeff checksum is 0 (SNOMED CT Release File Specification)."""
    return re.fullmatch(r"[1-9][0-9]{5,17}", value) is not None and verhoeff_checksum(value) == 0


def is_loinc(value: str) -> bool:
    """A LOINC number: one to seven digits, a hyphen, and their Luhn digit (LOINC Users' Guide, Mod 10)."""
    found = re.fullmatch(r"([1-9][0-9]{0,6})-([0-9])", value)
    return found is not None and luhn_digit(found[1]) == int(found[2])


def verhoeff_checksum(digits: str) -> int:
    """0 for a number that ends in its check digit (J. Verhoeff, Error Detecting Decimal Codes, 1969)."""
    checksum = 0
    for position, digit in enumerate(reversed(digits)):
        checksum = _dihedral_product(checksum, _permuted(int(digit), position))
    return checksum


def _dihedral_product(a: int, b: int) -> int:
    """The product in the symmetry group of the pentagon: 0 to 4 are rotations, 5 to 9 reflections."""
    if a < 5:
        return (a + b) % 5 + (5 if b >= 5 else 0)
    return (a - b) % 5 + (0 if b >= 5 else 5)


def _permuted(digit: int, times: int) -> int:
    for _ in range(times % 8):
        digit = PERMUTATION[digit]
    return digit


def luhn_digit(digits: str) -> int:
    """The digit to be put behind `digits` (ISO/IEC 7812-1, annex B)."""
    figures = [int(digit) for digit in reversed(digits)]
    doubled = sum(sum(divmod(2 * figure, 10)) for figure in figures[::2])
    return -(doubled + sum(figures[1::2])) % 10
