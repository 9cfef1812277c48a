"""The audit trail (DICOM PS3.15 A.5): who did what, when, to which study.

In: facts from the roles, each with who did it. Out: messages in an append-only chain of hashes, and syslog over TLS.
"""
