"""An OpenID provider that says what a test wants, with real signatures and over a real line: what no certified one can be made to do."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from django.test import Client
from django.utils import timezone

from identities.models import Identity, IdentityProvider
from identities.seal import seal
from tests import cast
from tests import make_sso as sso
from tests import make_tokens as tokens

CLIENT, SECRET = "countersign", "a secret: with +signs/ and 100%"
LOGIN = "/accounts/oidc/corp/login/"


@dataclass
class Liar:
    """A provider: `claims` and `userinfo` change what it says, None leaves a member out; `keys` is what it publishes."""

    url: str
    key: Any = field(default_factory=lambda: ("rsa", tokens.rsa_key()))
    keys: list[dict[str, Any]] = field(default_factory=lambda: [tokens.jwk(tokens.rsa_key(), "rsa")])
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=lambda: {"name": "Erin Malik"})
    documents: dict[str, Any] = field(default_factory=dict)
    methods: list[str] = field(default_factory=lambda: ["client_secret_basic", "client_secret_post"])
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    subject: str = "s-erin"
    asked: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def authorize(self, url: str) -> dict[str, str]:
        """The person signs in; return what the browser brings back."""
        question = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_hex(8)
        self.codes[code] = question
        return {"state": question["state"], "code": code, "iss": self.url}

    def answer(self, path: str, headers: Any, form: dict[str, str] | None) -> tuple[int, Any]:
        """What it says to a question, or to a form."""
        self.asked.append(path)
        usual = {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize?tenant=corp",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "token_endpoint_auth_methods_supported": self.methods,
            },
            "/keys": {"keys": self.keys},
        }
        if path in self.documents:
            return 200, self.documents[path]
        if path == "/userinfo":
            return 200, {"sub": self.subject, **self.userinfo}
        if path == "/token" and form is not None:
            return self._tokens(headers, form)
        return (200, usual[path]) if path in usual else (404, {})

    def _tokens(self, headers: Any, form: dict[str, str]) -> tuple[int, Any]:
        given = headers.get("Authorization", "")
        pair = f"{CLIENT}:a+secret%3A+with+%2Bsigns%2F+and+100%25"
        basic = given == "Basic " + base64.b64encode(pair.encode()).decode()
        post = (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        self.shown.append("basic" if basic else "post" if post else "nothing")
        if not (basic or post):
            return 401, {"error": "invalid_client"}
        question = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if question is None or question["code_challenge"] != challenge or question["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": self.id_token(question["nonce"])}

    def id_token(self, nonce: str) -> str:
        """What it signs."""
        second = int(timezone.now().timestamp())
        usual = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": self.subject,
            "nonce": nonce,
            "iat": second,
            "exp": second + 300,
            "auth_time": second,
        }
        said = {name: value for name, value in {**usual, **self.claims}.items() if value is not None}
        kid, key = self.key
        return tokens.sign(said, header={"alg": "RS256", "kid": kid, "typ": "JWT"}, key=key)

    def rotate(self) -> None:
        """From now on another key signs, and is the only one published."""
        self.key = ("next", tokens.rsa_key("next"))
        self.keys = [tokens.jwk(tokens.rsa_key("next"), "next")]


@contextmanager
def liar() -> Iterator[Liar]:
    """The provider on this machine for as long as the block lasts."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(*served.answer(self.path, self.headers, None))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._say(*served.answer(self.path, self.headers, {name: values[0] for name, values in parse_qs(body).items()}))

        def _say(self, status: int, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    served = Liar(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def provider_at(
    url: str, *, slug: str = "corp", secret: str = SECRET, config: dict[str, Any] | None = None, **more: Any
) -> IdentityProvider:
    """The row of an OpenID provider on this machine, with its secret sealed and a rule that lets the group `releases` approve."""
    row = sso.provider(slug, issuer=url, client_id=CLIENT, config={"may_be_private": True, **(config or {})}, **more)
    row.sealed_secret = seal(secret, owner=row.pk) if secret else None
    row.save(update_fields=["sealed_secret"])
    sso.rules(sso.rule("releases", "approver:release"), slug=slug)
    return row


def known_at(
    row: IdentityProvider, subject: str = "s-erin", *, now: datetime = cast.NOW, groups: tuple[str, ...] = ("releases",)
) -> Identity:
    """Erin, who came in by this provider before."""
    account = sso.arrive(subject, *groups, provider=row, now=now)
    assert account.identity is not None
    return account.identity


def way_out(client: Client, path: str = LOGIN, **form: str) -> str:
    """Press the provider's button; return the address the page between leads to."""
    page = client.post(path, form).content.decode()
    found = re.search(r'<a class="button button-primary button-wide" href="([^"]+)" rel="noreferrer">', page)
    assert found, page
    return html.unescape(found[1])
