"""An issuer's keys as it publishes them now, by OpenID Connect Discovery: two documents over https, and nothing else of them is used.

The address is looked up once, held against what may be reached, and that very address is spoken to: a name cannot lead elsewhere between
the check and the call. Redirects are not followed, sizes and times are bounded. Not checked here: whether this issuer is to be believed.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from proofs.canonical import parse_json
from proofs.errors import Malformed, NotAllowed, Unavailable, Unproven
from proofs.tokens.key_set import MAX_DOCUMENT_BYTES, normalise_keys

WELL_KNOWN = "/.well-known/openid-configuration"
# For one document once there is a connection; and for any one step, making the connection among them.
DOCUMENT_SECONDS = 8.0
STEP_SECONDS = 4.0
MOST_ADDRESSES = 3
# They stand for an IPv4 address, which may be private, or for an inside of old: NAT64, 6to4, Teredo, IPv4-compatible, site-local.
LEADING_INSIDE = tuple(
    ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10")
)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def fetch_keys(issuer_url: str, *, may_be_private: bool) -> bytes:
    """Return the canonical document of the issuer's keys.

    Refuses with `issuer.url`, `issuer.private_address`, `issuer.unreachable`, `issuer.discovery`, or as `normalise_keys` does.
    """
    document = parse_json(_get(issuer_url.rstrip("/") + WELL_KNOWN, may_be_private=may_be_private))
    said = document.get("issuer") if isinstance(document, dict) else None
    if said != issuer_url:
        raise Unproven("issuer.discovery", f"got a document of the issuer {str(said)[:200]!r}, expected {issuer_url!r}, to the letter")
    keys_url = document.get("jwks_uri")
    if not isinstance(keys_url, str):
        raise Unproven("issuer.discovery", "got a document that does not say where the keys are (jwks_uri)")
    return normalise_keys(_get(keys_url, may_be_private=may_be_private))


def refuse_url(url: str, *, may_be_private: bool) -> None:
    """Return when this is a plain https address, or, where private ones are allowed, http of this machine; refuses with `issuer.url`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Malformed("issuer.url", f"got {url[:200]!r}, expected an https address") from error
    secure = parts.scheme == "https" or (parts.scheme == "http" and may_be_private and parts.hostname in LOOPBACK)
    plain = url.isascii() and url.isprintable() and " " not in url and not (parts.query or parts.fragment or "?" in url or "#" in url)
    if not secure or not plain or not parts.hostname or parts.username is not None or port == 0 or len(url) > 300:
        raise Malformed("issuer.url", f"got {url[:200]!r}, expected an https address without query, fragment or user name")


def _get(url: str, *, may_be_private: bool) -> bytes:
    status, content = speak_to(url, may_be_private=may_be_private)
    if status != 200:
        raise Unavailable("issuer.unreachable", f"{url} answered {status}, expected 200; redirects are not followed")
    return content


def speak_to(url: str, *, may_be_private: bool, form: bytes | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Return the status and body that an issuer's address answers with, to a question or to a form that is sent.

    Refuses with `issuer.url`, `issuer.private_address` or `issuer.unreachable`. Not checked: what the status says.
    """
    refuse_url(url, may_be_private=may_be_private)
    parts = urlsplit(url)
    host, secure = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        connection = _Connection(host, port, addresses=_addresses_of(host, port, may_be_private=may_be_private), secure=secure)
        connection.connect()
        # A server that sends a byte now and then would pass every single step; the line is cut when its time is over.
        cut = threading.Timer(DOCUMENT_SECONDS, socket.socket.shutdown, (connection.sock, socket.SHUT_RDWR))
        cut.daemon = True
        cut.start()
        try:
            said = {"Accept": "application/json", "Connection": "close", **(headers or {})}
            if form is not None:
                said["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("GET" if form is None else "POST", parts.path or "/", body=form, headers=said)
            with connection.getresponse() as answer:
                status, content = answer.status, answer.read(MAX_DOCUMENT_BYTES + 1)
        finally:
            cut.cancel()
            connection.close()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise Unavailable("issuer.unreachable", f"{url} did not answer as it should: {type(error).__name__}") from error
    if len(content) > MAX_DOCUMENT_BYTES:
        raise Unavailable("issuer.unreachable", f"{url} sends more than {MAX_DOCUMENT_BYTES} bytes")
    return status, content


def _addresses_of(host: str, port: int, *, may_be_private: bool) -> list[str]:
    """Look the name up, once. Every address it has must be one that may be reached."""
    found = list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    if not may_be_private and not all(_is_public(address) for address in found):
        raise NotAllowed(
            "issuer.private_address", f"{host} leads to an address that is not public; the operator may allow that for an issuer"
        )
    return found


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    inner = getattr(address, "ipv4_mapped", None) or address
    if isinstance(inner, ipaddress.IPv6Address) and any(inner in network for network in LEADING_INSIDE):
        return False
    return inner.is_global and not inner.is_multicast


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
