"""Sending to peers: one file a kind of target.

In: report objects and a peer. Out: a confirmation, or an error that says whether to try again.
"""
