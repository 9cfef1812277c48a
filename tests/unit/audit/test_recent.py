from __future__ import annotations

from dicom_node.audit.recent import KEPT_AT_MOST, Recent


def test_only_the_first_within_the_window_tells() -> None:
    recent = Recent()
    assert [recent.claim("a", now, 600) for now in (0, 1, 599, 600, 601)] == [True, False, False, True, False]
    assert recent.claim("b", 1, 600)


def test_what_could_not_be_told_is_told_by_the_next() -> None:
    recent = Recent()
    recent.claim("a", 0, 600)
    recent.release("a")
    assert recent.claim("a", 1, 600)


def test_a_clock_that_was_set_back_silences_nobody() -> None:
    recent = Recent()
    recent.claim("a", 1e9, 600)
    assert recent.claim("a", 0, 600)


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    recent = Recent()
    for key in range(KEPT_AT_MOST + 1):
        recent.claim(key, 0, 600)
    assert recent.claim(0, 1, 600)
    assert not recent.claim(KEPT_AT_MOST, 1, 600)
