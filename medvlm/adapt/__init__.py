"""Teach the embedded model a finding from a dozen labelled films, as a small adapter beside the untouched base.

In: a folder of films with one CSV of labels, questions or reports.
Out: an adapter folder (peft's format) with its card, and the model that it makes of the base.
"""
