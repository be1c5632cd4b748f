"""Identity providers with group rules, and people who come in through them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from identities.models import GroupRules, Identity, IdentityProvider, SignInEvent, User
from identities.sso.come_in import come_in
from identities.sso.described import Described
from tests import cast

ISSUER = "https://idp.payments.example"


def provider(slug: str = "corp", *, issuer: str = ISSUER, now: datetime = cast.NOW, **more: Any) -> IdentityProvider:
    """An OpenID provider that admits whoever a group gives a role to."""
    fields = {"name": "Payments Corp", "protocol": "oidc", "client_id": "countersign", "admits_unregistered": True, **more}
    made = IdentityProvider.objects.get_or_create(slug=slug, defaults={"issuer": issuer, "added_at": now, "changed_at": now, **fields})
    return made[0]


def rule(group: str, role: str, *, team: str = "payments", project: str | None = None) -> dict[str, str | None]:
    """One rule as it is written in files."""
    return {"group": group, "team": team, "project": project, "role": role}


def rules(*wanted: dict[str, str | None], by: Identity | None = None, slug: str = "corp", now: datetime = cast.NOW) -> GroupRules:
    """The next version of a provider's rules, written down without asking whether it may be."""
    cast.payments_api()
    to = provider(slug)
    version = GroupRules.objects.filter(provider=to).count() + 1
    return GroupRules.objects.create(provider=to, version=version, rules=list(wanted), made_by=by, made_at=now)


def arrive(subject: str = "s-erin", *groups: str, now: datetime = cast.NOW, **more: Any) -> User:
    """Erin, whom nobody registered, comes in with these groups."""
    said: dict[str, Any] = {
        "username": "erin", "name": "Erin Malik", "email": "erin@payments.example", "groups": list(groups), "provider": provider(), **more,
    }  # fmt: skip
    return come_in(subject=subject, now=now, **said)


def described(**more: Any) -> Described:
    """An OpenID provider as somebody would describe it."""
    fields = {"name": "Payments Corp", "protocol": "oidc", "issuer": ISSUER, "client_id": "countersign", "client_secret": "s3cret", **more}
    return Described(**fields)


def certificate() -> str:
    """A certificate that a SAML provider might sign with, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.payments.example")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    dated = made.not_valid_before(cast.NOW).not_valid_after(cast.NOW + timedelta(days=365))
    return dated.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def metadata(pem: str, *, entity_id: str = ISSUER, sso_url: str = f"{ISSUER}/sso") -> str:
    """A SAML provider's metadata."""
    bare = "".join(pem.split("-----")[2].split())
    return f"""<?xml version="1.0"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}"><!-- ours -->
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{bare}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{sso_url}/post"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{sso_url}"/>
  </IDPSSODescriptor>
</EntityDescriptor>"""


def administrator_came_in(*, now: datetime, slug: str = "corp") -> Identity:
    """Erin, whom her group makes an administrator, signs in through the provider now."""
    rules(rule("admins", "administrator"), slug=slug, now=now)
    account = arrive("s-erin", "admins", provider=provider(slug), now=now)
    assert account.identity is not None
    SignInEvent.objects.create(identity=account.identity, username=account.username, outcome="signed_in", via=slug, happened_at=now)
    return account.identity
