"""Data that cannot teach a finding: what would only teach the patient, the source or nothing at all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from math import comb

from medvlm.adapt.films import LabelledFilm
from medvlm.adapt.problems import Problem

LEAST_PATIENTS = 2
"""A class. Leaving one patient out must leave one of each class."""

CHANCE = 0.01
"""A rule that sorts the classes perfectly is a shortcut when chance would do so less often than this."""

_CATEGORIES: dict[str, Callable[[LabelledFilm], Hashable]] = {
    "the view (AP or PA)": lambda film: film.source.view,
    "the folder": lambda film: film.source.folder,
    "the kind of file": lambda film: film.source.kind,
    "the size of the image": lambda film: film.source.size,
}
_NUMBERS: dict[str, Callable[[LabelledFilm], float]] = {
    "the size of the image": lambda film: float(film.source.size[0] * film.source.size[1]),
    "bright corners (markers, redactions)": lambda film: film.source.bright_corners,
}


def refuse(films: Sequence[LabelledFilm]) -> list[Problem]:
    """Every reason, in the order of the findings; empty when the films can be learnt from."""
    problems = _duplicates(films)
    for name in findings_of(films):
        present, absent = classes(films, name)
        found = _classes(name, present, absent) or _leaks(name, present, absent)
        problems += found or _shortcuts(name, present, absent)
    return problems


def findings_of(films: Sequence[LabelledFilm]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for film in films for name in film.labels))


def classes(films: Sequence[LabelledFilm], name: str) -> tuple[list[LabelledFilm], list[LabelledFilm]]:
    """Films with the finding and films without it; a film with no word about it is in neither."""
    labelled = [film for film in films if name in film.labels]
    return [film for film in labelled if film.labels[name]], [film for film in labelled if not film.labels[name]]


def _duplicates(films: Sequence[LabelledFilm]) -> list[Problem]:
    """The same picture twice is refused whatever its labels: two copies on two sides of a split are a leak."""
    alike = defaultdict(list)
    for film in films:
        alike[film.digest].append(film)
    problems = []
    for copies in alike.values():
        if len(copies) > 1:
            words = "The same picture stands in the table more than once"
            if any(all(classes(copies, name)) for name in findings_of(copies)):
                words += ", with different labels"
            problems.append(Problem("duplicate_image", words, _rows(copies)))
    return problems


def _classes(name: str, present: Sequence[LabelledFilm], absent: Sequence[LabelledFilm]) -> list[Problem]:
    if not present or not absent:
        missing = "absent" if present else "present"
        return [Problem("one_class", f"{name}: no film is labelled {missing}", _rows([*present, *absent]))]
    return [
        Problem("few_patients", f"{name}: {label} in fewer than {LEAST_PATIENTS} patients; it needs more", _rows(films))
        for label, films in (("present", present), ("absent", absent))
        if len({film.patient for film in films}) < LEAST_PATIENTS
    ]


def _leaks(name: str, present: Sequence[LabelledFilm], absent: Sequence[LabelledFilm]) -> list[Problem]:
    both = {film.patient for film in present} & {film.patient for film in absent}
    return [
        Problem(
            "leaking_patient",
            f"{name}: one patient's films are on both sides",
            _rows([film for film in (*present, *absent) if film.patient == patient]),
        )
        for patient in sorted(both)
    ]


def _shortcuts(name: str, present: Sequence[LabelledFilm], absent: Sequence[LabelledFilm]) -> list[Problem]:
    rules = [rule for rule, of in _CATEGORIES.items() if sorts(list(map(of, present)), list(map(of, absent)))]
    rules += [rule for rule, of in _NUMBERS.items() if separates(list(map(of, present)), list(map(of, absent)))]
    words = "{}: {} alone tells the classes apart; add films that break the rule"
    return [Problem("shortcut", words.format(name, rule), _rows([*present, *absent])) for rule in dict.fromkeys(rules)]


def sorts(present: Sequence[Hashable], absent: Sequence[Hashable]) -> bool:
    """Each value belongs to one class, and chance would hardly ever deal it so."""
    if set(present) & set(absent):
        return False
    return chance_of_sorting(list(Counter([*present, *absent]).values()), len(present)) < CHANCE


def chance_of_sorting(groups: Sequence[int], positives: int) -> float:
    """The share of ways to deal `positives` labels to films that leave each group of films in one class."""
    ways = Counter({0: 1})
    for size in groups:
        ways += Counter({taken + size: count for taken, count in ways.items()})
    return ways[positives] / comb(sum(groups), positives)


def separates(present: Sequence[float], absent: Sequence[float]) -> bool:
    """A threshold tells the classes apart, and chance would hardly ever set one up."""
    if max(absent) >= min(present) and max(present) >= min(absent):
        return False
    return 2 / comb(len(present) + len(absent), len(present)) < CHANCE


def _rows(films: Sequence[LabelledFilm]) -> tuple[int, ...]:
    return tuple(sorted(number for film in films for number in film.numbers))
