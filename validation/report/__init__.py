"""How a result is shown.

In: a `Result`.
Out: what a person or a program reads.
"""
