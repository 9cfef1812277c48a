"""A run as one HTML page that opens anywhere: style, charts and images are inside, and it needs no script.

In: `Run`, and whether images of failed cases may be in the page. Out: HTML text.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from validation.report import words
from validation.report.pictures import data_url
from validation.report.view import view
from validation.results import Run


def report_html(run: Run, images: bool = True) -> str:
    """Every value is escaped: text from data sets and models stays text."""
    return pages().get_template("report.html").render(view=view(run, data_url if images else None))


@cache
def pages() -> Environment:
    """Templates of this folder with the suite's words and style; shared by every page that the suite writes."""
    made = Environment(loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made.lstrip_blocks = True
    made.globals["style"] = Markup(_read("report.css"))  # noqa: S704 - our own file
    made.globals["words"] = words
    return made


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text("utf-8")
