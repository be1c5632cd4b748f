"""A few clients that never finish what they send do not keep the others out."""

from __future__ import annotations

import socket
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live import live_portal

pytestmark = [pytest.mark.slow, pytest.mark.once]
SLOW_CLIENTS = 24


def test_the_portal_answers_beside_slow_clients(tmp_path: Path) -> None:
    with live_portal(tmp_path) as portal, ExitStack() as connections:
        portal.start()
        port = int(portal.url.rsplit(":", 1)[1])
        head = f"POST /accounts/login/ HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 1000\r\nCookie: csrf={'a' * 32}\r\n"
        form = "Content-Type: application/x-www-form-urlencoded\r\n\r\nlogin="
        for _ in range(SLOW_CLIENTS):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            connection.sendall((head + form).encode())
        time.sleep(1)
        for address in ("/healthz", "/accounts/login/"):
            with urllib.request.urlopen(portal.url + address, timeout=15) as answer:
                assert answer.status == 200
