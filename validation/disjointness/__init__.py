"""Is anybody in a data set whom the model was trained on? By patient ID and by what the images look like.

In: a data set and the manifest of the training data, which holds salted hashes only.
Out: the cases that leaked, what was compared, and what could not be.
"""

from validation.disjointness.checking import Disjointness, Leak, check
from validation.disjointness.manifest import TrainingManifest, make_manifest, read_manifest

__all__ = ["Disjointness", "Leak", "TrainingManifest", "check", "make_manifest", "read_manifest"]
