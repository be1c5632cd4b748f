"""Freeze a revision: the policy in force, every current attestation that counts, the evaluation, and the snapshot.

The evidence set takes in what was rejected too: an approver must see it. What proves nothing and comes from another team alone stays out
(`attestations.admission`), and so do, beyond `MAX_OF_OTHERS`, what another team signed that the policy does not name, and copies that others
sent of what is there, or anybody could spoil anybody's request. Earlier revisions stay as they were; approvals of them no
longer count. Not checked here: whether a new revision is called for (`approvals.requests.refresh` decides that).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from approvals.comparison.build_comparison import build_comparison
from approvals.models import PolicyVersion, Request, RequestState, Revision, RevisionEvidence, rank_of
from approvals.policies.expectations import active_expectations
from approvals.policies.named_signers import named_signers
from approvals.policies.waivers import live_waivers
from approvals.requests.approved_elsewhere import approved_elsewhere
from approvals.requests.headline import headline_of
from approvals.requests.people import people_of
from approvals.requests.policy_for import keep_policy, policy_for
from approvals.requests.snapshot import SeenEvidence, build_snapshot, party, read_snapshot
from approvals.requests.status import refresh_state
from attestations.admission import MAX_OF_OTHERS, is_own, is_troubled_by_signers, others_verdicts, own_verdicts
from attestations.blobs import bytes_of, store_blob
from attestations.models import Verdict
from attestations.trace import Trace, Viewpoint, trace_verdicts
from identities.actors import actor_of, portal_actor
from identities.models import Identity, Team
from ledger.append import append_event
from proofs.approval.approval_parts import EnvironmentReference
from proofs.approval.request_document import build_request_document, facts_of
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Conflict
from proofs.policy.evaluate import build_policy_input, evaluate_policy, exclusions, parse_policy

# What one person can be asked to look through, beside a little of others; a statement could list four times as many.
MAX_EVIDENCE = 256
# Decided by policies of their own, which ask for no evidence.
WITHOUT_EVIDENCE = (Request.Kind.POLICY_CHANGE, Request.Kind.EXCEPTION, Request.Kind.BREAK_GLASS_REVIEW)


@dataclass(frozen=True)
class Evaluation:
    """The evidence about a request's artifacts as it is now, and what the policy in force makes of it."""

    policy: PolicyVersion
    artifacts: list[dict[str, str]]
    evidence: list[SeenEvidence]
    policy_input: dict[str, Any]
    result: dict[str, Any]
    # None where the policy does not ask for the project's expectations; empty where it does and none are in force.
    expectations_digest: str | None = None
    # Which of the verdicts are the team's own, or of somebody named: the others change no answer.
    own: frozenset[int] = frozenset()
    # From which of those a signer who does not answer takes something away.
    troubled: frozenset[int] = frozenset()

    @property
    def verdict_ids(self) -> frozenset[int]:
        """The rows of the verdicts that were looked at."""
        return frozenset(item.verdict.pk for item in self.evidence)


def evaluate_request(request: Request, *, now: datetime) -> Evaluation:
    """Evaluate the policy of a request (`policy_for`) on the evidence there is now and the waivers that are live at `now`. Writes nothing.

    A change of policy, an exception and the review of a break-glass have none: nobody looks at evidence about those documents. Refuses with `policy.missing`, or with `evidence.too_many` when
    there is more of it than fits into one revision, of the team itself and of the signers that the policy and the project's expectations
    name; however much there is of others, it refuses nothing.
    """
    policy = policy_for(request)
    parsed = parse_policy(bytes_of(policy.document))
    expected = active_expectations(request.project) if parsed.asks_expectations else None
    artifacts = [{"digest": item.artifact_id, "name": item.name} for item in request.artifacts.order_by("artifact_id")]
    named = named_signers(parsed, expected)
    # The document is all there is: whatever is sent about it takes no answer back, and holds nobody up.
    about = [] if request.kind in WITHOUT_EVIDENCE else [item["digest"] for item in artifacts]
    evidence, own_ids, troubled = _current_evidence(about, request.project.team, named)
    behalf, owner = request.on_behalf_of, request.requester.owner
    digests = {item["digest"] for item in artifacts}
    waivers = live_waivers(project=request.project, environment=request.environment, policy=policy, artifacts=digests, now=now)
    policy_input = build_policy_input(
        project=request.project.slug,
        team=request.project.team.slug,
        environment=request.environment.slug,
        artifacts=artifacts,
        requester=_names(request.requester),
        on_behalf_of={"issuer": behalf.issuer, "subject": behalf.subject} if behalf else None,
        owner={"issuer": owner.issuer, "subject": owner.subject} if owner else None,
        evidence=[{"digest": item.digest, "verdictDigest": item.verdict_digest, "verdict": dict(item.document)} for item in evidence],
        expectations={"digest": expected.digest, "document": parse_canonical(bytes_of(expected.document))} if expected else None,
        people=people_of(request, parsed, [item for item in evidence if item.verdict.pk in own_ids]),
        kind=str(request.kind),
        at=now.replace(microsecond=0) if waivers or parsed.asks_moment or request.kind != Request.Kind.RELEASE else None,
        waivers=waivers,
        approved_in=approved_elsewhere(request, parsed, digests),
    )
    expectations_digest = (expected.digest if expected else "") if parsed.asks_expectations else None
    result = evaluate_policy(parsed, policy_input)
    return Evaluation(policy, artifacts, evidence, policy_input, result, expectations_digest, own_ids, troubled)


@transaction.atomic
def revise_request(*, request: Request, by: Identity | None, now: datetime, answers_changes: str = "") -> Revision:
    """Freeze the next revision of a request and write it into the ledger. `by` is None when the portal does it by itself.

    `answers_changes` is what the requester says to those who asked for changes; `answer_changes` gives it.
    Refuses as `evaluate_request` does.
    """
    state = lock_state(request, now=now)
    now = now.replace(microsecond=0)
    evaluation = evaluate_request(request, now=now)
    number = state.revision_number + 1
    document = _request_document(request, number, evaluation, now, answers_changes)
    result_bytes, input_bytes = canonical_bytes(evaluation.result), canonical_bytes(evaluation.policy_input)
    snapshot = _build_snapshot(request, document, evaluation, sha256_hex(result_bytes), now)
    revision = Revision.objects.create(
        request=request,
        number=number,
        policy=keep_policy(evaluation.policy, now=now),
        digest=sha256_hex(document),
        document=store_blob(document, now),
        policy_input=store_blob(input_bytes, now),
        policy_result=store_blob(result_bytes, now),
        expectations_digest=evaluation.expectations_digest,
        result=evaluation.result["result"],
        snapshot=store_blob(snapshot, now),
        frozen_at=now,
    )
    RevisionEvidence.objects.bulk_create(
        [RevisionEvidence(revision=revision, attestation=item.verdict.attestation, verdict=item.verdict) for item in evaluation.evidence]
    )
    event = "request.opened" if number == 1 else "request.revised"
    actor = actor_of(by) if by is not None else portal_actor()
    append_event(event=event, ref_digest=revision.snapshot_id, actor=actor, now=now)
    state.revision_number, state.revision = number, revision
    state.headline = headline_of(read_snapshot(snapshot))
    refresh_state(state, now=now)
    return revision


def lock_state(request: Request, *, now: datetime) -> RequestState:
    """Lock the one row that serialises everything that happens to a request: revisions, ceremonies and answers."""
    rows = RequestState.objects.select_for_update(no_key=True)
    try:
        return rows.get(request_id=request.pk)
    except RequestState.DoesNotExist:
        pass
    listed = {"project_id": request.project_id, "rank": rank_of(request.kind), "opened_at": request.opened_at}
    # Due at once until somebody says until when, which whoever computes the turns does.
    RequestState.objects.get_or_create(request_id=request.pk, defaults={**listed, "due_at": request.opened_at, "computed_at": now})
    return rows.get(request_id=request.pk)


def _current_evidence(digests: Sequence[str], team: Team, named: Q) -> tuple[list[SeenEvidence], frozenset[int], frozenset[int]]:
    """Return the latest verdict of every attestation that counts for the team, each once, oldest evidence first; which are its own, and
    which of those a signer troubles who does not answer."""
    verdicts = list(own_verdicts(digests, team=team, named=named)[: MAX_EVIDENCE + 1])
    if len(verdicts) > MAX_EVIDENCE:
        raise Conflict(
            "evidence.too_many",
            f"got more than {MAX_EVIDENCE} items of evidence about these artifacts, expected at most that many in one revision; ask for "
            "fewer artifacts in one request, or stop whatever sends so much and build again, because a new digest starts without it",
        )
    verdicts += others_verdicts(digests, team=team, named=named)[:MAX_OF_OTHERS]
    verdicts.sort(key=lambda verdict: (verdict.attestation.received_at, verdict.attestation_id))
    # Told of the verdicts at hand, as it is told of those of a revision: the two are compared.
    own = Verdict.objects.filter(is_own(team, named), pk__in=[verdict.pk for verdict in verdicts])
    told = dict(own.annotate(is_troubled=is_troubled_by_signers(team, named)).values_list("pk", "is_troubled"))
    seen = [SeenEvidence(verdict, parse_canonical(bytes_of(verdict.document))) for verdict in verdicts]
    return seen, frozenset(told), frozenset(pk for pk, is_troubled in told.items() if is_troubled)


def _names(identity: Identity) -> dict[str, str]:
    return {"kind": str(identity.kind), "issuer": identity.issuer, "subject": identity.subject}


def _request_document(request: Request, number: int, evaluation: Evaluation, now: datetime, answers_changes: str) -> bytes:
    environment, asks, origin = request.environment, request.requester, request.from_environment
    more = {
        "subject": parse_canonical(bytes_of(request.subject)) if request.subject else None,
        "fromEnvironment": {"id": origin.pk, "name": origin.slug, "tier": origin.tier} if origin else None,
        "about": request.about_id,
        "answersChanges": answers_changes or None,
        **facts_of(evaluation.policy_input),
    }
    return build_request_document(
        request_id=request.pk,
        revision=number,
        kind=str(request.kind),
        title=request.title,
        note=request.note,
        project=request.project.slug,
        team=request.project.team.slug,
        environment=EnvironmentReference(environment.pk, environment.slug, environment.tier),
        artifacts=evaluation.artifacts,
        requester=party(asks),
        on_behalf_of=party(request.on_behalf_of) if request.on_behalf_of else None,
        owner=party(asks.owner) if asks.owner else None,
        policy_digest=evaluation.policy.digest,
        evidence=[(item.digest, item.verdict_digest) for item in evaluation.evidence],
        opened_at=request.opened_at,
        frozen_at=now,
        more=more,
    )


def _build_snapshot(request: Request, document: bytes, evaluation: Evaluation, result_digest: str, now: datetime) -> bytes:
    policy = bytes_of(evaluation.policy.document)
    seen = [(item.verdict, item.document) for item in evaluation.evidence]
    return build_snapshot(
        request=request,
        document=document,
        policy=parse_canonical(policy),
        policy_digest=evaluation.policy.digest,
        result=evaluation.result,
        result_digest=result_digest,
        excluded=exclusions(parse_policy(policy), evaluation.policy_input),
        evidence=evaluation.evidence,
        trails=[(item["digest"], _trace(item["digest"], evaluation, request.project.team)) for item in evaluation.artifacts],
        comparison=build_comparison(request, evidence=seen, artifacts=evaluation.artifacts, policy=evaluation.policy, now=now),
    )


def _trace(digest: str, evaluation: Evaluation, team: Team) -> Trace:
    """Tell the artifact's way from the evidence of this revision alone, so that nothing left out of it speaks on the page."""
    about = [item.verdict for item in evaluation.evidence if digest in {subject.artifact_id for subject in item.verdict.subjects.all()}]
    newest_first = sorted(about, key=lambda verdict: (verdict.verified_at, verdict.pk), reverse=True)
    return trace_verdicts(digest, newest_first, seen_by=Viewpoint(teams={team.pk}))
