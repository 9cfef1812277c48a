"""The findings that this product can name: wording, code with source and grade, and whether a box is meaningful.

One data file (`findings.toml`), one loader. Every code that leaves in a report comes from here.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from medvlm.errors import UnknownFinding

Grade = Literal["A", "B", "C"]


class Code(BaseModel):
    """A coded concept (PS3.3 8.8). `source` says where it was confirmed, `grade` how well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str
    scheme: str
    meaning: str
    source: str
    grade: Grade


class Term(BaseModel):
    """One finding. `code` is None where no code is confirmed: it then leaves as text, never as an invented code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    display: str
    code: Code | None = None
    site: Code | None = None
    boxable: bool
    noun: str
    """The finding inside a sentence, with its article where it can be counted: "a mass", "consolidation"."""
    ask: tuple[str, ...]
    """Closed questions whose answer "yes" means present: those over which the questionnaire takes its mean."""
    ask_more: tuple[str, ...]
    """Further ones to be trained on."""
    ask_held_out: tuple[str, ...]
    """Ones never trained on: agreement is measured on them."""
    ask_negated: tuple[str, ...]
    """Closed questions whose answer "yes" means absent."""
    ask_negated_held_out: tuple[str, ...]
    keywords: tuple[str, ...]
    """Words by which a clinician's question names the finding."""
    present: tuple[str, ...]
    absent: tuple[str, ...]
    indeterminate: tuple[str, ...]

    @property
    def bare_noun(self) -> str:
        """The noun without its article: what stands after "no" and "any"."""
        return re.sub(r"^an? ", "", self.noun)


@cache
def terms() -> dict[str, Term]:
    """Every finding by its name, in the order of the data file."""
    rows = tomllib.loads(files(__name__).joinpath("findings.toml").read_text("utf-8"))
    sites = {key: Code(**row) for key, row in rows["site"].items()}
    return {
        name: Term(**(row | {"name": name, "site": sites.get(row.get("site", ""))}))
        for name, row in rows["finding"].items()
    }


def term(name: str) -> Term:
    """The finding of that name.

    Raises `UnknownFinding` with the names that exist.
    """
    try:
        return terms()[name]
    except KeyError:
        raise UnknownFinding(f"no finding is called {name!r}", way_out="Known: " + ", ".join(terms())) from None
