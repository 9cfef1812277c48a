"""What a model is examined in, one file a task.

In: labelled readings.
Out: figures with intervals, and how many studies each stands on.
"""
