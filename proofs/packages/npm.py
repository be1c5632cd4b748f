"""npm's attestations of one package version: what the registry answers, read and judged as a set. The argument:

1. It is a list of bundles, each under a label that nobody signed.
2. Every bundle verifies (`proofs.sigstore.bundle`): the provenance by its certificate, the publish attestation by npm's key.
3. Each label names the predicate type that was signed; neither kind is there twice.
4. A provenance and a publish attestation are both there.
5. Each is about exactly one package, by package URL and SHA-512; both about the same one, and the publish predicate says so too.

Which package, version, source and builder are wanted is for expectations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.digest import Digest
from proofs.encoding import b64_decode
from proofs.errors import Malformed, TooLarge, Unproven
from proofs.evidence import TrustMaterial, VerifiedEvidence, verify_bundle_under
from proofs.keys import RegisteredKey, load_spki
from proofs.packages.purl import PackageName, parse_purl
from proofs.provenance import PROVENANCE_TYPES
from proofs.sigstore.bundle_shape import parse_bundle
from proofs.sigstore.shape import demand_fields
from proofs.sigstore.trust_root import parse_window
from proofs.statement import Statement

PUBLISH_TYPE = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
KEY_USAGE = "npm:attestations"
MAX_ATTESTATIONS = 16

_CODE = "npm.malformed"


@dataclass(frozen=True, slots=True)
class VerifiedNpmSet:
    """A set that holds together: the package it is about, its digest, and both attestations."""

    package: PackageName
    digest: Digest
    provenance: VerifiedEvidence
    publish: VerifiedEvidence


def is_npm_set(value: object) -> bool:
    """Whether a JSON value is meant to be the registry's answer about one package version."""
    return isinstance(value, dict) and set(value) == {"attestations"}


def parse_npm_set(unverified: object) -> list[tuple[str, dict[str, Any]]]:
    """Return each label with its bundle, as JSON; refuses with `npm.malformed` or `npm.too_many`. Verifies nothing."""
    # 1. Labels and bundles.
    listed = demand_fields(unverified, {"attestations"}, code=_CODE, what="the set")["attestations"]
    if not isinstance(listed, list):
        raise Malformed(_CODE, "got something else than a list of attestations")
    if len(listed) > MAX_ATTESTATIONS:
        raise TooLarge("npm.too_many", f"got {len(listed)} attestations, expected at most {MAX_ATTESTATIONS}")
    found = []
    for item in listed:
        fields = demand_fields(item, {"predicateType", "bundle"}, code=_CODE, what="an attestation")
        if not isinstance(fields["predicateType"], str) or not isinstance(fields["bundle"], dict):
            raise Malformed(_CODE, "got an attestation without a label and a bundle")
        found.append((fields["predicateType"], fields["bundle"]))
    return found


def parse_npm_keys(unverified: object) -> tuple[RegisteredKey, ...]:
    """Read the registry's list of keys, as Sigstore's TUF repository has it: those for attestations, with their windows.

    Refuses with `key.malformed`, and with `trust_root.malformed` for a key without a window.
    """
    listed = unverified.get("keys") if isinstance(unverified, dict) else None
    if not isinstance(listed, list) or not all(isinstance(item, dict) and isinstance(item.get("publicKey"), dict) for item in listed):
        raise Malformed("key.malformed", "got another document than a list of keys")
    found = []
    for item in listed:
        if item.get("keyUsage") != KEY_USAGE:
            continue
        window = parse_window(item["publicKey"].get("validFor"))
        key = load_spki(b64_decode(item["publicKey"].get("rawBytes"), code="key.malformed", what="a key of the registry"))
        found.append(RegisteredKey(key, window.start, window.end))
    return tuple(found)


def verify_npm_set(unverified: object, *, trust: TrustMaterial, received_at: datetime) -> VerifiedNpmSet:
    """Return what the set proves, by the argument above; `trust.keys` are npm's keys.

    Refuses with `npm.*`, `package.malformed`, or as the bundles do.
    """
    labelled = parse_npm_set(unverified)
    # 2. Every bundle, also one that nobody asked for: what is wrong with one makes the answer suspect.
    return check_npm_set([(label, verify_bundle_under(parse_bundle(bundle), trust, received_at)) for label, bundle in labelled])


def check_npm_set(verified: Sequence[tuple[str, VerifiedEvidence]]) -> VerifiedNpmSet:
    """Return what verified bundles, each with its label, prove together: steps 3 to 5. Refuses with `npm.*` or `package.malformed`."""
    found: dict[str, VerifiedEvidence] = {}
    for label, evidence in verified:
        # 3. The label.
        signed = evidence.statement.predicate_type
        if label != signed:
            raise Unproven("npm.label", f"the registry calls it {label[:100]!r}, and what was signed is {signed[:100]!r}")
        kind = PUBLISH_TYPE if signed == PUBLISH_TYPE else "provenance" if signed in PROVENANCE_TYPES else signed
        if kind in found:
            raise Unproven("npm.twice", f"got two attestations of the kind {kind[:100]!r}, expected one of each")
        found[kind] = evidence
    # 4. Both are there, each signed by whom it takes.
    publish, provenance = found.get(PUBLISH_TYPE), found.get("provenance")
    if publish is None or publish.bundle is None or publish.bundle.certificate is not None:
        raise Unproven("npm.no_publish", "got no publish attestation signed with a key of the registry, expected one")
    if provenance is None or provenance.bundle is None or provenance.bundle.certificate is None:
        raise Unproven("npm.no_provenance", "got no provenance signed with a certificate, expected one")
    # 5. They are about the same one package.
    package, digest = _only_package(provenance.statement)
    if (package, digest) != _only_package(publish.statement):
        raise Unproven("npm.subjects_differ", "provenance and publish attestation are about different packages")
    said = publish.statement.predicate
    if (said.get("name"), said.get("version")) != (package.name, package.version):
        raise Unproven("npm.subjects_differ", "the publish attestation names another package in its predicate than as its subject")
    return VerifiedNpmSet(package, digest, provenance, publish)


def _only_package(statement: Statement) -> tuple[PackageName, Digest]:
    subjects: Sequence[Any] = statement.subjects
    if len(subjects) != 1 or [digest.algorithm for digest in subjects[0].digests] != ["sha512"]:
        raise Unproven("npm.subject", "got another subject than one package with its SHA-512")
    package = parse_purl(subjects[0].name)
    if package.type != "npm":
        raise Unproven("npm.subject", f"got a package of type {package.type[:40]!r}, expected npm")
    return package, subjects[0].digests[0]
