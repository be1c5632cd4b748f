"""PEP 740 attestation and provenance objects, read into bundles. The argument for one attestation:

1. It has exactly the shape of version 1: material with one certificate and one log entry, and an envelope of statement and signature.
2. It is a Sigstore bundle in other clothes, and verifies as one (`proofs.sigstore.bundle`).
3. Its one subject is named like a distribution and has that one SHA-256: `check_distribution`.

The publisher of a provenance object is what the index says and nobody signed; `check_publisher` holds it against the certificate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofs.dsse import IN_TOTO_PAYLOAD_TYPE
from proofs.errors import Malformed, TooLarge, Unproven
from proofs.sigstore.bundle_shape import BUNDLE_MEDIA_TYPE, Bundle, parse_bundle
from proofs.sigstore.known_certificates import SignerCertificate
from proofs.sigstore.shape import demand_fields, demand_object
from proofs.statement import Statement

MAX_ATTESTATIONS = 64
PREDICATES = ("https://docs.pypi.org/attestations/publish/v1", "https://slsa.dev/provenance/v1")

_CODE = "pep740.malformed"
# Fulcio's extensions by their last number.
_REPOSITORY, _OLD_REPOSITORY, _BUILD_CONFIG, _ENVIRONMENT = 12, 5, 18, 23
_GITHUB, _GITLAB = "https://token.actions.githubusercontent.com", "https://gitlab.com"


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who an index says published: a kind and its fields, unverified."""

    kind: str
    fields: dict[str, Any]


def is_attestation(value: object) -> bool:
    """Whether a JSON value is meant to be one PEP 740 attestation."""
    return isinstance(value, dict) and {"version", "verification_material", "envelope"} <= value.keys()


def parse_attestation(unverified: dict[str, Any]) -> Bundle:
    """Read one attestation object as the bundle it is; refuses with `pep740.*` or as `parse_bundle` does. Verifies nothing."""
    # 2. From here on it is a bundle, and is verified as one.
    return parse_bundle(as_bundle(unverified))


def as_bundle(unverified: dict[str, Any]) -> dict[str, Any]:
    """Return one attestation object in the form of a Sigstore bundle; refuses with `pep740.*`. Verifies nothing."""
    # 1. Exactly this shape.
    fields = demand_fields(unverified, {"version", "verification_material", "envelope"}, code=_CODE, what="the attestation")
    if type(fields["version"]) is not int or fields["version"] != 1:
        raise Unproven("evidence.unsupported_attestation_version", f"got version {str(fields['version'])[:20]!r}, expected 1")
    material = demand_object(fields, "verification_material", {"certificate", "transparency_entries"}, code=_CODE)
    envelope = demand_object(fields, "envelope", {"statement", "signature"}, code=_CODE)
    return {
        "mediaType": BUNDLE_MEDIA_TYPE,
        "verificationMaterial": {
            "certificate": {"rawBytes": material["certificate"]},
            "tlogEntries": material["transparency_entries"],
        },
        "dsseEnvelope": _as_envelope(envelope),
    }


def claimed_envelope(unverified: dict[str, Any]) -> dict[str, Any]:
    """Return what an attestation object of whatever version claims to have signed, as an envelope; empty where it has none. Verifies nothing."""
    envelope = unverified["envelope"]
    return _as_envelope(envelope) if isinstance(envelope, dict) else {}


def parse_provenance(unverified: object) -> list[tuple[Publisher, dict[str, Any]]]:
    """Return every attestation object of a provenance object with the publisher it stands under; refuses with `pep740.*`."""
    fields = demand_fields(unverified, {"version", "attestation_bundles"}, code=_CODE, what="the provenance")
    if type(fields["version"]) is not int or fields["version"] != 1:
        raise Unproven("evidence.unsupported_attestation_version", f"got version {str(fields['version'])[:20]!r}, expected 1")
    found: list[tuple[Publisher, dict[str, Any]]] = []
    for item in _listed(fields["attestation_bundles"]):
        group = demand_fields(item, {"publisher", "attestations"}, code=_CODE, what="the attestations of one publisher")
        publisher = group["publisher"]
        if not isinstance(publisher, dict) or not isinstance(publisher.get("kind"), str):
            raise Malformed(_CODE, "got a publisher without a kind, expected an object with one")
        found += [(Publisher(publisher["kind"], publisher), attestation) for attestation in _listed(group["attestations"])]
    if not found:
        raise Unproven("pep740.empty", "got a provenance without any attestation, expected at least one")
    if len(found) > MAX_ATTESTATIONS:
        raise TooLarge("pep740.too_many", f"got {len(found)} attestations, expected at most {MAX_ATTESTATIONS}")
    return found


def check_distribution(statement: Statement, *, expected_name: str, expected_sha256: str) -> None:
    """Return when the statement is about exactly this file; refuses with `pep740.distribution` or `pep740.predicate`.

    The file name is compared as it is written, which is stricter than PEP 740's comparison of parsed names.
    """
    # 3. One subject: this file.
    if statement.predicate_type not in PREDICATES:
        raise Unproven("pep740.predicate", f"got predicate {statement.predicate_type[:100]!r}, expected one that PEP 740 knows")
    if len(statement.subjects) != 1:
        raise Unproven("pep740.distribution", f"got {len(statement.subjects)} subjects, expected exactly one")
    subject = statement.subjects[0]
    if subject.name != expected_name:
        raise Unproven("pep740.distribution", f"the attestation is about {subject.name[:100]!r}, expected {expected_name[:100]!r}")
    if [str(digest) for digest in subject.digests] != [f"sha256:{expected_sha256}"]:
        raise Unproven("pep740.distribution", f"the attestation is about other bytes than sha256:{expected_sha256}")


def check_publisher(certificate: SignerCertificate, publisher: Publisher) -> None:
    """Return when the certificate was issued to this publisher; refuses with `pep740.publisher`.

    GitHub: repository and workflow file. GitLab: project and CI file. Google: the e-mail address. An environment is compared where both
    publisher and certificate name one. Another kind of publisher is refused, and so is one that leaves a name empty.
    """
    said = {name: value for name, value in publisher.fields.items() if isinstance(value, str)}
    claims = certificate.claims
    if publisher.kind == "GitHub":
        repository = f"https://github.com/{_demanded(said, 'repository')}"
        wanted = f"{repository}/.github/workflows/{_demanded(said, 'workflow')}"
        named = claims.get(_REPOSITORY, f"https://github.com/{claims.get(_OLD_REPOSITORY)}")
        workflows = (_without_ref(certificate.identity), _without_ref(claims.get(_BUILD_CONFIG)))
        holds = (certificate.issuer, named) == (_GITHUB, repository) and wanted in workflows
    elif publisher.kind == "GitLab":
        repository = f"https://gitlab.com/{_demanded(said, 'repository')}"
        wanted = f"{repository}//{_demanded(said, 'workflow_filepath')}"
        holds = (certificate.issuer, claims.get(_REPOSITORY)) == (_GITLAB, repository) and wanted == _without_ref(certificate.identity)
    elif publisher.kind == "Google":
        wanted = _demanded(said, "email")
        holds = (certificate.issuer, certificate.identity) == ("https://accounts.google.com", wanted)
    else:
        raise Unproven("pep740.publisher", f"got a publisher of kind {publisher.kind[:40]!r}, expected GitHub, GitLab or Google")
    if said.get("environment") and claims.get(_ENVIRONMENT) not in (None, said["environment"]):
        wanted, holds = f"{wanted} in {said['environment']}", False
    if not holds:
        raise Unproven("pep740.publisher", f"the certificate was issued to {certificate.identity}, expected the publisher {wanted[:200]}")


def _as_envelope(envelope: dict[str, Any]) -> dict[str, Any]:
    signatures = [{"sig": envelope.get("signature")}]
    return {"payload": envelope.get("statement"), "payloadType": IN_TOTO_PAYLOAD_TYPE, "signatures": signatures}


def _demanded(said: dict[str, str], name: str) -> str:
    if not said.get(name):
        raise Unproven("pep740.publisher", f"got a publisher without {name}, expected one")
    return said[name]


def _without_ref(workflow: str | None) -> str | None:
    return workflow.rpartition("@")[0] if workflow and "@" in workflow else workflow


def _listed(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Malformed(_CODE, "got something else than a list of objects for the attestations")
    if len(value) > MAX_ATTESTATIONS:
        raise TooLarge("pep740.too_many", f"got {len(value)} attestations, expected at most {MAX_ATTESTATIONS}")
    return value
