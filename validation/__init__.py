"""The validation suite: is this model good enough here? It reads exports and the public API only.

In: readings of a model, labels, criteria fixed beforehand.
Out: figures with intervals and a verdict; `cli.py` is `medvlm-validate`.
"""
