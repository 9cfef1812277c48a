"""Who asks, and may they: logins, sessions, roles, and what stands before every route.

In: requests. Out: a `Principal` for the route, or a denial that the audit trail knows of.
"""
