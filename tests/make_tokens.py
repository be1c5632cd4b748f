"""A platform that issues workload tokens: real RSA and P-256 keys, a published key set, tokens as three platforms write them, and a server."""

from __future__ import annotations

import json
import ssl
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from identities.models import TokenIssuer, WorkloadBinding
from identities.workload.bind import bind_workload
from identities.workload.issuers import add_token_issuer
from tests import cast

ISSUER = cast.GITHUB_ISSUER
PORTAL = "http://localhost:8000"
SUBJECT = "repo:payments/api:environment:production"


def rsa_key(name: str = "rsa") -> RSAPrivateKey:
    """A key by name: the same one again for the same name."""
    return _rsa_key(name)


@cache
def _rsa_key(_name: str) -> RSAPrivateKey:
    return generate_rsa(public_exponent=65537, key_size=2048)


def ec_key(name: str = "ec") -> EllipticCurvePrivateKey:
    """The same of the other type."""
    return _ec_key(name)


@cache
def _ec_key(_name: str) -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


def encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8))


def jwk(key: RSAPrivateKey | EllipticCurvePrivateKey, kid: str) -> dict[str, Any]:
    """The public half as an issuer publishes it."""
    if isinstance(key, RSAPrivateKey):
        rsa = key.public_key().public_numbers()
        return {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": _number(rsa.n), "e": _number(rsa.e)}
    ec = key.public_key().public_numbers()
    x, y = (encode(value.to_bytes(32)) for value in (ec.x, ec.y))
    return {"kty": "EC", "kid": kid, "use": "sig", "alg": "ES256", "crv": "P-256", "x": x, "y": y}


def key_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": list(keys) or [jwk(rsa_key(), "rsa"), jwk(ec_key(), "ec")]}).encode()


def claims(now: datetime, **changes: Any) -> dict[str, Any]:
    """What GitHub says of a job; a change of None leaves the claim out."""
    second = int(now.timestamp())
    usual = {
        "iss": ISSUER,
        "aud": PORTAL,
        "sub": SUBJECT,
        "repository_id": "74",
        "workflow_ref": "payments/api/.github/workflows/release.yml@refs/heads/main",
        "iat": second,
        "nbf": second - 600,
        "exp": second + 300,
        "jti": "3f0c9d1e-1",
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def sign(said: dict[str, Any] | bytes, *, header: dict[str, Any] | bytes | None = None, key: Any = None) -> str:
    """A token over exactly these claims and this header, signed whatever they say; RS256 with the key `rsa` unless told."""
    key = key or rsa_key()
    usual = {
        "typ": "JWT",
        "alg": "RS256" if isinstance(key, RSAPrivateKey) else "ES256",
        "kid": "rsa" if isinstance(key, RSAPrivateKey) else "ec",
    }
    first = header if isinstance(header, bytes) else json.dumps(header if header is not None else usual).encode()
    middle = said if isinstance(said, bytes) else json.dumps(said).encode()
    signed = f"{encode(first)}.{encode(middle)}"
    return f"{signed}.{encode(signature(key, signed.encode()))}"


def signature(key: RSAPrivateKey | EllipticCurvePrivateKey, signed: bytes) -> bytes:
    if isinstance(key, RSAPrivateKey):
        return key.sign(signed, PKCS1v15(), SHA256())
    return b"".join(number.to_bytes(32) for number in decode_dss_signature(key.sign(signed, ECDSA(SHA256()))))


def issuer(**changes: Any) -> TokenIssuer:
    """The platform, its keys stored by hand."""
    usual = {"url": ISSUER, "name": "GitHub Actions", "keys_document": key_set(), "by": None, "now": cast.NOW}
    found = TokenIssuer.objects.filter(url=changes.get("url", ISSUER), removed_at__isnull=True).first()
    return found or add_token_issuer(**{**usual, **changes})


def binding(**changes: Any) -> WorkloadBinding:
    """Bob's workflow, bound to the tokens of its production environment."""
    usual = {"identity": cast.runner(), "claims": {"sub": SUBJECT}, "scopes": ["read", "gates:decide"], "by": None, "now": cast.NOW}
    return bind_workload(**{**usual, "issuer": changes.pop("issuer", None) or issuer(), **changes})


class Platform:
    """What a server on this machine publishes: change `keys` or `documents` and it says so with the next question."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys = [jwk(rsa_key(), "rsa")]
        self.documents: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.asked: list[str] = []

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        self.asked.append(path)
        if path in self.documents:
            return self.documents[path]
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode(), {}
        return (200, key_set(*self.keys), {}) if path == "/keys" else (404, b"", {})


@contextmanager
def platform(*, certificate: Path | None = None) -> Iterator[Platform]:
    """A real server on this machine for as long as the block lasts; with a certificate and its key in one file it speaks TLS."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = served.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    served = Platform(f"http://127.0.0.1:{server.server_address[1]}")
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        # A client that hangs up over the certificate is what is tried here, and no news.
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        served.url = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
