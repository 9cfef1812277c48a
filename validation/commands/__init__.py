"""Commands of `medvlm-validate` that need no model: look at data, list training data, reader studies, sample sizes.

In: files and numbers that a person gives.
Out: tables to read, or one JSON object. Nothing heavy is imported before a command runs.
"""

from typer import Typer

from validation.commands import data_set, manifest, reader_study, sample_size

__all__ = ["add_to"]


def add_to(app: Typer) -> None:
    for module in (data_set, manifest, reader_study, sample_size):
        module.add_to(app)
