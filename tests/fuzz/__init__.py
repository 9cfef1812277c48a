"""Coverage-guided fuzzing of parsers that a peer's bytes reach: `python -m tests.fuzz.parsers NAME --seconds 60`."""
