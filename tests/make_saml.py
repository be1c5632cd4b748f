"""A SAML identity provider that signs what a test wants with real keys, by python3-saml's own signer."""

from __future__ import annotations

import base64
import html
import re
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.test import Client
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Words
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from identities.models import IdentityProvider
from tests import make_sso as sso
from tests import make_tokens as tokens
from tests.make_sign_ins import way_out

ISSUER = "https://saml.payments.example/metadata"
SP = "http://localhost:8000/accounts/saml/corp-saml/metadata/"
ACS = "http://localhost:8000/accounts/saml/corp-saml/acs/"
LOGIN = "/accounts/saml/corp-saml/login/"
GROUPS = "urn:example:groups"


@cache
def pair(name: str = "saml") -> tuple[str, str]:
    """A private key and its certificate, as PEM; the same again for the same name."""
    key, subject = tokens.rsa_key(name), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime(2025, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=9000))
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    return pem, certificate.public_bytes(Encoding.PEM).decode()


def provider(*, certificates: list[str] | None = None, config: dict[str, Any] | None = None, **more: Any) -> IdentityProvider:
    """The row of that provider, with a rule that lets the group `releases` approve."""
    whole = {"sso_url": "https://saml.payments.example/sso", "certificates": certificates or [pair()[1]], **(config or {})}
    row = sso.provider(
        "corp-saml", issuer=ISSUER, name="Payments SAML", protocol="saml", client_id="", config=whole, groups_claim=GROUPS, **more
    )
    sso.rules(sso.rule("releases", "approver:release"), slug="corp-saml")
    return row


def ask(client: Client, **form: str) -> tuple[str, str]:
    """Press the button; return the question's id and the whole question."""
    query = parse_qs(urlsplit(html.unescape(way_out(client, LOGIN, **form))).query)
    question = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15).decode()
    found = re.search(r'ID="([^"]+)"', question)
    assert found
    return found[1], question


def moment(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def assertion(question_id: str, *, signed_by: str | None = "saml", **changes: Any) -> str:
    """An assertion about Erin, signed unless told; a change of None leaves the member out."""
    said: dict[str, Any] = {
        "id": "_a" + question_id[-30:], "issuer": ISSUER, "name": "s-erin", "format": Words.NAMEID_PERSISTENT, "recipient": ACS,
        "in_response_to": question_id, "ends": moment(300), "audience": f"<saml:Audience>{SP}</saml:Audience>", "before": moment(-30),
        "after": moment(300), "asked": moment(0), "groups": ["releases"], "more": "", **changes,
    }  # fmt: skip
    confirmation = {"NotOnOrAfter": said["ends"], "Recipient": said["recipient"], "InResponseTo": said["in_response_to"]}
    members = " ".join(f'{name}="{value}"' for name, value in confirmation.items() if value is not None)
    values = "".join(f"<saml:AttributeValue>{group}</saml:AttributeValue>" for group in said["groups"] or [])
    attributes = f'<saml:Attribute Name="uid"><saml:AttributeValue>erin</saml:AttributeValue></saml:Attribute>{said["more"]}'
    if said["groups"] is not None:
        attributes += f'<saml:Attribute Name="{GROUPS}">{values}</saml:Attribute>'
    restriction = f"<saml:AudienceRestriction>{said['audience']}</saml:AudienceRestriction>" if said["audience"] else ""
    text = (
        f'<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{said["id"]}" Version="2.0" IssueInstant="{moment(0)}">'
        f"<saml:Issuer>{said['issuer']}</saml:Issuer><saml:Subject>"
        f'<saml:NameID Format="{said["format"]}">{said["name"]}</saml:NameID><saml:SubjectConfirmation Method="{Words.CM_BEARER}">'
        f"<saml:SubjectConfirmationData {members}/></saml:SubjectConfirmation></saml:Subject>"
        f'<saml:Conditions NotBefore="{said["before"]}" NotOnOrAfter="{said["after"]}">{restriction}</saml:Conditions>'
        f'<saml:AuthnStatement AuthnInstant="{said["asked"]}" SessionIndex="_s"><saml:AuthnContext><saml:AuthnContextClassRef>'
        "urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
        f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"
    )
    return sign(text, signed_by) if signed_by else text


def sign(text: str, name: str = "saml", *, algorithm: str = Words.RSA_SHA256, digest: str = Words.SHA256) -> str:
    """The same with a signature over the whole of it."""
    key, certificate = pair(name)
    signed = OneLogin_Saml2_Utils.add_sign(text, key, certificate, sign_algorithm=algorithm, digest_algorithm=digest)
    return signed.decode() if isinstance(signed, bytes) else str(signed)


def response(inner: str, question_id: str | None, *, destination: str = ACS, status: str = Words.STATUS_SUCCESS, **members: str) -> str:
    """A response around an assertion; not signed itself."""
    answers = f' InResponseTo="{question_id}"' if question_id else ""
    return (
        f'<samlp:Response xmlns:samlp="{Words.NS_SAMLP}" xmlns:saml="{Words.NS_SAML}" ID="{members.get("id", "_response")}" Version="2.0" '
        f'IssueInstant="{moment(0)}" Destination="{destination}"{answers}><saml:Issuer>{ISSUER}</saml:Issuer>'
        f'<samlp:Status><samlp:StatusCode Value="{status}"/></samlp:Status>{inner}</samlp:Response>'
    )


def post(client: Client, text: str | bytes) -> Any:
    """Send a response as the provider's page does, and follow to where it is held against the session."""
    raw = text.encode() if isinstance(text, str) else text
    answer = client.post(
        "/accounts/saml/corp-saml/acs/", {"SAMLResponse": base64.b64encode(raw).decode()}, headers={"Origin": "https://x.example"}
    )
    return client.get(answer["Location"]) if answer.status_code == 302 else answer


def answer(client: Client, **changes: Any) -> Any:
    """Ask, and answer with an assertion that is changed so."""
    question_id, _ = ask(client)
    return post(client, response(assertion(question_id, **changes), question_id))
