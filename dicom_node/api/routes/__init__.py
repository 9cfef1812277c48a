"""`/api/v1`: one file a resource; each checks, calls and answers.

In: requests with a `Principal`. Out: bodies of `api/bodies`, problem+json.
"""
