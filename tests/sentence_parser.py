"""A reader of draft sentences that knows nothing of the vocabulary's wordings: stems, negation and doubt.

In the manner of NegEx (Chapman et al., J Biomed Inform 34:301-310, 2001): a finding's stem, then cues of doubt and of
negation in the same sentence.
"""

from __future__ import annotations

import re
from typing import Literal

Presence = Literal["present", "absent", "indeterminate"]

STEMS = {
    "cardiomegaly": r"cardiomegal|(heart|cardiac).*(enlarg|size|large|limits)|enlarge\w* heart",
    "pleural_thickening": r"pleura\w*.*thick|thick\w+.*pleura",
    "pneumothorax": r"pneumothora|air in the pleura|pleura\w*.*\bair\b",
    "effusion": r"effusion|pleural fluid|pleura\w*.*fluid|fluid.*pleura",
    "airspace_opacity": r"opaci",
    "atelectasis": r"atelecta",
    "consolidation": r"consolidat",
    "edema": r"o?edema",
    "emphysema": r"emphysem",
    "fibrosis": r"fibro",
    "hernia": r"hernia",
    "infiltration": r"infiltrat",
    "mass": r"\bmass(es)?\b",
    "nodule": r"\bnodul",
    "pneumonia": r"\bpneumonia",
}
WHOLE = r"\babnormal|\bnormal"
DOUBT = r"cannot|can not|uncertain|whether|possibl|\bmay\b|\bmight\b|questionabl|equivocal"
NEGATION = r"\bno\b|\bnot\b|\bwithout\b|\babsent\b|\bfree of\b|\bclear of\b|\bnegative\b"
NORMAL = r"\bnormal\b"


def parse(sentence: str) -> dict[str, Presence]:
    """Findings named in the sentence and what it says of them, clause by clause; empty when it names none."""
    read: dict[str, Presence] = {}
    for clause in re.split(r"\b(?:and|but) (?=there|the|no)|;", sentence.lower()):
        names = [name for name, stem in STEMS.items() if re.search(stem, clause)]
        if not names and re.search(WHOLE, clause):
            names = ["abnormality"]
        read |= {name: _presence(clause, name) for name in names}
    return read


def _presence(said: str, name: str) -> Presence:
    if re.search(DOUBT, said):
        return "indeterminate"
    denials = len(re.findall(NEGATION, said))
    if name in {"abnormality", "cardiomegaly", "pleural_thickening"}:
        denials += len(re.findall(NORMAL, said))
    return "absent" if denials % 2 else "present"
