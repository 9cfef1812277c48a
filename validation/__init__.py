"""The validation suite: is this model good enough here? It reads exports and the public API only."""
