"""An adapter on its base, behind the contract."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from medvlm.adapt.adapter import Taught, adapter_digest, read_taught
from medvlm.adapt.network import TaughtNetwork, load_taught_network
from medvlm.adapt.session import AdaptedSession
from medvlm.contract import FindingName, ModelIdentity, StudyInput
from medvlm.embedded import WEIGHTS
from medvlm.engine.embedded_model import EmbeddedModel, load_embedded
from medvlm.errors import BadModelFolder
from medvlm.imaging.decode import Decoder

PROFILE = "adapted"


class AdaptedModel:
    """`medvlm.contract.Model`: the base, and what an adapter was taught. A taught finding is not assessed.

    It can be asked, with a warning, and stands in no draft until a validation has shown what it is worth; that holds
    as well for a finding that the base itself assesses, for the adapter now answers for it.
    """

    def __init__(self, base: EmbeddedModel, taught: Taught, network: TaughtNetwork, digest: str) -> None:
        self.base = base
        self.taught = taught
        self.network = network
        self._digest = digest
        self._blank = network.log_odds(base.network.blank().features)

    @property
    def identity(self) -> ModelIdentity:
        return self.base.identity.model_copy(update={"adapter_digest": self._digest, "profile": PROFILE})

    @property
    def assessed(self) -> tuple[FindingName, ...]:
        return tuple(name for name in self.base.assessed if name not in self.taught.names)

    def open(self, study: StudyInput) -> AdaptedSession:
        """See `EmbeddedModel.open`."""
        return AdaptedSession(study, self.base.open(study), self.taught, self.network, self._blank, self.identity)


def load_adapted(
    archive_root: Path | None,
    adapter: Path,
    weights: Path = WEIGHTS,
    clock: Callable[[], datetime] | None = None,
    threads: int = 0,
    decoder: Decoder | None = None,
) -> AdaptedModel:
    """The embedded model with an adapter; see `load_embedded`.

    Raises `BadModelFolder` for a folder that is no adapter or belongs to other weights.
    """
    taught = read_taught(adapter)
    kept = {} if clock is None else {"clock": clock}
    base = load_embedded(archive_root, weights, threads=threads, decoder=decoder, **kept)
    if taught.base_weights != base.network.weights_digest:
        raise BadModelFolder(
            "the adapter was made for other weights", where=str(adapter), way_out="Run medvlm adapt again on these."
        )
    return AdaptedModel(base, taught, load_taught_network(weights, adapter, taught), adapter_digest(adapter))
