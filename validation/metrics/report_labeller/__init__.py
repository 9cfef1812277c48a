"""What a chest report says, by rules: each finding present, absent or uncertain, its side, and what it compares with.

In: the English text of a report; `rules.toml` holds every word that the rules know.
Out: `ReportLabels`; a language that the rules do not know is said, never guessed.
"""
