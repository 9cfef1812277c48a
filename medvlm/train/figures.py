"""All figures of a run on patients never seen in training: what the cards are written from."""

from __future__ import annotations

from medvlm.train.evaluate import Area, FindingFigures, ScopeFigures
from medvlm.train.evaluate_retrieval import RetrievalFigures
from medvlm.train.evaluate_scope import LeftOutFigures
from medvlm.train.evaluate_vqa import VqaFigures
from medvlm.train.evaluate_words import WordFigures
from medvlm.train.pointing_fit import PointingFigures
from medvlm.train.record import Record


class Figures(Record):
    split: str
    films: int
    patients: int
    mean_of_13_labels: float
    findings: tuple[FindingFigures, ...]
    view: Area
    scope: ScopeFigures
    left_out: LeftOutFigures
    words: WordFigures
    clinicians_questions: VqaFigures
    pointing: PointingFigures
    retrieval: RetrievalFigures
