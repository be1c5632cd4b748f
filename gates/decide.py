"""Decide: may this digest go to this environment, now?

The answer is recomputed from the signed material each time, with the code an auditor uses offline (`proofs.pack.verify`), and
then held against what is true today: keys, identities, policy and verdicts. Whatever cannot be shown is a deny with a reason.
Every answer is written down with its ledger entry before it is given. Not checked here: where the artifact is, and whether a
tag points to it; a gate is asked about a digest.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction

from approvals.models import Request
from approvals.pack import build_pack
from approvals.trust import current_trust
from attestations.models import Artifact
from gates.models import Decision, new_decision_id
from gates.present_facts import check_present_facts
from gates.reasons import Reason
from identities.actors import actor_of
from identities.models import Environment, Identity
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.digest import parse_digest, sha256_hex
from proofs.errors import Refusal
from proofs.pack.verify import verify_pack

log = structlog.get_logger(__name__)

MAX_REQUESTS_WEIGHED = 20
ANSWERED_NO = "approval.decision"


def decide(*, digest: str, environment_slug: str, by: Identity, now: datetime) -> Decision:
    """Weigh every request that asks for `digest` in the environment, and write the answer down.

    Returns the stored `Decision`. Refuses with `digest.malformed` for what is not a digest; an unknown digest or environment is
    not a refusal but a recorded deny.
    """
    parsed = parse_digest(digest)
    # Another team's environment is no environment for this caller: a gate tells nobody what others have approved.
    environment = Environment.objects.filter(slug=environment_slug, team_id=by.team_id).first()
    request, reasons = _weigh(str(parsed), environment, environment_slug, now=now)
    return _record(str(parsed), environment_slug, environment, request, reasons, by=by, now=now)


def _weigh(digest: str, environment: Environment | None, environment_slug: str, *, now: datetime) -> tuple[Request | None, list[Reason]]:
    """Return the request that opens the gate and no reasons, or the newest request (if any) and the reasons against."""
    if environment is None:
        return None, [Reason("scope.environment", f"There is no environment {environment_slug[:64]!r} in your team.")]
    if not Artifact.objects.filter(pk=digest).exists():
        return None, [Reason("scope.artifact", f"{digest} has never been seen: no evidence and no request names it.")]
    requests = list(
        Request.objects.filter(artifacts__artifact_id=digest, environment=environment)
        .select_related("project", "environment", "requester")
        .order_by("-opened_at", "-pk")[:MAX_REQUESTS_WEIGHED]
    )
    if not requests:
        return None, [Reason("approval.missing", f"Nobody has asked for {digest} to go to {environment.name}; open a request.")]
    first_reasons: list[Reason] | None = None
    for request in requests:
        reasons = _weigh_request(request, digest, now=now)
        if not reasons:
            return request, []
        if any(reason.code == ANSWERED_NO for reason in reasons):
            # Somebody looked later and said no: an older yes to the same question does not outlive that.
            return request, reasons
        first_reasons = first_reasons or reasons
    return requests[0], first_reasons or [Reason("approval.missing", "No request about this artifact is approved.")]


def _weigh_request(request: Request, digest: str, *, now: datetime) -> list[Reason]:
    """Return the reasons why `request` does not open the gate; an empty list opens it."""
    try:
        verify_pack(build_pack(request=request, now=now), trust=current_trust(), digest=digest, environment=request.environment_id, at=now)
    except Refusal as refusal:
        return [Reason(refusal.code, refusal.reason, request_id=request.pk)]
    except Exception:
        # A gate that breaks must not open: whatever went wrong is a deny, and a line in our own log for whoever mends it.
        log.exception("gate_failed", request=request.pk)
        return [
            Reason(
                "gate.error",
                "The gate could not check this request, so it stays shut; the portal's log has the cause.",
                request_id=request.pk,
            )
        ]
    return check_present_facts(request)


@transaction.atomic
def _record(
    digest: str,
    environment_slug: str,
    environment: Environment | None,
    request: Request | None,
    reasons: list[Reason],
    *,
    by: Identity,
    now: datetime,
) -> Decision:
    decision_id = new_decision_id()
    outcome = Decision.Outcome.DENY if reasons else Decision.Outcome.ALLOW
    document = canonical_bytes(
        {
            "schema": "countersign-decision/v1",
            "id": decision_id,
            "artifact": digest,
            "environment": environment_slug,
            "outcome": outcome.value,
            "reasons": [reason.as_dict() for reason in reasons],
            "request": request.pk if request else None,
            "decidedAt": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
    entry = append_event(event="gate.decision", ref_digest=sha256_hex(document), actor=actor_of(by), now=now)
    return Decision.objects.create(
        id=decision_id,
        artifact_digest=digest,
        environment_slug=environment_slug,
        environment=environment,
        outcome=outcome,
        reasons=[reason.as_dict() for reason in reasons],
        request=request,
        asked_by=by,
        document=document,
        entry=entry,
        decided_at=now,
    )
