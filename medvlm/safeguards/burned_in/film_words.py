"""Words that technicians, machines and viewers put on films, and that therefore name nobody.

Collected from printed markers in use and from what stands on public teaching films; names of people that are also such
words (Ward, Page, Philips) are left out on purpose.
"""

from __future__ import annotations

_POSITION = """
portable mobile bedside supine prone erect upright semi semierect semiupright sitting seated standing stretcher
wheelchair trolley table grid recumbent decubitus lordotic oblique lateral frontal anterior posterior inspiration
expiration insp expir inspir expiratory inspiratory view projection position left right side marker hours time
stehend sitzend liegend rechts links seitlich bett aufnahme debout couche assis droite gauche face profil
derecha izquierda derecho izquierdo pie decubito portatil destra sinistra
"""
_PLACE = """
chest thorax thoracic lung lungs rib ribs cxr xray radiograph radiography radiology hospital clinic clinical medical
center centre university department emergency trauma intensive care unit room imaging institute national health
general veterans memorial childrens
"""
_MACHINE = """
image images series study acquisition exam date technique exposure index zoom window width level lossy lossless jpeg
compressed compression ratio quality scale original source copy film digital detector dose annotation page print
magnification magn filter contrast anonymous anonymized anonymised unknown patient name birth sex male female year
years medpix fujifilm kodak agfa carestream konica minolta siemens
"""
_MONTHS = """
january february march april june july august september october november december sept
januar februar maerz juni juli oktober dezember janvier fevrier mars avril juin juillet aout septembre octobre novembre
decembre enero febrero marzo abril junio julio agosto septiembre octubre noviembre diciembre
"""

FILM_WORDS = frozenset(f"{_POSITION} {_PLACE} {_MACHINE} {_MONTHS}".upper().split())

SHORT_WORDS = frozenset(("AP", "PA", "LAT", "ED", "ER", "ICU", "CCU", "OR", "CM", "MM", "KV", "MAS", "WL", "WW", "XR"))
"""With a word of FILM_WORDS they may be read as one ("APERECT"); alone they are too short to be looked at."""

_LEAST_FUZZY = 7


def is_film_word(token: str) -> bool:
    """`token`: letters A–Z. One misread letter is forgiven in long words, and a missing space between two words."""
    if token in FILM_WORDS or token.removesuffix("S") in FILM_WORDS or _misread(token):
        return True
    return any(_pair(token[:cut], token[cut:]) for cut in range(2, len(token) - 1))


def _misread(token: str) -> bool:
    return len(token) >= _LEAST_FUZZY and any(
        len(word) >= _LEAST_FUZZY and within_one_edit(token, word) for word in FILM_WORDS
    )


def _pair(one: str, other: str) -> bool:
    known = FILM_WORDS | SHORT_WORDS
    return one in known and other in known and (one in FILM_WORDS or other in FILM_WORDS)


def within_one_edit(one: str, other: str) -> bool:
    """Equal, or one letter replaced, missing or too many (Levenshtein distance ≤ 1)."""
    if abs(len(one) - len(other)) > 1:
        return False
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[same + 1 :] == other[same + 1 :] or one[same:] == other[same + 1 :] or one[same + 1 :] == other[same:]
