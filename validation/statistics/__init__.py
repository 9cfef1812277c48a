"""Statistics: formula, source and a worked example beside each function; no input or output, no medical words.

In: arrays.
Out: figures and intervals.
"""
