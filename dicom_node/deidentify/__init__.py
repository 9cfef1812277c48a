"""De-identification by PS3.15 Annex E: the standard's table as data, walked through every nested item.

In: a data set, what is to be kept (`Options`), a secret (`Key`), what the patient is called (`Identity`).
Out: a new data set without them, or the reason why an instance must not leave. Pure: no files, no database, no clock.
"""

from dicom_node.deidentify.burned_in import Refused, refusal
from dicom_node.deidentify.identity import Identity, identity_of
from dicom_node.deidentify.instance import Deidentifier
from dicom_node.deidentify.key import Key
from dicom_node.deidentify.options import Options
from dicom_node.deidentify.wording import Wording

__all__ = ["Deidentifier", "Identity", "Key", "Options", "Refused", "Wording", "identity_of", "refusal"]
