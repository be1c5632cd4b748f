"""What a SAML identity provider's metadata says of it (SAML V2.0 Metadata, section 2.4.3): its name, where people sign in, and its certificates.

Not checked: a signature on the metadata. Whoever pastes it answers for where they had it from.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

from identities.sso.described import read_certificates
from proofs.errors import Malformed, TooLarge

MAX_METADATA = 512 * 1024
_METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_CODE = "sso.metadata"


@dataclass(frozen=True, slots=True)
class SamlMetadata:
    """What is taken from metadata; everything else in it is left."""

    entity_id: str
    sso_url: str
    certificates: tuple[str, ...]


def read_metadata(text: str) -> SamlMetadata:
    """Return what the metadata of exactly one identity provider says. Refuses with `sso.metadata`, `sso.metadata_size` or `sso.certificate`."""
    if len(text) > MAX_METADATA:
        raise TooLarge("sso.metadata_size", f"got metadata of {len(text)} characters, expected no more than {MAX_METADATA}")
    entity = _entity(text)
    roles = entity.findall(f"{_METADATA}IDPSSODescriptor")
    if len(roles) != 1:
        raise Malformed(_CODE, f"got {len(roles)} descriptions of an identity provider, expected one")
    places = [place for place in roles[0].findall(f"{_METADATA}SingleSignOnService") if place.get("Binding") == _REDIRECT]
    if not places:
        raise Malformed(_CODE, "got no sign-in address with the HTTP-Redirect binding, expected one")
    keys = [key for key in roles[0].findall(f"{_METADATA}KeyDescriptor") if key.get("use") in (None, "signing")]
    found = [item.text or "" for key in keys for item in key.iter(f"{_SIGNATURE}X509Certificate")]
    if not found:
        raise Malformed(_CODE, "got no certificate for signatures, expected the provider's")
    certificates = dict.fromkeys(read_certificates(item)[0] for item in found)
    return SamlMetadata(entity.get("entityID", ""), places[0].get("Location", ""), tuple(certificates))


def _entity(text: str) -> ElementTree.Element:
    # Without a document type there are no entities, so nothing is fetched and nothing grows.
    if "<!" in text.replace("<!--", ""):
        raise Malformed(_CODE, "got a document type or a CDATA section, expected plain metadata")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError) as error:
        raise Malformed(_CODE, f"got what is no XML ({error}), expected a SAML identity provider's metadata") from error
    entities = [root] if root.tag == f"{_METADATA}EntityDescriptor" else root.findall(f"{_METADATA}EntityDescriptor")
    if len(entities) != 1:
        raise Malformed(_CODE, f"got {len(entities)} entities, expected the one identity provider")
    return entities[0]
