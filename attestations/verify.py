"""Verify one attestation under a claim: judge outside any transaction, keep the verdict inside one.

Everything that says "verified" is kept together or not at all: verdict, subjects, findings, what it lists, ledger entry and the job's end.
Whether a project accepts the evidence is for its policy; here it is only said whether it holds and who signed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from attestations.blobs import bytes_of, store_blob
from attestations.claim import Claim, finish_job
from attestations.listing import Listed, keep_listed, read_listed
from attestations.models import Artifact, Attestation, Finding, Verdict, VerdictSigner, VerdictSubject, VerificationJob
from attestations.queries import verdict_document
from attestations.reverify import trust_mark, verifier_in_force
from attestations.second_opinion import with_second_opinion
from attestations.signer import NOBODY, Signer, check_co_signers, check_signer_registered
from attestations.trust.roots import current_trust_material
from identities.actors import portal_actor
from identities.grants.held import scopes_of
from ledger.append import append_event
from proofs.assess import VERIFIER_VERSION, Assessment, assess_evidence, build_verdict
from proofs.canonical import canonical_bytes
from proofs.evidence import TrustMaterial
from proofs.moment import parse_moment, rfc3339


@dataclass(frozen=True, slots=True)
class _Judged:
    """What came out of looking at the evidence, before any of it is kept."""

    attestation: Attestation
    assessment: Assessment
    signer: Signer
    trust: TrustMaterial
    mark: int
    as_of: datetime
    co_signers: tuple[tuple[Mapping[str, Any], Signer], ...] = ()
    listed: Listed | None = None


class TrustChanged(Exception):
    """What the verdict would have rested on changed while it was being reached; nothing was kept, and it is due anew."""


class OtherVerifier(Exception):
    """The verdicts of another version of the verifier are in force; nothing was kept, and a worker of that version is waited for."""


def verify_attestation(*, claim: Claim, now: datetime) -> Verdict | None:
    """Verify the claimed attestation and keep its verdict; None when the claim was lost meanwhile, and then nothing is kept.

    Keys and registrations are judged as of the second in which the evidence was received, because by then it was signed; where they were
    registered only later, as of `now`. Which of the two stands in the verdict: anybody can judge again as of then. Bad evidence is a
    verdict, not a refusal. Refuses with `blob.altered` when stored bytes changed, which counts as an attempt; raises `TrustChanged`.
    """
    now = now.replace(microsecond=0)
    attestation = Attestation.objects.select_related("blob").get(pk=claim.attestation_id)
    mark = trust_mark()
    trust = current_trust_material()
    content = bytes_of(attestation.blob)
    assessment, as_of = _assess(attestation, content, trust=trust, now=now)
    assessment = with_second_opinion(assessment, content)
    signer = NOBODY
    co_signers: tuple[tuple[Mapping[str, Any], Signer], ...] = ()
    if assessment.facts is not None:
        # Whenever its key came to be known, it was signed by the time it was here.
        was_here = min(as_of, attestation.received_at.replace(microsecond=0))
        signer, finding = check_signer_registered(assessment.facts, as_of=was_here, at=now)
        co_signers, about_them = check_co_signers(assessment.facts, as_of=was_here, at=now)
        assessment = replace(assessment, findings=(*assessment.findings, finding, *([about_them] if about_them else [])))
    listed = read_listed(content, assessment.facts) if assessment.result == Verdict.Result.VERIFIED else None
    judged = _Judged(attestation, assessment, signer, trust, mark, as_of, co_signers, listed)
    return _keep(judged, claim=claim, state=VerificationJob.State.DONE, error="", now=now)


def _assess(attestation: Attestation, content: bytes, *, trust: TrustMaterial, now: datetime) -> tuple[Assessment, datetime]:
    # A clock that was set back between receipt and now must not let a verdict look into the future.
    then = min(attestation.received_at.replace(microsecond=0), now)
    # Measured when it was taken in: a limit lowered since then is no reason to judge it otherwise.
    assessment = assess_evidence(content, trust=trust, received_at=then, max_bytes=None)
    if assessment.code != "key.not_valid" or then == now:
        return assessment, then
    # Registered later than it came in: what held once its key was known does not end with the key's time.
    before = _last_verified(attestation)
    if before is not None and then < before < now:
        again = assess_evidence(content, trust=trust, received_at=before, max_bytes=None)
        if again.code != "key.not_valid":
            return again, before
    return assess_evidence(content, trust=trust, received_at=now, max_bytes=None), now


def _last_verified(attestation: Attestation) -> datetime | None:
    """Return the time that keys were judged as of when it was last verified, if it ever was."""
    found = attestation.verdicts.filter(result=Verdict.Result.VERIFIED).select_related("document").order_by("-number").first()
    if found is None:
        return None
    document = verdict_document(found)
    return parse_moment(document.get("asOf", document["verifiedAt"]), code="evidence.verdict_mismatch", what="the time of a verdict")


def give_up(*, claim: Claim, error: str, now: datetime) -> Verdict | None:
    """Keep the verdict `error` after the last attempt: the evidence was not judged, and is never called verified for that."""
    attestation = Attestation.objects.select_related("blob").get(pk=claim.attestation_id)
    assessment = Assessment(
        result=Verdict.Result.ERROR.value,
        code="verification.gave_up",
        reason=f"The portal tried {settings.MAX_ATTEMPTS} times and could not finish verifying this evidence.",
        facts=None,
        findings=(),
        claimed_subjects=(),
        not_checked=("Nothing about this evidence was checked to the end.",),
    )
    judged = _Judged(attestation, assessment, NOBODY, TrustMaterial(), trust_mark(), now)
    return _keep(judged, claim=claim, state=VerificationJob.State.FAILED, error=error, now=now)


def _keep(judged: _Judged, *, claim: Claim, state: VerificationJob.State, error: str, now: datetime) -> Verdict | None:
    assessment, attestation = judged.assessment, judged.attestation
    document = canonical_bytes(
        build_verdict(
            assessment,
            evidence_digest=attestation.blob_id,
            identity=_named(judged.signer),
            trust_digests=judged.trust.digests,
            verified_at=rfc3339(now),
            as_of=rfc3339(judged.as_of),
            co_identities=[_co_signer(signer, who) for signer, who in judged.co_signers],
        )
    )
    facts = assessment.facts or {}
    signed_by = facts.get("signer", {})
    with transaction.atomic():
        # First, so that of two workers the second waits here, then sees that the claim is no longer its own.
        if not finish_job(claim, state=state, error=error):
            return None
        verdict = Verdict(
            attestation=attestation,
            number=attestation.verdicts.count() + 1,
            result=assessment.result,
            code=_cut(assessment.code, 80),
            reason=_cut(assessment.reason, 600),
            predicate_type=_cut(str(facts.get("predicateType", "")), 300),
            signer=judged.signer.identity,
            document=store_blob(document, now),
            verified_at=now,
            because=VerificationJob.objects.values_list("because", flat=True).get(pk=attestation.pk),
            trust_mark=judged.mark,
            verifier=VERIFIER_VERSION,
            trust_root=str(facts.get("trustRoot") or ""),
            signer_issuer=_cut(str(signed_by.get("issuer") or ""), 300),
            signer_name=_cut(str(signed_by.get("identity") or signed_by.get("keyId") or ""), 500),
            co_signer_names=" ".join(str(signer["keyId"]) for signer, _ in judged.co_signers),
            other_signatures=assessment.other_signatures,
            copy_key=next(iter(assessment.copy_keys), None),
        )
        verdict.save()
        _keep_what_it_says(verdict, judged, now)
        Finding.objects.bulk_create(
            Finding(
                verdict=verdict,
                check_name=found.check,
                outcome=found.outcome,
                code=_cut(found.code, 80),
                sentence=_cut(found.sentence, 600),
            )
            for found in assessment.findings
        )
        # Last, because it takes the one lock of the whole ledger.
        append_event(event="verdict.recorded", ref_digest=verdict.document_id, actor=portal_actor(), now=now)
        # Under that lock: whoever changes what is trusted holds it too, so the change is seen here, or its order sees this verdict.
        if trust_mark() != judged.mark:
            raise TrustChanged
        if verifier_in_force() not in (None, VERIFIER_VERSION):
            raise OtherVerifier
    return verdict


def _keep_what_it_says(verdict: Verdict, judged: _Judged, now: datetime) -> None:
    _keep_subjects(verdict, judged.assessment, now)
    _keep_signers(verdict, judged)
    if judged.listed is not None:
        keep_listed(judged.attestation, judged.listed)


def _keep_subjects(verdict: Verdict, assessment: Assessment, now: datetime) -> None:
    proven = assessment.result == Verdict.Result.VERIFIED
    names: dict[str, str] = {}
    if assessment.facts is not None:
        for subject in assessment.facts["subjects"]:
            for digest in subject["digests"]:
                names.setdefault(digest, subject["name"])
    else:
        names.update(dict.fromkeys(assessment.claimed_subjects, ""))
    # In one order everywhere, so that two verdicts about the same new artifacts cannot wait for each other in a circle.
    in_order = sorted(names)
    # An unproven name would otherwise stick to the artifact for ever: only the signer of a verified statement names it.
    artifacts = [Artifact(digest=digest, name=_cut(names[digest], 300) if proven else "", first_seen_at=now) for digest in in_order]
    Artifact.objects.bulk_create(artifacts, ignore_conflicts=True)
    VerdictSubject.objects.bulk_create(
        VerdictSubject(verdict=verdict, artifact_id=digest, name=_cut(names[digest], 300), claimed=not proven) for digest in in_order
    )


def _keep_signers(verdict: Verdict, judged: _Judged) -> None:
    source = _cut(str((judged.assessment.facts or {}).get("signer", {}).get("sourceRepository") or ""), 500)
    names = [(verdict.signer_issuer, verdict.signer_name, source), *(("", str(signer["keyId"]), "") for signer, _ in judged.co_signers)]
    identities = [judged.signer.identity, *(who.identity for _, who in judged.co_signers)]
    # One copy key for each signer of the facts, and none where nothing was proven.
    found = zip(judged.assessment.copy_keys, names, identities, strict=True) if judged.assessment.copy_keys else ()
    VerdictSigner.objects.bulk_create(
        VerdictSigner(verdict=verdict, copy_key=key, issuer=issuer, name=name, source=source, identity=identity)
        for key, (issuer, name, source), identity in found
    )


def _named(signer: Signer) -> dict[str, Any] | None:
    identity = signer.identity
    if identity is None:
        return None
    names = {"id": identity.pk, "kind": identity.kind, "name": identity.name, "issuer": identity.issuer, "subject": identity.subject}
    return {**names, "team": identity.team.slug if identity.team else None, "grants": scopes_of(signer.grants)}


def _co_signer(signer: Mapping[str, Any], who: Signer) -> dict[str, Any]:
    named = {"keyId": signer["keyId"], "identity": _named(who)}
    return named if who.identity is not None else {**named, "because": who.because}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
