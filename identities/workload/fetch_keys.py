"""An issuer's keys as it publishes them now, by OpenID Connect Discovery: two documents over https, and nothing else of them is used.

How an address is reached, and which must not be, is `identities.outgoing`. Not checked here: whether this issuer is to be believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from identities.outgoing import LOOPBACK, Message, send
from proofs.canonical import parse_json
from proofs.errors import Malformed, Unavailable, Unproven
from proofs.tokens.key_set import MAX_DOCUMENT_BYTES, normalise_keys

WELL_KNOWN = "/.well-known/openid-configuration"


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
    said = {"Accept": "application/json", **(headers or {})}
    if form is not None:
        said["Content-Type"] = "application/x-www-form-urlencoded"
    parts = urlsplit(url)
    message = Message("GET" if form is None else "POST", parts.path or "/", "issuer", body=form, headers=said)
    return send(message, parts, may_be_private=may_be_private, most_bytes=MAX_DOCUMENT_BYTES)
