"""How a run is shown: one page, the record, JUnit XML, and a summary at the shell.

In: a `Run`.
Out: what a person or a program reads; the same figures in each.
"""
