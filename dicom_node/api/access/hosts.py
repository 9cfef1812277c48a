"""Which names the node answers to. A page of another site that points its own name at this node gets nothing.

DNS rebinding needs a name of the attacker's in `Host`: an IP address there can be nobody else's.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from dicom_node.api import problems
from dicom_node.settings import Api

HOST = re.compile(r"(\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(:[0-9]{1,5})?")


def names_of(settings: Api) -> frozenset[str]:
    """Every name of this node, in lower case."""
    own = socket.gethostname()  # not getfqdn: it asks the network, and waits where there is none
    configured = (settings.host, urlsplit(settings.public_url).hostname or "", *settings.allowed_hosts)
    return frozenset(
        name.lower().rstrip(".") for name in ("localhost", own, own.partition(".")[0], *configured) if name
    )


class AllowedHosts:
    """ASGI middleware: 421 (RFC 9110 section 15.5.20) for another host's name, 400 for none or several."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(given) == 1 and allowed(given[0], self._names):
            await self._app(scope, receive, send)
            return
        words = "The node does not answer to this name. Who runs it can add it to api.allowed_hosts."
        status = 421 if len(given) == 1 else 400
        await problems.response("unknown_host", status, words)(scope, receive, send)


def allowed(host: str, names: frozenset[str]) -> bool:
    """`host` as in the header: a name or an address, perhaps with a port."""
    parts = HOST.fullmatch(host)
    if parts is None:
        return False
    name = (parts["address"] or parts["name"]).lower()
    return name.rstrip(".") in names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
