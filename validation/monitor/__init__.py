"""Is the model still what it was when it was accepted? What radiologists change before they sign is the label.

In: the node's signed reports, over its public API or as a file, and a baseline made once.
Out: control charts of agreement, overrides and refusals, drift of probabilities, and alarms.
"""
