"""HTTPS by settings: what works, and what each mistake in the files is called."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from dicom_node.api.access import tls
from dicom_node.errors import BadSettings
from dicom_node.settings import load
from tests.certificates import Authority, Pair


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Authority(tmp_path).issue("node")


def context(certificate: Path | str, key: Path | str) -> ssl.SSLContext | None:
    return tls.context(load(api={"tls_certificate": str(certificate), "tls_key": str(key)}).api)


def test_without_a_certificate_there_is_no_https() -> None:
    assert context("", "") is None


def test_nothing_below_tls_1_2_is_spoken(pair: Pair) -> None:
    made = context(pair.certificate, pair.key)
    assert made is not None
    assert made.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": ""}, "api.tls_key is missing"),
        ({"certificate": ""}, "api.tls_certificate is missing"),
        ({"certificate": "/nowhere.pem"}, "api.tls_certificate names no file"),
        ({"key": "/nowhere.key"}, "api.tls_key names no file"),
    ],
)
def test_a_missing_file_is_named(pair: Pair, change: dict[str, str], said: str) -> None:
    files = {"certificate": str(pair.certificate), "key": str(pair.key)} | change
    with pytest.raises(BadSettings, match=said):
        context(**files)


def test_a_key_of_another_certificate_is_named(pair: Pair, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other").issue("other")
    with pytest.raises(BadSettings, match="key values mismatch"):
        context(pair.certificate, other.key)


def test_a_file_that_is_no_pem_is_named(pair: Pair, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("rubbish")
    with pytest.raises(BadSettings, match=r"cannot be used.*PEM"):
        context(rubbish, pair.key)


def test_a_key_with_a_password_is_refused_rather_than_asked_for(pair: Pair) -> None:
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(BadSettings, match="the key has a password"):
        context(pair.certificate, pair.key)
