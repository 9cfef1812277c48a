"""Measures of the product beside its peers and its bars: one module each, run by `python -m benchmarks`.

In: a machine with nothing else to do; DCMTK and Orthanc for `receive`.
Out: medians on the terminal, and JSON and Markdown in `results/`.
"""
