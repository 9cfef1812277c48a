"""What is fixed before results exist: purpose, model, data, tasks, criteria; and how results are judged by it.

In: a YAML file, and the figures of a run.
Out: a `Protocol`, locked by its hash, and a verdict a criterion.
"""

from validation.protocol.document import Criterion, Exclusion, Protocol
from validation.protocol.files import lock, protocol_hash, read_protocol
from validation.protocol.verdicts import verdicts

__all__ = ["Criterion", "Exclusion", "Protocol", "lock", "protocol_hash", "read_protocol", "verdicts"]
