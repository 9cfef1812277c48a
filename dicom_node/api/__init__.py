"""HTTP: studies, reports, questions, and the first page. Everything but health asks for the token.

In: requests of a clinician's software or browser. Out: JSON of the contract, problem+json, HTML.
"""
