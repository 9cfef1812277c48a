"""What is accepted, and by whose preference."""

from __future__ import annotations

import time

import pytest
from pynetdicom.presentation import AllStoragePresentationContexts, PresentationContext, build_context

from dicom_node.archive.transfer_syntaxes import TRANSFER_SYNTAXES
from dicom_node.receive.presentation_contexts import negotiate

CT = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT, EXPLICIT, JPEG_LS = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80"
DEFLATED, JPIP = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.94"


def proposed(context_id: int, abstract_syntax: str, *transfer_syntaxes: str) -> PresentationContext:
    context = build_context(abstract_syntax, list(transfer_syntaxes))
    context.context_id = context_id
    return context


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([JPEG_LS, EXPLICIT, IMPLICIT], JPEG_LS),
        ([IMPLICIT, EXPLICIT, JPEG_LS], IMPLICIT),
        ([DEFLATED, EXPLICIT], EXPLICIT),
        ([JPIP, "1.2.840.113619.5.2", IMPLICIT], IMPLICIT),
    ],
)
def test_the_first_supported_syntax_of_the_requestor_wins(offered: list[str], chosen: str) -> None:
    (result,) = negotiate([proposed(1, CT, *offered)])
    assert (result.result, [str(syntax) for syntax in result.transfer_syntax]) == (0, [chosen])


def test_contexts_of_one_class_are_judged_apart() -> None:
    results = negotiate([proposed(1, CT, IMPLICIT, JPEG_LS), proposed(3, CT, JPEG_LS, IMPLICIT), proposed(5, CT, JPIP)])
    assert [(r.context_id, r.result, str(r.transfer_syntax[0])) for r in results] == [
        (1, 0, IMPLICIT),
        (3, 0, JPEG_LS),
        (5, 4, JPIP),
    ]


@pytest.mark.parametrize(
    ("abstract_syntax", "result"),
    [
        ("1.2.840.10008.1.1", 0),
        ("1.2.840.10008.5.1.4.1.1.88.34", 0),
        ("1.2.840.10008.5.1.4.1.1.6", 0),  # retired ultrasound
        ("1.2.840.10008.5.1.4.1.1.999", 0),  # newer than the dictionary
        ("1.2.840.10008.5.1.4.34.7", 0),
        ("1.3.12.2.1107.5.9.1", 0),  # private
        ("1.2.840.10008.5.1.4.1.2.2.1", 3),  # FIND
        ("1.2.840.10008.1.20.1", 3),  # storage commitment
        ("1.2.840.10008.1.3.10", 3),  # DICOMDIR
        ("1.2.840.10008.5.1.1.1", 3),  # print
    ],
)
def test_storage_and_verification_are_served_and_nothing_else(abstract_syntax: str, result: int) -> None:
    assert negotiate([proposed(1, abstract_syntax, EXPLICIT)])[0].result == result


def test_every_storage_class_of_pynetdicom_is_served() -> None:
    results = negotiate([proposed(1, context.abstract_syntax, EXPLICIT) for context in AllStoragePresentationContexts])
    assert {result.result for result in results} == {0}


def test_data_sets_that_inflate_or_only_refer_to_pixels_are_not_accepted() -> None:
    refused = {DEFLATED, JPIP, "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.8.1"}
    assert not refused & TRANSFER_SYNTAXES


def test_negotiation_costs_milliseconds_not_tens() -> None:
    contexts = [proposed(2 * n + 1, CT, EXPLICIT, IMPLICIT) for n in range(128)]
    begin = time.process_time()
    negotiate(contexts)
    assert time.process_time() - begin < 0.05
