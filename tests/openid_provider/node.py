"""The guarded application as a client of the provider: who has an account, and how the node is set."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from dicom_node.settings import load
from tests.guarded_app import Clock, guarded_app
from tests.openid_provider.process import AUDIENCE, NODE, NODE_SECRET, OpenidProvider

ORIGIN = "http://127.0.0.1"
ACCOUNTS: dict[str, dict[str, Any]] = {
    "robin": {"family_name": "Reader", "given_name": "Robin", "roles": ["radiologist"], "organisation": "Ward 3"},
    "vera": {"name": "Vera Viewer", "roles": ["viewer"]},
    "ada": {"family_name": "Admin", "roles": "admin"},
    "nobody": {"family_name": "Guest", "roles": ["cleaner"]},
    "roleless": {"family_name": "Guest"},
}


def node_of(provider: OpenidProvider, engine: Engine, clock: Clock, **oidc: object) -> TestClient:
    settings = {
        "issuer": provider.issuer,
        "client_id": NODE,
        "client_secret": NODE_SECRET,
        "audience": AUDIENCE,
        "scopes": ["openid", "profile", "roles"],
        "organisation_claim": "organisation",
    } | oidc
    made = guarded_app(load(oidc=settings, api={"organisation": "Hospital"}), engine, clock)
    return TestClient(made, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
