"""Associations of peers, from the accepted socket to the DIMSE status.

In: bytes of a PACS or a modality. Out: instances handed to `archive.intake`, and the answer that they deserve.
"""
