"""HTTPS by settings: the certificate, its key, TLS 1.2 at least."""

from __future__ import annotations

import ssl
from pathlib import Path

from dicom_node.errors import BadSettings
from dicom_node.settings import Api


def context(settings: Api) -> ssl.SSLContext | None:
    """None without a certificate. Raises `BadSettings` if a file is missing, unreadable, or not the other's."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if not certificate and not key:
        return None
    _require("api.tls_certificate", certificate)
    _require("api.tls_key", key)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, OSError, _Encrypted) as error:
        raise BadSettings(
            f"the certificate and its key cannot be used: {_reason(error)}",
            where=f"{certificate}, {key}",
            way_out="Both are PEM files; the key is the certificate's, without a password.",
        ) from None
    return made


class _Encrypted(Exception):
    pass


def _no_password() -> str:
    """Else OpenSSL asks at the terminal, and a service hangs."""
    raise _Encrypted


def _reason(error: Exception) -> str:
    match error:
        case _Encrypted():
            return "the key has a password"
        case ssl.SSLError():
            return (error.reason or "not PEM").lower().replace("_", " ")
        case OSError():
            return error.strerror or "not readable"
    return type(error).__name__


def _require(name: str, file: str) -> None:
    if not file:
        raise BadSettings(f"{name} is missing", way_out="HTTPS needs both the certificate and its key.")
    if not Path(file).is_file():
        raise BadSettings(f"{name} names no file", where=file, way_out="Give a PEM file that the node can read.")
