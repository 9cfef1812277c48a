"""A real OpenID provider (npm's certified `oidc-provider`), started as a process by the tests of logging in.

In: accounts, clients and keys of a test. Out: an issuer on loopback that a browser or `httpx` can log in at.
"""
