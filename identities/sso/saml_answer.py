"""A SAML 2.0 response held against what it must say, by python3-saml in its strict mode and by what that leaves open.

1. It is one response with one assertion, by the schema, and says success.             saml.refused, saml.malformed
2. The assertion itself is signed by the provider's key, and is the one that is read.  saml.malformed
3. Issuer, audience, recipient, destination and times are the expected ones.           saml.malformed, saml.audience, saml.recipient
4. It answers one question: InResponseTo, inside what is signed.                       saml.unsolicited
5. The subject is one that stays the same.                                             saml.subject
6. The assertion was not seen before.                                                  saml.replayed

Not checked here: whether the question was asked in this session. Encrypted assertions are not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache
from django.urls import reverse
from lxml.etree import LxmlError
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Words
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from identities.models import IdentityProvider
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed, NotAllowed, TooLarge, Unavailable, Unproven

MOST_CHARACTERS = 256 * 1024
# What python3-saml allows between two clocks.
SKEW = timedelta(seconds=Words.ALLOWED_CLOCK_DRIFT)
LONGEST_SECONDS = 24 * 3600
TRANSIENT = Words.NAMEID_TRANSIENT


@dataclass(frozen=True, slots=True)
class SamlAnswer:
    """What a verified response says: whose question it answers, who signed in, and their attributes."""

    in_response_to: str
    subject: str
    attributes: dict[str, list[str]]
    # Seconds since 1970: this goes through a session.
    authenticated_at: float


def entity_id_of(row: IdentityProvider) -> str:
    """Return what the portal is called at this provider: the address of its metadata."""
    return settings.ORIGIN + reverse("saml_metadata", args=[row.slug])


def acs_url_of(row: IdentityProvider) -> str:
    """Return the one address at which responses of this provider are taken (assertion consumer service)."""
    return settings.ORIGIN + reverse("saml_acs", args=[row.slug])


def saml_settings(row: IdentityProvider) -> OneLogin_Saml2_Settings:
    """Return python3-saml's settings for a provider, as strict as they can be. Refuses with `saml.config`."""
    config = row.config
    certificates = config.get("certificates")
    document = {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": entity_id_of(row),
            "assertionConsumerService": {"url": acs_url_of(row), "binding": Words.BINDING_HTTP_POST},
            "NameIDFormat": str(config.get("name_id_format") or Words.NAMEID_PERSISTENT),
        },
        "idp": {
            "entityId": row.issuer,
            "singleSignOnService": {"url": str(config.get("sso_url", "")), "binding": Words.BINDING_HTTP_REDIRECT},
            "x509certMulti": {"signing": [str(one) for one in certificates] if isinstance(certificates, list) else []},
        },
        "security": {
            "wantAssertionsSigned": True,
            "wantNameId": True,
            "wantAttributeStatement": False,
            "allowRepeatAttributeName": True,
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": False,
            "authnRequestsSigned": False,
            "signatureAlgorithm": Words.RSA_SHA256,
            "digestAlgorithm": Words.SHA256,
        },
    }
    try:
        return OneLogin_Saml2_Settings(settings=document)
    except OneLogin_Saml2_Error as error:
        raise Unavailable(
            "saml.config", f"{row.name} is not set up: {error}; the operator completes its address and certificates"
        ) from error


def request_data_of(row: IdentityProvider) -> dict[str, Any]:
    """Return what python3-saml takes for the request: the portal's own address, whatever host a request names."""
    acs = urlsplit(acs_url_of(row))
    return {
        "https": "on" if acs.scheme == "https" else "off",
        "http_host": acs.netloc,
        "script_name": acs.path,
        "get_data": {},
        "post_data": {},
    }


def read_saml_answer(row: IdentityProvider, unverified_text: str, *, now: datetime) -> SamlAnswer:
    """Return what a response says that passes steps 1 to 6, and use its assertion up; refuses with the codes above, or `saml.too_large`.

    The library holds times against the machine's own clock. Used assertions are kept in the cache until they have run out anyway, or for a day.
    """
    if len(unverified_text) > MOST_CHARACTERS:
        raise TooLarge("saml.too_large", f"got {len(unverified_text)} characters, expected at most {MOST_CHARACTERS}")
    known = saml_settings(row)
    try:
        response = OneLogin_Saml2_Response(known, unverified_text)
        response.is_valid(request_data_of(row), None, raise_exceptions=True)  # 1, 2, 3
        in_response_to, ends = _demand_confirmation(response, row)  # 3, 4
        _demand_audience(response, row)
        subject = _subject_of(response, row)  # 5
        attributes = {name: [one for one in values if isinstance(one, str)] for name, values in response.get_attributes().items()}
        authenticated_at = _moment(response._query_assertion("/saml:AuthnStatement")[0].get("AuthnInstant"))
        assertion_id = str(response.get_assertion_id())
    except OneLogin_Saml2_ValidationError as error:
        if error.code == OneLogin_Saml2_ValidationError.STATUS_CODE_IS_NOT_SUCCESS:
            raise NotAllowed("saml.refused", f"{row.name} did not sign you in; try again there") from error
        raise Unproven("saml.malformed", f"got a response that does not hold: {str(error)[:200]}") from error
    except (OneLogin_Saml2_Error, LxmlError, ValueError, TypeError, AttributeError, KeyError) as error:
        # The library's parsers raise whatever they meet: unreadable is refused.
        raise Malformed("saml.malformed", "got something that is no SAML response, expected one of the provider") from error
    _use_up(row, assertion_id, ends, now)  # 6
    return SamlAnswer(in_response_to=in_response_to, subject=subject, attributes=attributes, authenticated_at=authenticated_at.timestamp())


def _demand_confirmation(response: Any, row: IdentityProvider) -> tuple[str, datetime]:
    """SAML 2.0 Profiles, section 4.1.4.2: the bearer confirmation names the recipient, until when, and the question. None of it is optional."""
    # The one query of the library that starts at the assertion whose signature was checked.
    found = response._query_assertion(f"/saml:Subject/saml:SubjectConfirmation[@Method='{Words.CM_BEARER}']/saml:SubjectConfirmationData")
    if len(found) != 1:
        raise Unproven("saml.recipient", f"got {len(found)} bearer confirmations, expected one")
    data = found[0]
    if data.get("Recipient") != acs_url_of(row):
        raise Unproven("saml.recipient", f"got an assertion for {str(data.get('Recipient'))[:200]!r}, expected {acs_url_of(row)!r}")
    in_response_to = data.get("InResponseTo")
    if not in_response_to or response.get_in_response_to() != in_response_to:
        raise NotAllowed("saml.unsolicited", "got an answer to no question of ours; start at this portal's own sign-in page")
    if not data.get("NotOnOrAfter"):
        raise Unproven("saml.recipient", "got an assertion without an end (NotOnOrAfter), expected one")
    return in_response_to, _moment(data.get("NotOnOrAfter"))


def _moment(text: str) -> datetime:
    # SAML 2.0 Core, section 1.3.3: UTC, always.
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _demand_audience(response: Any, row: IdentityProvider) -> None:
    audiences = response.get_audiences()
    if audiences != [entity_id_of(row)]:
        raise Unproven("saml.audience", f"got an assertion for {str(audiences)[:200]}, expected one for {entity_id_of(row)!r} alone")


def _subject_of(response: Any, row: IdentityProvider) -> str:
    name = row.config.get("subject_attribute")
    if name:
        values = response.get_attributes().get(str(name), [])
        if len(values) != 1 or not isinstance(values[0], str):
            raise Unproven("saml.subject", f"got {len(values)} values of {name}, expected the one that names the person")
        return str(values[0])
    if response.get_nameid_format() == TRANSIENT:
        raise Unproven(
            "saml.subject", "got a transient name, expected one that stays the same: a persistent NameID, or a subject_attribute"
        )
    return str(response.get_nameid())


def _use_up(row: IdentityProvider, assertion_id: str, ends: datetime, now: datetime) -> None:
    whole = f"{row.issuer} {assertion_id}"
    # From the difference, because the last moment there is cannot be put off; and the question is gone long before a day is over.
    seconds = max(1, min(int((ends - now).total_seconds() + SKEW.total_seconds()) + 1, LONGEST_SECONDS))
    if not cache.add(f"saml:used:{sha256_hex(whole.encode())}", True, seconds):
        raise Conflict("saml.replayed", "got an assertion that was used before, expected a fresh one; sign in again")
