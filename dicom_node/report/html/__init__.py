"""A report as one HTML page that needs nothing else: its style, and its key image, are inside.

In: `ReportView`. Out: HTML text, which `pdf.py` prints and a browser shows; it fetches nothing.
"""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from dicom_node.report.presentation import ReportView
from dicom_node.report.words import CERTAINTY_BANDS


def report_html(view: ReportView) -> str:
    """The page. Every value is escaped: text from headers and models stays text."""
    return _template().render(view=view)


@cache
def _template() -> Template:
    pages = Environment(loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    pages.filters["data_url"] = lambda png: f"data:image/png;base64,{base64.b64encode(png).decode()}"
    pages.globals["style"] = Markup(_read("report.css"))  # noqa: S704 - our own file
    pages.globals["bands"] = _bands()
    return pages.get_template("report.html")


def _bands() -> str:
    """The words and their bounds, for the reader."""
    from_bound = [f"{words} from {100 * bound:g} %" for bound, words in CERTAINTY_BANDS if bound]
    return "; ".join([*from_bound, f"{CERTAINTY_BANDS[-1][1]} below that"])


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text("utf-8")
