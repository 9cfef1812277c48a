"""The codes of PS3.16 as pydicom has them: (scheme, value) -> meanings."""

from __future__ import annotations

import re
from collections import defaultdict

from pydicom.sr._concepts_dict import concepts

SEMANTIC_TAG = re.compile(r" \((attribute|qualifier value|disorder|finding|situation)\)$")
"""What SNOMED CT appends to a fully specified name: no part of the meaning in the templates."""


def _meanings() -> dict[tuple[str, str], set[str]]:
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for scheme, keywords in concepts.items():
        for rows in keywords.values():
            for value, (meaning, _groups) in rows.items():
                found[scheme, value] |= {meaning, SEMANTIC_TAG.sub("", meaning)}
    return dict(found)


MEANINGS = _meanings()
