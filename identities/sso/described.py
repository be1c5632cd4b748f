"""What is said of an identity provider when it is added or changed, read and checked: from a page, a command or the operator's file.

Not checked here: that the provider answers, or that it is run well. Whoever adds it tries it.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from django.conf import settings

from identities.models import IdentityProvider
from identities.plain_text import plain_text
from identities.workload.fetch_keys import refuse_url
from proofs.errors import Malformed, NotAllowed

Protocol = IdentityProvider.Protocol
MAX_CERTIFICATES = 10
MAX_SECRET = 1000
# Addresses of pages of their own, and what sign-ins are written down under that are none of a provider.
RESERVED = frozenset({"add", "local", "password", "passkey"})
# What an assertion's attributes may be named for; without a name, the usual ones are looked at.
ATTRIBUTES = ("subject", "username", "name", "email")
NAME_ID_FORMATS = ("persistent", "emailAddress", "unspecified")
_CODE = "sso.provider"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Described:
    """One provider as somebody describes it. `client_secret` None leaves the one that is there; empty is none.

    `scope`, `may_be_private` and `second_factor` are OpenID's; the last lists what the provider says in `acr` when it asked for two factors,
    which its sign-ins in place of a passkey are weighed by. The rest is SAML's: `certificates` as base64 of their DER, `attributes` by which of an assertion's
    holds the subject, username, name and email, and the last word of the name id's format (SAML 2.0 Core, section 8.3).
    """

    name: str
    protocol: str
    issuer: str
    client_id: str = ""
    client_secret: str | None = None
    scope: tuple[str, ...] = ()
    may_be_private: bool = False
    second_factor: tuple[str, ...] = ()
    sso_url: str = ""
    certificates: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    name_id_format: str = ""
    groups_claim: str = "groups"
    admits_unregistered: bool = False

    def config(self) -> dict[str, Any]:
        """Return what the row keeps besides its columns; nothing of it is secret."""
        if self.protocol == Protocol.SAML:
            named = {f"{name}_attribute": value for name, value in self.attributes.items()}
            version = "1.1" if self.name_id_format in ("emailAddress", "unspecified") else "2.0"
            form = (
                {"name_id_format": f"urn:oasis:names:tc:SAML:{version}:nameid-format:{self.name_id_format}"} if self.name_id_format else {}
            )
            return {"sso_url": self.sso_url, "certificates": list(self.certificates), **named, **form}
        said: dict[str, Any] = {"scope": list(self.scope)} if self.scope else {}
        said |= {"second_factor": list(self.second_factor)} if self.second_factor else {}
        return said | ({"may_be_private": True} if self.may_be_private else {})


def check_described(said: Described, *, is_operator: bool) -> Described:
    """Return what is said, tidied. Refuses with `sso.provider`, `sso.issuer`, `sso.certificate`, `sso.operator_only` or as `refuse_url` does."""
    if said.protocol not in Protocol.values:
        raise Malformed(_CODE, f"got the protocol {said.protocol[:20]!r}, expected oidc or saml")
    if said.may_be_private and not is_operator:
        raise NotAllowed("sso.operator_only", "got a private address, which only the operator at the console allows")
    text: dict[str, Any] = {
        "name": plain_text(said.name, what="provider.name", code=_CODE, limit=80),
        "issuer": plain_text(said.issuer, what="provider.issuer", code="sso.issuer", limit=300),
        "groups_claim": plain_text(said.groups_claim, what="provider.groups_claim", code=_CODE, limit=120),
    }
    if text["issuer"].rstrip("/").lower() == settings.ORIGIN.rstrip("/").lower():
        # People registered here carry this issuer; whoever speaks for it could be any of them.
        raise Malformed("sso.issuer", "got this portal's own address, expected the provider's issuer or entity id")
    own = _check_saml(said) if said.protocol == Protocol.SAML else _check_oidc(said, text["issuer"])
    return Described(protocol=said.protocol, admits_unregistered=said.admits_unregistered, **text, **own)


def check_slug(slug: str) -> str:
    """Return the slug. Refuses with `sso.slug`."""
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", slug) or slug in RESERVED:
        words = f"got the short name {slug[:60]!r}, expected up to 40 of a to z, 0 to 9 and hyphens inside, and none of {', '.join(sorted(RESERVED))}"
        raise Malformed("sso.slug", words)
    return slug


def read_certificates(text: str) -> tuple[str, ...]:
    """Return the certificates of a text, PEM or bare base64, as base64 of their DER. Refuses with `sso.certificate`."""
    blocks = _PEM.findall(text) or ([text] if text.strip() else [])
    if not 1 <= len(blocks) <= MAX_CERTIFICATES:
        raise Malformed("sso.certificate", f"got {len(blocks)} certificates, expected 1 to {MAX_CERTIFICATES} of the provider's, in PEM")
    return tuple(_certificate("".join(block.split())) for block in blocks)


def _certificate(text: str) -> str:
    try:
        read = load_der_x509_certificate(b64decode(text, validate=True))
    except ValueError as error:
        raise Malformed("sso.certificate", f"got {text[:30]!r}, expected an X.509 certificate in PEM") from error
    return b64encode(read.public_bytes(Encoding.DER)).decode()


def _check_oidc(said: Described, issuer: str) -> dict[str, Any]:
    refuse_url(issuer, may_be_private=said.may_be_private)
    if said.client_secret is not None and len(said.client_secret) > MAX_SECRET:
        raise Malformed(_CODE, f"got a client secret of {len(said.client_secret)} characters, expected no more than {MAX_SECRET}")
    for word in said.scope:
        if not re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}", word):
            raise Malformed(_CODE, f"got {word[:60]!r} as a scope, expected words such as openid, email or groups")
    return {
        "client_id": plain_text(said.client_id, what="provider.client_id", code=_CODE, limit=300),
        "client_secret": said.client_secret.strip() if said.client_secret is not None else None,
        "scope": tuple(dict.fromkeys(said.scope)),
        "may_be_private": said.may_be_private,
        "second_factor": tuple(plain_text(each, what="provider.second_factor", code=_CODE, limit=200) for each in said.second_factor),
    }


def _check_saml(said: Described) -> dict[str, Any]:
    if not re.fullmatch(r"https://[\x21-\x7e]{1,500}", said.sso_url):
        raise Malformed(_CODE, f"got {said.sso_url[:80]!r} as sign-in address, expected an https address")
    if not 1 <= len(said.certificates) <= MAX_CERTIFICATES:
        raise Malformed("sso.certificate", f"got {len(said.certificates)} certificates, expected 1 to {MAX_CERTIFICATES}")
    unknown = set(said.attributes) - set(ATTRIBUTES)
    if unknown:
        raise Malformed(_CODE, f"got the attribute {sorted(unknown)[0][:60]!r}, expected one of {', '.join(ATTRIBUTES)}")
    if said.name_id_format not in ("", *NAME_ID_FORMATS):
        raise Malformed(_CODE, f"got the name id format {said.name_id_format[:60]!r}, expected one of {', '.join(NAME_ID_FORMATS)}")
    names = {key: plain_text(value, what=f"attributes.{key}", code=_CODE, limit=300) for key, value in said.attributes.items() if value}
    certificates = tuple(_certificate(item) for item in said.certificates)
    return {"sso_url": said.sso_url, "certificates": certificates, "attributes": names, "name_id_format": said.name_id_format}


def describe(provider: IdentityProvider) -> Described:
    """Return a provider as it is now, without its secret, as somebody would describe it."""
    config = provider.config
    return Described(
        name=provider.name,
        protocol=provider.protocol,
        issuer=provider.issuer,
        client_id=provider.client_id,
        scope=tuple(config.get("scope", ())),
        may_be_private=config.get("may_be_private") is True,
        second_factor=tuple(config.get("second_factor", ())),
        sso_url=str(config.get("sso_url", "")),
        certificates=tuple(config.get("certificates", ())),
        attributes={name: str(config[f"{name}_attribute"]) for name in ATTRIBUTES if config.get(f"{name}_attribute")},
        name_id_format=str(config.get("name_id_format", "")).rpartition(":")[2],
        groups_claim=provider.groups_claim,
        admits_unregistered=provider.admits_unregistered,
    )
