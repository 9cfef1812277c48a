"""The transformers engine: a model behind `medvlm.contract`, encoding a study once and forking its cache.

In: a folder of weights, `StudyInput`, questions.
Out: `Reading`, `Finding` and `Answer`; sessions kept under a byte budget.
"""

from __future__ import annotations

from medvlm.engine.embedded_model import EmbeddedModel, load_embedded
from medvlm.engine.sessions import SessionStore

__all__ = ["EmbeddedModel", "SessionStore", "load_embedded"]
