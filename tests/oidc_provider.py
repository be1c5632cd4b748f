"""Starts the certified OpenID provider of tests/oidc_provider, and walks through its pages as a browser does."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urljoin, urlsplit

from tests.environment import FOLDER
from tests.make_sign_ins import SECRET
from tests.requirements import skip_or_fail

HERE = Path(__file__).resolve().parent / "oidc_provider"
PORTAL = "http://localhost:8000"


class Certified:
    """The running provider. `steer` says who signs in next; `authorize` goes through it and returns what comes back."""

    def __init__(self, url: str) -> None:
        self.url = url

    def steer(self, subject: str = "s-erin", *, amr: tuple[str, ...] = ("pwd",), refuses: bool = False, **claims: Any) -> None:
        document = {"subject": subject, "claims": claims, "amr": list(amr), "refuses": refuses}
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(self.url).port or 80, timeout=10)
        connection.request("POST", "/steer", body=json.dumps(document))
        assert connection.getresponse().status == 204
        connection.close()

    def authorize(self, url: str, *, browser: Browser | None = None) -> dict[str, str]:
        back = (browser or Browser()).follow(url)
        assert back.startswith(PORTAL), back
        return dict(parse_qsl(urlsplit(back).query))


class Browser:
    """Keeps cookies and follows redirects until they lead to the portal."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(CookieJar(DefaultCookiePolicy(rfc2965=True))), _Stay()
        )

    def follow(self, url: str) -> str:
        for _ in range(10):
            if url.startswith(PORTAL):
                return url
            try:
                with self._opener.open(url, timeout=20) as answer:
                    raise AssertionError(f"{url} answered {answer.status}: {answer.read(2000)!r}")
            except HTTPError as answer:
                with answer:
                    if answer.code not in (302, 303):
                        raise AssertionError(f"{url} answered {answer.code}: {answer.read(2000)!r}") from answer
                    url = urljoin(url, answer.headers["Location"])
        raise AssertionError("it goes round and round")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def install() -> None:
    """Install the pinned packages once. Skips where there is no Node.js, unless the run demands everything."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        skip_or_fail("no node and npm found; install them with: apt-get install -y nodejs npm")
    wanted = (HERE / "package-lock.json").read_bytes()
    stamp = HERE / "node_modules" / ".installed"
    if stamp.is_file() and stamp.read_bytes() == wanted:
        return
    cache = ["--cache", str(FOLDER / "npm")]
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", *cache], cwd=HERE, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        skip_or_fail(f"npm ci in tests/oidc_provider failed: {done.stderr[-400:]}")
    stamp.write_bytes(wanted)


@contextmanager
def certified(*, auth_method: str = "client_secret_basic", claims_in_token: bool = True) -> Iterator[Certified]:
    """The provider, for as long as the block lasts."""
    install()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    environment = {
        **os.environ,
        "ISSUER": url,
        "PORTAL": PORTAL,
        "CLIENT_SECRET": SECRET,
        "AUTH_METHOD": auth_method,
        "CLAIMS_IN_TOKEN": "1" if claims_in_token else "",
        "COOKIE_KEY": "of this test run",
    }
    process = subprocess.Popen(
        ["node", "server.mjs"], cwd=HERE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        # What it says before are warnings about its own keys, which it makes up for development.
        assert any(line.strip() == "ready" for line in process.stdout), "the provider did not start"
        yield Certified(url)
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()
