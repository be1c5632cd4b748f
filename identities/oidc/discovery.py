"""What an OpenID provider publishes of itself (OpenID Connect Discovery 1.0, section 4), kept for a few minutes.

Asked for as an issuer's keys are (`identities.workload.fetch_keys`): the exact issuer, no redirects, bounded, nowhere that is not public
unless the provider's `config` has `may_be_private`. Not checked here: anything that a person or a token says.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.cache import cache

from identities.models import IdentityProvider
from identities.outgoing import LOOPBACK
from identities.workload.fetch_keys import WELL_KNOWN, refuse_url, speak_to
from proofs.canonical import parse_json
from proofs.errors import Malformed, Unavailable, Unproven
from proofs.tokens.compact import read_token
from proofs.tokens.key_set import normalise_keys, read_keys

KEPT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where an OpenID provider is spoken to. `userinfo` is empty where it has none; `basic` says how the client's secret is sent, and
    `names_itself` that every answer a browser brings names the provider (RFC 9207, section 3).
    """

    authorization: str
    token: str
    keys: str
    userinfo: str
    basic: bool
    names_itself: bool = False


def endpoints_of(provider: IdentityProvider) -> Endpoints:
    """Return a provider's addresses, at most `KEPT_SECONDS` old.

    Refuses with `issuer.url`, `issuer.private_address`, `issuer.unreachable` or `issuer.discovery`.
    """
    name = _cache_name(provider, "endpoints")
    kept = cache.get(name)
    if kept is None:
        kept = asdict(_discover(provider))
        cache.set(name, kept, KEPT_SECONDS)
    return Endpoints(**kept)


def keys_of_provider(provider: IdentityProvider, *, unverified_token: str = "", fresh: bool = False) -> bytes:
    """Return the canonical document of a provider's keys, at most `KEPT_SECONDS` old, or asked for now (`fresh`).

    A key name of `unverified_token` that is not among the kept ones has the keys asked for once more: they may have been rotated. Refuses as
    `endpoints_of` and `normalise_keys` do, or with `token.*` when the token is none.
    """
    name = _cache_name(provider, "keys")
    kept: bytes | None = None if fresh else cache.get(name)
    if kept is not None and unverified_token:
        kid = read_token(unverified_token).kid
        kept = kept if any(key.kid == kid for key in read_keys(kept)) else None
    if kept is None:
        kept = normalise_keys(_get(endpoints_of(provider).keys, provider))
        cache.set(name, kept, KEPT_SECONDS)
    return kept


def may_be_private(provider: IdentityProvider) -> bool:
    """Say whether the operator allows this provider to be at an address that is not public."""
    return provider.config.get("may_be_private") is True


def _discover(provider: IdentityProvider) -> Endpoints:
    document = parse_json(_get(provider.issuer.rstrip("/") + WELL_KNOWN, provider))
    said = document.get("issuer") if isinstance(document, dict) else None
    if said != provider.issuer:
        raise Unproven("issuer.discovery", f"got a document of the issuer {str(said)[:200]!r}, expected {provider.issuer!r}, to the letter")
    authorization = _browser_address(document, may_be_private=may_be_private(provider))
    token, keys = (_address(document, name, provider) for name in ("token_endpoint", "jwks_uri"))
    userinfo = _address(document, "userinfo_endpoint", provider) if "userinfo_endpoint" in document else ""
    # Without the member it is client_secret_basic (Discovery, section 3).
    known = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    wanted = provider.config.get("token_auth_method")
    basic = wanted == "client_secret_basic" if wanted else isinstance(known, list) and "client_secret_basic" in known
    names_itself = document.get("authorization_response_iss_parameter_supported") is True
    return Endpoints(authorization=authorization, token=token, keys=keys, userinfo=userinfo, basic=basic, names_itself=names_itself)


def _address(document: dict[str, Any], name: str, provider: IdentityProvider) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise Unproven("issuer.discovery", f"got a document without {name}, expected the provider's addresses")
    refuse_url(value, may_be_private=may_be_private(provider))
    return value


def _browser_address(document: dict[str, Any], *, may_be_private: bool) -> str:
    # People are sent there; a query is allowed (RFC 6749 section 3.1), a fragment is not.
    value = document.get("authorization_endpoint")
    try:
        parts = urlsplit(value) if isinstance(value, str) and value.isascii() and value.isprintable() else urlsplit("")
        host = parts.hostname
    except ValueError as error:
        raise Malformed("issuer.url", f"got {str(value)[:200]!r}, expected an https address") from error
    plain_http = parts.scheme == "http" and may_be_private and host in LOOPBACK
    if not isinstance(value, str) or not host or parts.fragment or not (parts.scheme == "https" or plain_http):
        raise Unproven("issuer.discovery", "got a document without an https authorization_endpoint, expected where people sign in")
    return value


def _get(url: str, provider: IdentityProvider) -> bytes:
    status, content = speak_to(url, may_be_private=may_be_private(provider))
    if status != 200:
        raise Unavailable("issuer.unreachable", f"{url} answered {status}, expected 200; redirects are not followed")
    return content


def _cache_name(provider: IdentityProvider, what: str) -> str:
    # A change to the provider makes what is kept of it old.
    return f"oidc:{provider.pk}:{provider.changed_at.timestamp()}:{what}"
