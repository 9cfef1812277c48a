"""What a validation is run on.

In: files of readings and of labels.
Out: both in the same order, one pair a study.
"""
