"""Speak over https to an address that somebody else named: one request, one answer, bounded in size and time.

The name is looked up once, every address it has is held against what may be reached, and that very address is spoken to: a name cannot lead
elsewhere between the check and the call. Redirects are not followed. Not checked here: who answers, beyond its certificate, and what.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult

from proofs.errors import NotAllowed, Unavailable

# For one answer once there is a connection; and for any one step, making the connection among them.
ANSWER_SECONDS = 8.0
STEP_SECONDS = 4.0
MOST_ADDRESSES = 3
# All that IANA has given out as global unicast (RFC 4291, 2.4). Everything else stands for an IPv4 address, is an inside, or is nobody's yet.
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Of it and of IPv4, what leads elsewhere than it says: 6to4 and its relays, Teredo, what a router answers itself; and for documents.
LEADING_INSIDE = tuple(ipaddress.ip_network(text) for text in ("2002::/16", "2001::/32", "3fff::/20", "192.88.99.0/24", "192.0.0.0/24"))
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, and the first word of the codes it is refused with. `path` is the path and query of the address."""

    method: str
    path: str
    refused_as: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def send(message: Message, to: SplitResult, *, may_be_private: bool, most_bytes: int) -> tuple[int, bytes]:
    """Return status and body of the answer of the http or https address `to`, of which the caller has checked the form.

    Refuses with `<refused_as>.private_address` or `<refused_as>.unreachable`, the latter also for an answer above `most_bytes`.
    """
    host, secure = str(to.hostname), to.scheme == "https"
    port, unreachable = to.port or (443 if secure else 80), f"{message.refused_as}.unreachable"
    try:
        addresses = _addresses_of(host, port, may_be_private=may_be_private, refused_as=message.refused_as)
        connection = _Connection(host, port, addresses=addresses, secure=secure)
        connection.connect()
        # A server that sends a byte now and then would pass every single step; the line is cut when its time is over.
        cut = threading.Timer(ANSWER_SECONDS, socket.socket.shutdown, (connection.sock, socket.SHUT_RDWR))
        cut.daemon = True
        cut.start()
        try:
            connection.request(message.method, message.path, body=message.body, headers={"Connection": "close", **message.headers})
            with connection.getresponse() as answer:
                status, content = answer.status, answer.read(most_bytes + 1)
        finally:
            cut.cancel()
            connection.close()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise Unavailable(unreachable, f"{to.geturl()} did not answer as it should: {type(error).__name__}") from error
    if len(content) > most_bytes:
        raise Unavailable(unreachable, f"{to.geturl()} sends more than {most_bytes} bytes")
    return status, content


def _addresses_of(host: str, port: int, *, may_be_private: bool, refused_as: str) -> list[str]:
    """Look the name up, once. Every address it has must be one that may be reached."""
    found = list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    if not may_be_private and not all(_is_public(address) for address in found):
        words = f"{host} leads to an address that is not public; the operator may allow that"
        raise NotAllowed(f"{refused_as}.private_address", words)
    return found


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    inner = getattr(address, "ipv4_mapped", None) or address
    if isinstance(inner, ipaddress.IPv6Address) and inner not in GLOBAL_UNICAST:
        return False
    return inner.is_global and not inner.is_multicast and not any(inner in network for network in LEADING_INSIDE)


class _Connection(http.client.HTTPConnection):
    """Speaks to one of the addresses that were looked up before, under the name they were looked up by."""

    def __init__(self, host: str, port: int, *, addresses: list[str], secure: bool) -> None:
        super().__init__(host, port, timeout=STEP_SECONDS)
        self._addresses, self._secure = addresses, secure

    def connect(self) -> None:
        failed: OSError = OSError("the name has no address")
        for address in self._addresses[:MOST_ADDRESSES]:
            try:
                line = socket.create_connection((address, self.port), STEP_SECONDS)
                self.sock = ssl.create_default_context().wrap_socket(line, server_hostname=self.host) if self._secure else line
                return
            except OSError as error:
                failed = error
        raise failed
