"""Step 21 of the argument: request and snapshot say what the statement says, and the statement's words to the person follow from them.

Both documents are built again from what the steps before have shown, by the functions the portal builds them with, and compared
byte for byte; so is what the page said of changes (`proofs.pack.check_comparison`). Taken from them as they are: title and note, display names, the portal's own ids and times, the traced trails, where a
promotion comes from, and what the requester answered. A subject document is read strictly, and the one artifact is its digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from proofs.approval.approval_parts import HumanApproval
from proofs.approval.request_document import build_request_document, facts_of, parse_request_document, read_more, read_party
from proofs.approval.review_snapshot import ShownEvidence, build_review_snapshot
from proofs.approval.review_words import add_stead, evidence_label, media_type_of, missing_evidence, signer_label, summarise
from proofs.approval.subjects import ACTION_MINUTES, AGENT_ACTION
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Refusal, Unproven
from proofs.evidence import detect_format
from proofs.fields import Fields
from proofs.moment import rfc3339
from proofs.pack import layout
from proofs.pack.check_comparison import check_acknowledged, rebuild_comparison
from proofs.pack.check_evidence import EvidenceItem
from proofs.policy.evaluate import Policy, exclusions

_SNAPSHOT = "snapshot.mismatch"


def check_documents(
    files: Mapping[str, bytes], approval: HumanApproval, policy: Policy, policy_input: dict[str, Any], items: Sequence[EvidenceItem]
) -> None:
    """21. Return when request and snapshot are the ones the person signed for, and say the same as the statement and its words."""
    if sha256_hex(files[layout.SNAPSHOT]) != approval.review.snapshot_digest:
        raise Unproven("review.snapshot_mismatch", "the snapshot in the pack is not what the person's page was drawn from")
    if sha256_hex(files[layout.REQUEST]) != approval.request.digest:
        raise Unproven("request.mismatch", "the request in the pack is not the one the person decided about")
    request = check_request(files[layout.REQUEST], approval, policy_input)
    snapshot = _check_snapshot(files, request, approval, policy, policy_input, items)
    _check_words(approval, snapshot)


def check_request(content: bytes, approval: HumanApproval, policy_input: dict[str, Any]) -> dict[str, Any]:
    """21. Return the request when everything in it that the statement and the policy input also say is the same there."""
    shown = parse_request_document(content)
    asked = approval.separation_of_duties.requester
    opened_at, frozen_at = shown.time("openedAt"), shown.time("frozenAt")
    digests = [str(digest) for item in approval.artifacts for digest in item.digests]
    rebuilt = build_request_document(
        request_id=approval.request.id,
        revision=approval.request.revision,
        kind=approval.request.kind,
        title=shown.text("title", limit=200, lines=True),
        note=shown.text("note", limit=2000, empty=True, lines=True),
        project=policy_input["project"],
        team=policy_input["team"],
        environment=approval.environment,
        artifacts=[{"digest": str(digest), "name": item.name} for item in approval.artifacts for digest in item.digests],
        requester={**(read_party(shown, "requester") or {}), "kind": asked.kind, "issuer": asked.issuer, "subject": asked.subject},
        on_behalf_of=_as_signed(read_party(shown, "onBehalfOf"), asked.on_behalf_of),
        owner=_as_signed(read_party(shown, "owner"), asked.owner),
        policy_digest=approval.policy.digest,
        evidence=[(item.digest, item.verdict_digest) for item in approval.evidence],
        opened_at=opened_at,
        frozen_at=frozen_at,
        more={**read_more(shown, kind=approval.request.kind, digests=digests), **facts_of(policy_input)},
    )
    if rebuilt != content:
        part = _first_difference(shown.value, parse_canonical(rebuilt))
        raise Unproven("request.mismatch", f"the request and the statement about it do not agree on {part}")
    if policy_input.get("at", rfc3339(frozen_at)) != rfc3339(frozen_at):
        raise Unproven(
            "request.mismatch", f"the policy was evaluated as of {policy_input['at']}, the request was frozen at {rfc3339(frozen_at)}"
        )
    validity = approval.validity.not_after - approval.validity.issued_at
    if approval.request.kind == AGENT_ACTION and validity > timedelta(minutes=ACTION_MINUTES):
        raise Unproven(
            "validity.too_long", f"the approval of an agent's action is valid for {validity}, expected {ACTION_MINUTES} minutes or less"
        )
    if not opened_at <= frozen_at <= approval.validity.issued_at:
        raise Unproven("request.mismatch", f"the request was frozen at {rfc3339(frozen_at)}, expected before the statement was issued")
    return shown.value


def _check_snapshot(
    files: Mapping[str, bytes],
    request: dict[str, Any],
    approval: HumanApproval,
    policy: Policy,
    policy_input: dict[str, Any],
    items: Sequence[EvidenceItem],
) -> dict[str, Any]:
    content = files[layout.SNAPSHOT]
    shown = Fields(parse_canonical(content), path="snapshot", code=_SNAPSHOT)
    listed = shown.each("evidence", low=len(items), high=len(items))
    trails = shown.each("trails", high=256)
    rebuilt = build_review_snapshot(
        request=request,
        request_digest=approval.request.digest,
        project_name=str(shown.fields("project").raw("name")),
        environment_name=shown.fields("environment").text("name", limit=120),
        policy=parse_canonical(files[layout.POLICY_DOCUMENT]),
        policy_digest=approval.policy.digest,
        result=parse_canonical(files[layout.POLICY_RESULT]),
        result_digest=approval.policy.result_digest,
        excluded=exclusions(policy, policy_input),
        evidence=[_shown(files, fields, item) for fields, item in zip(listed, items, strict=True)],
        trails=[trail.value for trail in trails],
        comparison=rebuild_comparison(files, shown, request=request, approval=approval, items=items),
    )
    if rebuilt != content:
        part = _first_difference(shown.value, parse_canonical(rebuilt))
        raise Unproven(_SNAPSHOT, f"the person's page was drawn from something else than what was decided on: {part}")
    if [trail.raw("artifact") for trail in trails] != [item["digest"] for item in request["artifacts"]]:
        raise Unproven(_SNAPSHOT, "the person's page traced other artifacts than the ones decided on")
    return shown.value


def _check_words(approval: HumanApproval, snapshot: dict[str, Any]) -> None:
    """Hold what the statement says in words against what it rests on: nothing hidden, nothing renamed, nothing left out."""
    review = approval.review
    for reference, item in zip(approval.evidence, snapshot["evidence"], strict=True):
        words = (evidence_label(item["predicateType"]), signer_label(item["signer"]), media_type_of(item["format"]), True)
        if (reference.name, reference.signer, reference.media_type, reference.shown) != words:
            reason = f"the statement names evidence {reference.name!r}, signed by {reference.signer!r}"
            raise Unproven(
                "review.mismatch", f"{reason}; the verdict comes to {words[0]!r}, signed by {words[1]!r}, and all of it is shown"
            )
    if approval.missing_evidence != missing_evidence(snapshot["policy"]["rules"]):
        raise Unproven("review.mismatch", "what the statement says is missing is not what the policy's result says is missing")
    if review.summary != add_stead(summarise(snapshot, approval.decision), approval.standing_in_for):
        raise Unproven("review.mismatch", f"the statement sums up as {review.summary[:200]!r}, which its snapshot does not come to")
    if (review.locale, review.channel) != ("en", "web"):
        raise Unproven("review.mismatch", "the statement names a language or channel that no page of this version has")
    check_acknowledged(snapshot.get("comparison"), approval)


def _as_signed(party: dict[str, str] | None, person: tuple[str, str] | None) -> dict[str, str] | None:
    """Return who the statement names, with the request's labels; people are what a request is made for and owned by."""
    return {**(party or {}), "kind": "person", "issuer": person[0], "subject": person[1]} if person else None


def _shown(files: Mapping[str, bytes], fields: Fields, item: EvidenceItem) -> ShownEvidence:
    try:
        evidence_format = detect_format(files[layout.EVIDENCE + item.reference.digest], max_bytes=None)
    except Refusal:
        evidence_format = ""
    return ShownEvidence(
        id=fields.text("id", limit=80),
        format=evidence_format,
        received_at=rfc3339(fields.time("receivedAt")),
        digest=item.reference.digest,
        verdict_digest=item.reference.verdict_digest,
        verdict=item.verdict,
    )


def _first_difference(shown: dict[str, Any], rebuilt: dict[str, Any]) -> str:
    """Return the first field, by name, in which two documents differ."""
    names = sorted({*shown, *rebuilt})
    return next((name for name in names if canonical_bytes([shown.get(name)]) != canonical_bytes([rebuilt.get(name)])), "their form")
