"""Figures of what a model said: of codes, places, probabilities, answers and text.

In: truth and answers of many studies, with their patients.
Out: a frozen record a metric, with its counts, its interval, and why it is undefined where it is.
"""
