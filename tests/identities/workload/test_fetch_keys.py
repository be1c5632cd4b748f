"""Discovery against a real server: exact issuer, no redirects, bounded, and nowhere that is not public unless it was allowed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from identities.workload.fetch_keys import WELL_KNOWN, fetch_keys
from proofs.errors import Refusal
from proofs.tokens.key_set import MAX_DOCUMENT_BYTES, normalise_keys
from tests import make_tokens as make

pytestmark = pytest.mark.once


def refused(code: str, url: str, *, may_be_private: bool = True) -> str:
    with pytest.raises(Refusal) as refusal:
        fetch_keys(url, may_be_private=may_be_private)
    assert refusal.value.code == code
    return refusal.value.reason


def test_the_keys_it_publishes() -> None:
    with make.platform() as platform:
        assert fetch_keys(platform.url, may_be_private=True) == normalise_keys(make.key_set(*platform.keys))


@pytest.mark.parametrize("said", ["{url}/", "http://localhost", ["{url}"], None, 5])
def test_a_document_of_another_issuer(said: Any) -> None:
    with make.platform() as platform:
        issuer = said.format(url=platform.url) if isinstance(said, str) else said
        document = {"issuer": issuer, "jwks_uri": f"{platform.url}/keys"}
        platform.documents[WELL_KNOWN] = (200, json.dumps(document).encode(), {})
        refused("issuer.discovery", platform.url)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        (None, "issuer.discovery"),
        (["x"], "issuer.discovery"),
        ("file:///etc/passwd", "issuer.url"),
        ("http://issuer.example/keys", "issuer.url"),
    ],
)
def test_keys_that_are_said_to_be_nowhere_or_elsewhere(where: Any, code: str) -> None:
    with make.platform() as platform:
        platform.documents[WELL_KNOWN] = (200, json.dumps({"issuer": platform.url, "jwks_uri": where}).encode(), {})
        refused(code, platform.url)


@pytest.mark.parametrize("path", [WELL_KNOWN, "/keys"])
@pytest.mark.parametrize("status", [301, 302, 307, 404, 500, 204])
def test_nothing_but_200_and_no_redirect_is_followed(path: str, status: int) -> None:
    with make.platform() as platform:
        platform.documents[path] = (status, b"", {"Location": f"{platform.url}/elsewhere"})
        refused("issuer.unreachable", platform.url)
        assert "/elsewhere" not in platform.asked


def test_not_more_than_so_many_bytes() -> None:
    with make.platform() as platform:
        platform.documents["/keys"] = (200, make.key_set() + b" " * MAX_DOCUMENT_BYTES, {})
        assert "more than" in refused("issuer.unreachable", platform.url)


def test_nobody_there() -> None:
    with make.platform() as platform:
        pass
    refused("issuer.unreachable", platform.url)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "[fe80::1]",
        "[::ffff:10.0.0.1]",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "2130706433",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b::8.8.8.8]",
        "[64:ff9b:1::10.0.0.1]",
        "[2002:a00:1::]",
        "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
        "[::10.0.0.1]",
        "[::8.8.8.8]",
        "[fec0::1]",
    ],
)
def test_no_address_that_is_not_public(host: str) -> None:
    refused("issuer.private_address", f"https://{host}", may_be_private=False)


def test_what_a_public_issuer_says_does_not_lead_inside() -> None:
    """The second address is held against the same rule as the first."""
    with make.platform() as platform:
        platform.documents[WELL_KNOWN] = (200, json.dumps({"issuer": platform.url, "jwks_uri": "http://10.0.0.1/keys"}).encode(), {})
        refused("issuer.url", platform.url)


def test_http_of_this_machine_only_where_private_addresses_are_allowed() -> None:
    with make.platform() as platform:
        refused("issuer.url", platform.url, may_be_private=False)
        assert platform.asked == []


def certificate_for(name: str, folder: Path) -> Path:
    """A self-signed certificate and its key in one file."""
    key, now = make.ec_key("tls"), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / f"{name}.pem"
    file.write_bytes(built.sign(key, SHA256()).public_bytes(Encoding.PEM) + private)
    return file


def test_over_tls_only_with_a_certificate_of_that_name_that_this_machine_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, other = certificate_for("localhost", tmp_path), certificate_for("other.example", tmp_path)
    with make.platform(certificate=good) as platform:
        refused("issuer.unreachable", platform.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(good))
        assert fetch_keys(platform.url, may_be_private=True) == normalise_keys(make.key_set(*platform.keys))
    with make.platform(certificate=other) as platform:
        monkeypatch.setenv("SSL_CERT_FILE", str(other))
        assert "SSLCertVerificationError" in refused("issuer.unreachable", platform.url)
        assert platform.asked == []
