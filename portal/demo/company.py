"""The company's identity provider: OpenID Connect as providers speak it, on this machine, for as long as somebody enrols a key.

It publishes itself and its keys, and gives a signed ID token for a code, once, to whoever proves to be the portal and to have asked. Nobody
is asked for a password there: who signs in is said by who holds the object. Nobody outside should ever trust it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from portal.demo.clock import Clock

CLIENT = "countersign"
KEY_NAME = "company-1"
LIFE_SECONDS = 300
Answer = tuple[int, dict[str, Any]]


class Company:
    """A provider that answers while it is entered; its time is the demo's. `secret` is what the portal proves itself by."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._asked: dict[str, dict[str, str]] = {}
        self.secret = secrets.token_urlsafe(32)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.answer))

    @property
    def issuer(self) -> str:
        """Its own name, which is also where it is spoken to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Company:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def sign_in(self, url: str, subject: str) -> tuple[str, str]:
        """Let a person sign in at the address the portal sent them to; return the state and the code they come back with."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_urlsafe(32)
        self._asked[code] = {**asked, "subject": subject}
        return asked["state"], code

    def answer(self, path: str, form: dict[str, list[str]], authorization: str) -> Answer:
        """Return the status and the document that one of its addresses answers with."""
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
        if path == "/keys":
            public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
            return 200, {"keys": [{**public, "kid": KEY_NAME, "alg": "ES256", "use": "sig"}]}
        if path == "/token":
            return self._give_token({name: values[0] for name, values in form.items()}, authorization)
        return 404, {"error": "not_found"}

    def _give_token(self, form: dict[str, str], authorization: str) -> Answer:
        known = base64.b64encode(f"{CLIENT}:{self.secret}".encode()).decode()
        if not secrets.compare_digest(authorization, f"Basic {known}"):
            return 401, {"error": "invalid_client"}
        asked = self._asked.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != proof or asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        second = int(self._clock.now.timestamp())
        said = {
            "iss": self.issuer,
            "aud": asked["client_id"],
            "sub": asked["subject"],
            "nonce": asked["nonce"],
            "iat": second,
            "exp": second + LIFE_SECONDS,
            "auth_time": second,
            "amr": ["pwd", "otp"],
        }
        token = jwt.encode(said, self._key, algorithm="ES256", headers={"kid": KEY_NAME})
        return 200, {"token_type": "Bearer", "expires_in": LIFE_SECONDS, "access_token": secrets.token_urlsafe(16), "id_token": token}


def _handler(answer: Callable[[str, dict[str, list[str]], str], Answer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(*answer(self.path, {}, ""))

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
            self._send(*answer(self.path, form, self.headers.get("Authorization", "")))

        def _send(self, status: int, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing: the terminal shows how far the sample is."""

    return Handler
