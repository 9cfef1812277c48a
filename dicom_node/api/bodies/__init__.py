"""What the API takes and answers, one file a resource. Models of the contract travel as they are.

In: rows of the archive, versions of reports. Out: frozen pydantic models with examples, the schema of the document.
"""
