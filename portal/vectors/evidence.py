"""Rows about evidence: bundles, envelopes, what package indexes and build services publish. Each is verified, then held against its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from portal.vectors.builds import refuse_other_build, with_scheme
from portal.vectors.check_row import demand_inputs, file_digests, given_digests, is_in_hand, read_input
from portal.vectors.facts import evidence_facts, payload_facts, statement_facts
from portal.vectors.manifest import REJECTED, VERIFIED, Outcome, Row
from proofs.canonical import parse_json
from proofs.claims import check_claims
from proofs.digest import Digest
from proofs.dsse import parse_envelope, verify_envelope
from proofs.errors import Malformed, Refusal, Unproven
from proofs.evidence import SIGSTORE_BUNDLE, TrustMaterial, VerifiedEvidence, detect_format, verify_bundle_under
from proofs.expectations import Expectations, accept
from proofs.facts import extract_facts
from proofs.keys import PublicKey, RegisteredKey, load_pem
from proofs.packages.gcb import verify_build_provenance
from proofs.packages.npm import parse_npm_keys, parse_npm_set, verify_npm_set
from proofs.predicates.reading import at, text
from proofs.predicates.summary import SummaryExpectations, check_summary
from proofs.sigstore.bundle_shape import parse_bundle
from proofs.sigstore.known_certificates import SignerCertificate
from proofs.sigstore.pep740 import Publisher, check_distribution, check_publisher, parse_attestation, parse_provenance
from proofs.sigstore.trust_root import TrustRoot, parse_trust_root
from proofs.statement import Statement, parse_statement

# Fulcio's extension for the environment, by its last number.
_ENVIRONMENT = 23
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# What a row may ask for in the very words in which evidence proves it.
_PROVEN = {
    "predicate_type": "expectation.predicate",
    "source_ref": "expectation.ref",
    "source_commit": "expectation.source",
    "runner_environment": "expectation.runner",
    "build_trigger": "expectation.source",
}
_OF_SUMMARY = ("verificationResult", "verifiedLevels", "dependencyLevels", "resourceUri", "timeVerified", "slsaVersion", "policy")


def judge_bundle(row: Row, now: datetime) -> Outcome:
    """A Sigstore bundle, under the row's trust root and key, for the artifact and signer it names."""
    bundle = parse_bundle(parse_json(row.read("evidence")))
    verified = verify_bundle_under(bundle, _trust(row, is_logged=bundle.entry is not None), now)
    return _answered(
        evidence_facts(verified), "Every signature holds, and all that is asked.", lambda: _refuse_other_evidence(row, verified)
    )


def judge_attestation(row: Row, now: datetime) -> Outcome:
    """PEP 740: one attestation, or a provenance object with a publisher over each."""
    value = parse_json(row.read("evidence"))
    if row.format == "pypi-provenance":
        listed = parse_provenance(value)
    else:
        listed = [(Publisher("", {}), value)]
    # An attestation without a log entry is none, so that there is nothing to do without.
    trust = _trust(row, is_logged=True)
    found = [(publisher, verify_bundle_under(parse_attestation(attestation), trust, now)) for publisher, attestation in listed]
    facts: dict[str, Any] = {
        "attestations": [evidence_facts(verified) for _, verified in found],
        "publishers": [publisher.fields for publisher, _ in found if publisher.kind],
    }

    def policy() -> None:
        for publisher, verified in found:
            _refuse_other_distribution(row, publisher, verified)

    return _answered(facts, "Every attestation holds.", policy)


def _refuse_other_distribution(row: Row, publisher: Publisher, verified: VerifiedEvidence) -> None:
    distribution, named = row.inputs.get("distribution"), row.inputs.get("publisher")
    if distribution is not None:
        check_distribution(verified.statement, expected_name=distribution["name"], expected_sha256=distribution["sha256"])
    if publisher.kind or row.format == "pypi-provenance":
        check_publisher(_certificate_of(verified), publisher)
    if named is not None:
        _refuse_other_publisher(_certificate_of(verified), named)
    _refuse_other_evidence(row, verified)


def _refuse_other_publisher(certificate: SignerCertificate, named: dict[str, str]) -> None:
    if named.get("environment") is not None and _ENVIRONMENT not in certificate.claims:
        raise Malformed("vectors.input", "the row asks for an environment, and the certificate names none that it could be held against")
    check_publisher(certificate, Publisher(named["kind"], dict(named)))


def _certificate_of(verified: VerifiedEvidence) -> SignerCertificate:
    if verified.bundle is None or verified.bundle.certificate is None:
        raise Unproven("pep740.publisher", "a key signed this, and no certificate says who published")
    return verified.bundle.certificate


def judge_npm(row: Row, now: datetime) -> Outcome:
    """npm's answer about one package version."""
    value = parse_json(row.read("evidence"))
    keys = read_input(lambda: parse_npm_keys(parse_json(row.read("npm_keys"))), "the keys of npm")
    is_logged = all(parse_bundle(bundle).entry is not None for _, bundle in parse_npm_set(value))
    found = verify_npm_set(value, trust=TrustMaterial(_roots(row, is_logged=is_logged), keys), received_at=now)
    by_type = {item.statement.predicate_type: item for item in (found.publish, found.provenance)}
    labels = [item["predicateType"] for item in value["attestations"]]
    facts = {"attestations": [{"label": label, **evidence_facts(by_type[label])} for label in labels if label in by_type]}

    def policy() -> None:
        for name, got in (("package_name", found.package.name), ("package_version", found.package.version)):
            if name in row.inputs and row.inputs[name] != got:
                raise Unproven("npm.package", f"the attestations are about {got!r}, expected {row.inputs[name]!r}")
        _refuse_other_evidence(row, found.provenance)

    return _answered(facts, "Both attestations hold and are about the same package.", policy)


def judge_build(row: Row, now: datetime) -> Outcome:
    """Google Cloud Build's wrapper, with keys that the row knows by their ids."""
    demand_inputs(row, "keys_by_keyid")
    named = row.files["keys_by_keyid"].items()
    keys = read_input(lambda: {key_id: load_pem(row.read_path(path)) for key_id, path in named}, "a key of the build service")
    value = parse_json(row.read("evidence"))
    found = verify_build_provenance(value, keys)
    envelopes = [{**statement_facts(build.statement), "keyids": list(build.named_keys)} for build in found.builds]

    def policy() -> None:
        if not is_in_hand(row, (found.image,)):
            raise Unproven("expectation.artifact", f"the image is {found.image}, expected {', '.join(map(str, _digests(row)))}")
        for build in found.builds:
            refuse_other_build(row.inputs, build.statement)

    return _answered({"image": found.unverified_name, "envelopes": envelopes}, "Every envelope holds.", policy)


def judge_envelope(row: Row, now: datetime) -> Outcome:
    """A DSSE envelope with any payload, signed by so many of the row's keys."""
    envelope = parse_envelope(row.read("evidence").strip())
    keys = _keys(row)
    if not keys:
        raise Unproven("dsse.key_unknown", "the row names no key, and nothing in an envelope says who signed it")
    if row.has("trusted_root"):
        raise Malformed("vectors.input", "the row gives keys and a trust root, and an envelope is verified under keys alone")
    verify_envelope(envelope, keys, threshold=row.inputs.get("threshold", 1))
    facts = payload_facts(envelope.payload_type, envelope.payload, envelope.signed_bytes)
    try:
        statement = parse_statement(envelope.payload, may_lack_digest=True)
    except Refusal:
        # An envelope may carry anything; what its row asks is who signed it.
        statement = None
    if statement is not None:
        facts |= statement_facts(statement)

    def policy() -> None:
        if statement is not None:
            _refuse_other_artifact(row, statement)
        elif _digests(row):
            raise Unproven("expectation.artifact", "the payload is no statement about any artifact")

    return _answered(facts, "Enough of the keys signed the envelope.", policy)


def judge_summary(row: Row, now: datetime) -> Outcome:
    """A SLSA verification summary, from a verifier the row names, with the levels it wants."""
    envelope = parse_envelope(row.read("evidence").strip())
    wanted = row.inputs.get("key_id")
    # The row's name for the key is one of its own: whoever made the signature that is called so must have a key of the row.
    named = [signature for signature in envelope.signatures if wanted is None or signature.key_hint == wanted]
    if not named:
        raise Unproven("dsse.key_unknown", f"no signature of the envelope names the key {wanted!r} that is expected")
    verify_envelope(replace(envelope, signatures=tuple(named)), _keys(row))
    statement = parse_statement(envelope.payload, may_lack_digest=True)
    said = statement.predicate
    facts = {name: said[name] for name in _OF_SUMMARY if name in said} | {"verifier_id": at(said, "verifier", "id")}

    def policy() -> None:
        if text(said, "verifier", "id") is None:
            raise Malformed("summary.malformed", "got a summary that names no verifier, expected verifier.id")
        expected = SummaryExpectations(
            verifier_id=row.inputs.get("verifier_id"),
            resource_uri=row.inputs.get("resource_uri"),
            levels=tuple(row.inputs.get("verified_levels", ())),
            # Both, also where they contradict each other: then nothing has both.
            subject=(*row.inputs.get("subject_digest", {}).items(), *((digest.algorithm, digest.hex) for digest in given_digests(row))),
        )
        check_summary(statement, expected)
        _refuse_other_artifact(row, statement)

    return _answered({**statement_facts(statement), "vsa": facts}, "The summary is the expected one.", policy)


def judge_any(row: Row, now: datetime) -> Outcome:
    """Anything that is meant to be evidence and says no more about itself: an unsigned statement is told apart from noise."""
    content = row.read("evidence")
    value = parse_json(content)
    if isinstance(value, dict) and "_type" in value and "signatures" not in value:
        raise Unproven("dsse.unsigned", "got a bare statement that nobody signed, expected an envelope")
    return judge_bundle(row, now) if detect_format(content) == SIGSTORE_BUNDLE else judge_envelope(row, now)


def _answered(facts: Mapping[str, Any], sentence: str, policy: Callable[[], None]) -> Outcome:
    """Return what the row's policy says of evidence that was verified. What it proves is told either way."""
    try:
        policy()
    except Refusal as refusal:
        if refusal.code.startswith("vectors."):
            raise
        return Outcome(REJECTED, refusal.code, refusal.reason, dict(facts))
    return Outcome(VERIFIED, "evidence.verified", sentence, dict(facts))


def _refuse_other_evidence(row: Row, verified: VerifiedEvidence) -> None:
    """Return when verified evidence is about the artifact in hand and from the signer, source and builder that the row names."""
    _refuse_other_artifact(row, verified.statement)
    proven = evidence_facts(verified)
    for name, code in _PROVEN.items():
        if name in row.inputs and proven.get(name) != row.inputs[name]:
            raise Unproven(code, f"the {name.replace('_', ' ')} is {proven.get(name)!r}, expected {row.inputs[name]!r}")
    expected = _expectations(row)
    if expected == Expectations():
        return
    facts = extract_facts(verified)
    answer = accept(facts, check_claims(facts), expected)
    if not answer.accepted:
        raise Unproven(answer.code, answer.reason)


def _expectations(row: Row) -> Expectations:
    inputs = row.inputs
    return Expectations(
        digests=_digests(row),
        issuer=inputs.get("issuer"),
        identity=inputs.get("identity"),
        workflow=inputs.get("signer_workflow"),
        source_repository=with_scheme(inputs["source_repository"]) if "source_repository" in inputs else None,
        branch=inputs.get("source_branch"),
        tag=inputs.get("source_tag"),
        versioned_tag=inputs.get("versioned_tag"),
        builder=inputs.get("builder_id"),
    )


def _digests(row: Row) -> tuple[Digest, ...]:
    """Return the digests of the artifact in hand: all of the file that the row names, else those the row gives."""
    return file_digests(row) or given_digests(row)


def _refuse_other_artifact(row: Row, statement: Statement) -> None:
    if _digests(row) and not any(is_in_hand(row, subject.digests) for subject in statement.subjects):
        raise Unproven("expectation.artifact", f"the statement is about another artifact than {', '.join(map(str, _digests(row)))}")


def _trust(row: Row, *, is_logged: bool) -> TrustMaterial:
    return TrustMaterial(_roots(row, is_logged=is_logged), tuple(RegisteredKey(key, LONG_AGO) for key in _keys(row)))


def _roots(row: Row, *, is_logged: bool) -> tuple[TrustRoot, ...]:
    """Return the row's trust root. Where it lets evidence do without a log or certificate logs, what is there must hold all the same."""
    if not row.has("trusted_root"):
        return ()
    # Without a log entry only a timestamp can prove the time; with one, that a row would do without it asks for nothing more.
    is_stamped = row.inputs.get("allow_no_transparency_log", False) and not is_logged
    profile = {"tlog": 0 if is_stamped else 1, "tsa": 1 if is_stamped else 0, "sct": 0 if row.inputs.get("allow_no_sct") else 1}
    return (read_input(lambda: parse_trust_root(row.read("trusted_root"), profile=profile), "the trust root"),)


def _keys(row: Row) -> list[PublicKey]:
    single = row.files.get("public_key")
    found = []
    for path in [*row.files.get("public_keys", []), *([single] if single else [])]:
        content = row.read_path(path)
        if not content.lstrip().startswith(b"-----BEGIN PUBLIC KEY-----"):
            raise Malformed("vectors.input", f"got something else at {path}, expected the PEM text of a public key")
        try:
            found.append(load_pem(content))
        except Refusal:
            # One published key has a wrong last letter. A key that cannot be read is a key nobody has.
            continue
    return found
