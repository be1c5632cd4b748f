"""Rows about evidence: bundles, envelopes, what package indexes and build services publish. Each is verified, then held against its inputs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from portal.vectors.check_row import file_digests, given_digests, is_in_hand, read_input
from portal.vectors.facts import evidence_facts, payload_facts, statement_facts
from portal.vectors.manifest import REJECTED, VERIFIED, Outcome, Row
from proofs.canonical import parse_json
from proofs.claims import check_claims
from proofs.digest import Digest
from proofs.dsse import parse_envelope, verify_envelope
from proofs.errors import Malformed, Refusal, Unproven
from proofs.evidence import SIGSTORE_BUNDLE, TrustMaterial, VerifiedEvidence, detect_format, verify_bundle_under
from proofs.expectations import Expectations, accept, is_of_release_line
from proofs.facts import extract_claims, extract_facts
from proofs.keys import PublicKey, RegisteredKey, load_pem
from proofs.packages.gcb import verify_build_provenance
from proofs.packages.npm import parse_npm_keys, verify_npm_set
from proofs.predicates.reading import at
from proofs.predicates.summary import SummaryExpectations, check_summary
from proofs.repository import compare_repositories
from proofs.sigstore.bundle_shape import parse_bundle
from proofs.sigstore.known_certificates import SignerCertificate
from proofs.sigstore.pep740 import Publisher, check_distribution, check_publisher, parse_attestation, parse_provenance
from proofs.sigstore.signed_file import SignedFile
from proofs.sigstore.trust_root import TrustRoot, parse_trust_root
from proofs.statement import Statement, parse_statement

# Fulcio's extension for the environment, by its last number.
_ENVIRONMENT = 23
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def judge_bundle(row: Row, now: datetime) -> Outcome:
    """A Sigstore bundle, under the row's trust root and key, for the artifact and signer it names."""
    bundle = parse_bundle(parse_json(row.read("evidence")))
    verified = verify_bundle_under(bundle, _trust(row), now)
    if isinstance(bundle.content, SignedFile):
        signed = bundle.content.digest
        if not is_in_hand(row, (signed,)):
            raise Unproven("expectation.artifact", f"what is in hand is {', '.join(map(str, _digests(row)))}, and {signed} was signed")
    return _accepted(row, verified, evidence_facts(verified))


def judge_attestation(row: Row, now: datetime) -> Outcome:
    """PEP 740: one attestation, or a provenance object with a publisher over each."""
    value = parse_json(row.read("evidence"))
    if row.format == "pypi-provenance":
        listed = parse_provenance(value)
    else:
        listed = [(Publisher("", {}), value)]
    facts: dict[str, Any] = {"attestations": [], "publishers": [publisher.fields for publisher, _ in listed if publisher.kind]}
    distribution, named = row.inputs.get("distribution"), row.inputs.get("publisher")
    for publisher, attestation in listed:
        verified = verify_bundle_under(parse_attestation(attestation), _trust(row), now)
        if distribution is not None:
            check_distribution(verified.statement, expected_name=distribution["name"], expected_sha256=distribution["sha256"])
        if publisher.kind or row.format == "pypi-provenance":
            check_publisher(_certificate_of(verified), publisher)
        if named is not None:
            _refuse_other_publisher(_certificate_of(verified), named)
        outcome = _accepted(row, verified, {})
        if outcome.verdict != VERIFIED:
            return outcome
        facts["attestations"].append(evidence_facts(verified))
    return Outcome(VERIFIED, "evidence.verified", "Every attestation holds.", facts)


def _refuse_other_publisher(certificate: SignerCertificate, named: dict[str, str]) -> None:
    if "environment" in named and _ENVIRONMENT not in certificate.claims:
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
    trust = TrustMaterial(_roots(row), keys)
    found = verify_npm_set(value, trust=trust, received_at=now)
    for name, got in (("package_name", found.package.name), ("package_version", found.package.version)):
        if name in row.inputs and row.inputs[name] != got:
            raise Unproven("npm.package", f"the attestations are about {got!r}, expected {row.inputs[name]!r}")
    outcome = _accepted(row, found.provenance, {})
    if outcome.verdict != VERIFIED:
        return outcome
    by_type = {item.statement.predicate_type: item for item in (found.publish, found.provenance)}
    labels = [item["predicateType"] for item in value["attestations"]]
    listed = [{"label": label, **evidence_facts(by_type[label])} for label in labels if label in by_type]
    return Outcome(VERIFIED, "evidence.verified", "Both attestations hold and are about the same package.", {"attestations": listed})


def judge_build(row: Row, now: datetime) -> Outcome:
    """Google Cloud Build's wrapper, with keys that the row knows by their ids."""
    named = row.files["keys_by_keyid"].items()
    keys = read_input(lambda: {key_id: load_pem(row.read_path(path)) for key_id, path in named}, "a key of the build service")
    value = parse_json(row.read("evidence"))
    found = verify_build_provenance(value, keys)
    if not is_in_hand(row, (found.image,)):
        raise Unproven("expectation.artifact", f"the image is {found.image}, expected {', '.join(map(str, _digests(row)))}")
    for build in found.builds:
        _refuse_other_build(row, build.statement)
    envelopes = [{**statement_facts(build.statement), "keyids": list(build.named_keys)} for build in found.builds]
    return Outcome(VERIFIED, "evidence.verified", "Every envelope holds.", {"image": found.unverified_name, "envelopes": envelopes})


def _refuse_other_build(row: Row, statement: Statement) -> None:
    """Hold what a build service says against the row; here a key speaks for the service, so that its statement is all there is."""
    claims, inputs = extract_claims(statement), row.inputs
    source = inputs.get("source_repository")
    named = [item["uri"] for item in claims["dependencies"] if item["uri"]] + [claims["sourceRepository"]]
    named += [item.get("uri") for item in statement.predicate.get("materials", []) if isinstance(item, dict)]
    if source is not None and not any(uri and compare_repositories(uri, with_scheme(source)) == "same" for uri in named):
        raise Unproven("expectation.source", f"the build names the sources {named}, expected {source}")
    builder = at(statement.predicate, "runDetails", "builder", "id") or at(statement.predicate, "builder", "id")
    if "builder_id" in inputs and inputs["builder_id"] not in (builder, str(builder).rpartition("@")[0]):
        raise Unproven("expectation.builder", f"the build names the builder {builder}, expected {inputs['builder_id']}")
    # What the build does not say is a no, and never the word "None".
    ref = claims["sourceRef"] or ""
    branch, tag, line = (inputs.get(name) for name in ("source_branch", "source_tag", "versioned_tag"))
    of_tag = ref.removeprefix("refs/tags/") if ref.startswith("refs/tags/") else None
    for wanted, holds in (
        (branch, of_tag is None and ref in (f"refs/heads/{branch}", branch)),
        (tag, of_tag is not None and of_tag == tag),
        (line, of_tag is not None and line is not None and is_of_release_line(of_tag, line)),
    ):
        if wanted is not None and not holds:
            raise Unproven("expectation.ref", f"the build names the ref {ref or 'not at all'}, expected {wanted}")


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
    wanted = _digests(row)
    if statement is None and wanted:
        raise Unproven("expectation.artifact", "the payload is no statement about any artifact")
    if statement is not None:
        facts |= statement_facts(statement)
        _refuse_other_artifact(row, statement)
    return Outcome(VERIFIED, "evidence.verified", "Enough of the keys signed the envelope.", facts)


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
    check_summary(
        statement,
        SummaryExpectations(
            verifier_id=row.inputs.get("verifier_id"),
            resource_uri=row.inputs.get("resource_uri"),
            levels=tuple(row.inputs.get("verified_levels", ())),
            # Both, also where they contradict each other: then nothing has both.
            subject=(*row.inputs.get("subject_digest", {}).items(), *((digest.algorithm, digest.hex) for digest in given_digests(row))),
        ),
    )
    _refuse_other_artifact(row, statement)
    said = statement.predicate
    facts = {name: said.get(name) for name in ("verificationResult", "verifiedLevels", "resourceUri", "timeVerified")}
    facts["verifier_id"] = said.get("verifier", {}).get("id")
    return Outcome(VERIFIED, "evidence.verified", "The summary is the expected one.", {**statement_facts(statement), "vsa": facts})


def judge_any(row: Row, now: datetime) -> Outcome:
    """Anything that is meant to be evidence and says no more about itself: an unsigned statement is told apart from noise."""
    content = row.read("evidence")
    value = parse_json(content)
    if isinstance(value, dict) and "_type" in value and "signatures" not in value:
        raise Unproven("dsse.unsigned", "got a bare statement that nobody signed, expected an envelope")
    return judge_bundle(row, now) if detect_format(content) == SIGSTORE_BUNDLE else judge_envelope(row, now)


def _accepted(row: Row, verified: VerifiedEvidence, facts: dict[str, Any]) -> Outcome:
    own = extract_facts(verified)
    _refuse_other_artifact(row, verified.statement)
    expected = _expectations(row, verified)
    if expected == Expectations():
        return Outcome(VERIFIED, "evidence.verified", "Every signature holds; nothing more is asked.", facts)
    answer = accept(own, check_claims(own), expected)
    return Outcome(VERIFIED if answer.accepted else REJECTED, answer.code, answer.reason, facts)


def _expectations(row: Row, verified: VerifiedEvidence) -> Expectations:
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


def with_scheme(repository: str) -> str:
    """Return the address of a repository; people write it without its scheme."""
    return repository if "://" in repository else f"https://{repository}"


def _digests(row: Row) -> tuple[Digest, ...]:
    """Return the digests of the artifact in hand: all of the file that the row names, else those the row gives."""
    return file_digests(row) or given_digests(row)


def _refuse_other_artifact(row: Row, statement: Statement) -> None:
    if _digests(row) and not any(is_in_hand(row, subject.digests) for subject in statement.subjects):
        raise Unproven("expectation.artifact", f"the statement is about another artifact than {', '.join(map(str, _digests(row)))}")


def _trust(row: Row) -> TrustMaterial:
    return TrustMaterial(_roots(row), tuple(RegisteredKey(key, LONG_AGO) for key in _keys(row)))


def _roots(row: Row) -> tuple[TrustRoot, ...]:
    if not row.has("trusted_root"):
        return ()
    # A row may do without a log or without certificate logs, and then a timestamp has to prove the time.
    lenient = row.inputs.get("allow_no_transparency_log", False)
    profile = {"tlog": 0 if lenient else 1, "tsa": 1 if lenient else 0, "sct": 0 if row.inputs.get("allow_no_sct") else 1}
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
