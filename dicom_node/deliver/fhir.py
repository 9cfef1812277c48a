"""A report to a FHIR server: one transaction, posted and confirmed entry by entry (FHIR R4, http.html#transaction)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from dicom_node.errors import PeerRefused, PeerUnreachable

FHIR_JSON = "application/fhir+json"
# 408 and 425 to 429: come back later; 409: another writer was at the same resource. RFC 9110, RFC 6585, RFC 8470.
TRY_AGAIN = frozenset({408, 409, 425, 429})


@dataclass(frozen=True)
class Endpoint:
    """A server's base address and how it is called. Times in seconds."""

    url: str
    token: str = ""
    connect_timeout: float = 10.0
    response_timeout: float = 30.0

    @property
    def place(self) -> str:
        """Where it is, for words: an address may hold a secret behind its host."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def post_transaction(endpoint: Endpoint, bundle: bytes) -> None:
    """Post a transaction Bundle; returns when the server confirmed every entry.

    Raises `PeerUnreachable` (try again) or `PeerRefused` (a person must look). Words of the server's are left out:
    they may quote the report.
    """
    headers = {"Content-Type": FHIR_JSON, "Accept": FHIR_JSON, "Prefer": "return=minimal"}
    if endpoint.token:
        headers["Authorization"] = f"Bearer {endpoint.token}"
    times = httpx.Timeout(endpoint.response_timeout, connect=endpoint.connect_timeout)
    try:
        answer = httpx.post(endpoint.url, content=bundle, headers=headers, timeout=times)
    except httpx.InvalidURL as error:
        raise PeerRefused("the address is none", where=endpoint.place, way_out="Mend it in the settings.") from error
    except httpx.TransportError as error:
        way_out = "Check that it runs, and its address and certificate."
        raise PeerUnreachable(
            f"the server does not answer: {type(error).__name__}", where=endpoint.place, way_out=way_out
        ) from error
    _check_status(answer, endpoint)
    _check_entries(answer, endpoint, len(json.loads(bundle)["entry"]))


def _check_status(answer: httpx.Response, endpoint: Endpoint) -> None:
    status = answer.status_code
    if answer.is_success:
        return
    words = f"the server answered {status} {_issues(answer)}".rstrip()
    if status in TRY_AGAIN or answer.is_server_error:
        raise PeerUnreachable(words, where=endpoint.place, way_out="It is tried again.")
    cure = {401: "Renew the token.", 403: "Give the token the rights.", 404: "Check the base address."}
    way_out = cure.get(status, "Ask the server's keeper.")
    raise PeerRefused(words, where=endpoint.place, way_out=f"{way_out} Then `dicom-node retry`.")


def _issues(answer: httpx.Response) -> str:
    """Severity and code of each issue of an OperationOutcome: a closed vocabulary, without anybody's data."""
    try:
        issues = answer.json().get("issue", [])
        codes = [f"{issue['severity']} {issue['code']}" for issue in issues]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return ", ".join(code[:40] for code in codes[:5])


def _check_entries(answer: httpx.Response, endpoint: Endpoint, sent: int) -> None:
    """A transaction is all or nothing; a server that answers with less than all of it has not done it."""
    try:
        body = answer.json()
        statuses = [str(entry["response"]["status"])[:3] for entry in body["entry"]]
        kind = body["type"]
    except (ValueError, KeyError, TypeError) as error:
        words = "the answer is no transaction response"
        raise PeerRefused(words, where=endpoint.place, way_out="Check the base address.") from error
    if kind != "transaction-response" or len(statuses) != sent or not all(one.startswith("2") for one in statuses):
        words = f"the server confirmed {sum(one.startswith('2') for one in statuses)} of {sent} entries"
        raise PeerRefused(words, where=endpoint.place, way_out="Ask the server's keeper, then `dicom-node retry`.")
