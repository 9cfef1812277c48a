"""Which presentation contexts the node accepts (PS3.8 9.3.2.2, PS3.4 B.5), and in whose order of preference.

Every storage SOP class, private and unknown ones too, and verification. The requestor's first supported transfer
syntax wins: a PACS that offers what it holds first does not have to decompress or convert.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydicom.uid import UID, ImplicitVRLittleEndian
from pynetdicom.presentation import PresentationContext, negotiate_as_acceptor

from dicom_node.archive.sop_classes import is_storage
from dicom_node.archive.transfer_syntaxes import TRANSFER_SYNTAXES

VERIFICATION: Final = "1.2.840.10008.1.1"


def is_served(abstract_syntax: str) -> bool:
    return abstract_syntax == VERIFICATION or is_storage(abstract_syntax)


def preferred(proposed: Sequence[str]) -> list[str]:
    """The supported ones of the proposed transfer syntaxes, in the requestor's order."""
    return [syntax for syntax in proposed if syntax in TRANSFER_SYNTAXES]


def negotiate(proposed: Sequence[PresentationContext]) -> list[PresentationContext]:
    """The result of each proposed context. One SOP class may come in several contexts: each is judged alone."""
    return [_judge(context) for context in proposed]


def _judge(proposed: PresentationContext) -> PresentationContext:
    abstract_syntax = str(proposed.abstract_syntax)
    supported = PresentationContext()
    supported.abstract_syntax = UID(abstract_syntax)
    # Where nothing is common, a syntax that was not offered makes the result "not supported" (4).
    offered = [str(syntax) for syntax in proposed.transfer_syntax]
    supported.transfer_syntax = preferred(offered) or [ImplicitVRLittleEndian]
    results, _ = negotiate_as_acceptor([proposed], [supported] if is_served(abstract_syntax) else [])
    return results[0]
