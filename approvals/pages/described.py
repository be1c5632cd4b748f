"""A request as the API tells it: what is asked, where it stands, and how each answer does. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from approvals.attention.turns import WAITING
from approvals.attention.unblock import read_blockers
from approvals.carried_out.report_execution import read_execution
from approvals.models import Approval, Request, RequestState, Supersession
from approvals.pages.live import due_of
from approvals.requests.status import Standing, compute_standing, why_shut
from approvals.requests.verdicts import JudgedAnswer, judge_answers
from attestations.blobs import bytes_of
from identities.models import Identity
from proofs.canonical import parse_canonical

Status = RequestState.Status
MAX_TURNS = 100


def describe_request(asked: Request, *, reader: Identity, now: datetime) -> dict[str, Any]:
    """Return a request as the API tells it: where it stands at `now`, how each answer does, and what `reader` can do about it."""
    standing = compute_standing(asked, now=now)
    revision = standing.revision
    result: dict[str, Any] = parse_canonical(bytes_of(revision.policy_result)) if revision else {"rules": [], "result": "fail"}
    counted = {rule["id"]: rule for rule in standing.rules}
    rules: list[Mapping[str, Any]] = [counted.get(rule["id"], rule) for rule in result["rules"]]
    return {
        "id": asked.pk,
        "kind": asked.kind,
        "url": settings.ORIGIN + reverse("approvals:request", args=[asked.pk]),
        "title": asked.title,
        "project": asked.project.slug,
        "environment": asked.environment.slug,
        "status": standing.status,
        "revision": revision.number if revision else 0,
        "snapshot": revision.snapshot_id if revision else "",
        "policy": revision.policy_id if revision else "",
        "result": result["result"],
        "artifacts": [{"digest": item.artifact_id, "name": item.name} for item in asked.artifacts.order_by("artifact_id")],
        "fromEnvironment": asked.from_environment.slug if asked.from_environment else None,
        "subject": parse_canonical(bytes_of(asked.subject)) if asked.subject else None,
        "about": asked.about_id,
        "supersededBy": Supersession.objects.filter(request=asked).values_list("by_request", flat=True).first(),
        "rules": rules,
        "approvals": [_answer(judged) for judged in judge_answers(asked, now=now)],
        "approvalsRequired": standing.required,
        "reasons": _reasons(standing, rules, why_shut(asked)),
        "execution": describe_execution(asked),
        "openedAt": asked.opened_at,
        "dueAt": due_of(asked, revision) if revision and str(standing.status) in WAITING else None,
        "waitsFor": asked.attention.select_related("identity").order_by("since", "pk")[:MAX_TURNS],
        "unblock": read_blockers(request=asked, standing=standing, reader=reader, now=now),
    }


def describe_execution(asked: Request) -> dict[str, Any] | None:
    """Return how far an action or a rotation was carried out; None before a gate let it through."""
    found = read_execution(asked)
    if found is None:
        return None
    state, use, said = found
    return {
        "state": state,
        "by": use.by.name,
        "decision": use.decision_id,
        "claimedAt": use.claimed_at,
        "at": said.at if said else None,
        "result": said.result if said else "",
        "detail": said.detail if said else "",
        "ledgerIndex": said.entry_id if said else None,
        "envelope": parse_canonical(bytes(said.envelope)) if said else None,
    }


def _answer(judged: JudgedAnswer) -> dict[str, Any]:
    answer, weighed = judged.answer, judged.weighed
    return {
        "by": answer.identity.name,
        "issuer": answer.identity.issuer,
        "subject": answer.identity.subject,
        "inTheSteadOf": {"issuer": answer.in_stead.person.issuer, "subject": answer.in_stead.person.subject}
        if hasattr(answer, "in_stead")
        else None,
        "decision": answer.decision,
        "level": answer.level,
        "signedAt": answer.signed_at,
        "notAfter": answer.not_after,
        "record": answer.record.digest,
        "ledgerIndex": answer.record.entry_id,
        "revision": answer.revision.number,
        "verdict": weighed.verdict.value,
        "sentence": weighed.sentence,
        "delta": [change.as_dict() for change in weighed.delta],
    }


def _reasons(standing: Standing, rules: Sequence[Mapping[str, Any]], shut: tuple[str, str] | None) -> list[str]:
    if standing.status in (Status.APPROVED, Status.PROMOTED):
        return []
    if shut is not None:
        return [f"{shut[1][:1].upper()}{shut[1][1:]}."]
    against = [
        f"{answer.identity.name}: {answer.get_decision_display().lower()}."
        for answer in standing.answers
        if answer.decision != Approval.Decision.APPROVE
    ]
    return against + [rule["sentence"] for rule in rules if rule["outcome"] not in ("pass", "waived")]
