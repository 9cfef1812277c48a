"""Puts cases to a model and keeps what it said, before any figure is looked at.

In: askings (a case, what is altered, what is asked) and models, local or behind a URL.
Out: a store of outputs, addressed by content: a run that was killed goes on where it was.
"""
