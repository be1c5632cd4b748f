"""What was approved in another environment first, weighed again when a gate is asked: signed material first, then what is known now of it.

It is read as strictly as what a gate let through there and that is to run on (`gates.weigh_run`): the pack of that request is verified as
of its approval, and held against who asked, who made it, and what people were shown. Not asked: whether it has lapsed, the policy in force
there now, and who has left since. Writes nothing; `hold_elsewhere` locks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from approvals.models import Request, Revision
from approvals.packs.build import build_pack
from approvals.requests.approved_elsewhere import approved_elsewhere_now, lost_elsewhere
from approvals.requests.revise import lock_state
from approvals.trust import current_trust
from gates.present_facts import check_stood_facts
from gates.reasons import Reason
from proofs.errors import Refusal
from proofs.moment import parse_moment
from proofs.pack.verify import verify_pack


def check_elsewhere(request: Request, *, now: datetime) -> list[Reason]:
    """Return the reasons why what the newest revision of `request` says was approved elsewhere first is not, or no longer, or not shown to be."""
    revision = _newest(request)
    facts = approved_elsewhere_now(revision) if revision is not None else []
    doubts = [_check_fact(fact, now=now) for fact in facts]
    standing = [fact for fact, against in zip(facts, doubts, strict=True) if not against]
    why = " ".join(f"It was there in request {fact['request']}: {words}" for fact, words in zip(facts, doubts, strict=True) if words)
    return [Reason(lost.code, f"{lost.sentence} {why}".strip(), request.pk) for lost in _lost(request, revision, standing, now=now)]


def hold_elsewhere(request: Request, *, now: datetime) -> None:
    """Lock `request` and those that it rests on elsewhere, each where answers to it are taken back, in one order: call it in a transaction."""
    revision = _newest(request)
    there = {fact["request"] for fact in approved_elsewhere_now(revision)} if revision is not None else set()
    for each in Request.objects.filter(pk__in={request.pk, *there}).order_by("pk"):
        lock_state(each, now=now)


def check_elsewhere_again(request: Request, *, now: datetime) -> list[Reason]:
    """Return the reasons that came up since `check_elsewhere`, for requests that are held."""
    revision = _newest(request)
    return _lost(request, revision, approved_elsewhere_now(revision) if revision is not None else [], now=now)


def _lost(request: Request, revision: Revision | None, facts: Sequence[Mapping[str, str]], *, now: datetime) -> list[Reason]:
    lost = lost_elsewhere(revision, facts, now=now) if revision is not None else []
    return [Reason(rule["code"], rule["sentence"], request.pk) for rule in lost]


def _check_fact(fact: Mapping[str, str], *, now: datetime) -> str:
    """Return in words why an approval elsewhere cannot be shown, or does not carry anything today; empty where it does."""
    there = Request.objects.select_related("project__team", "environment", "requester__owner").get(pk=fact["request"])
    revision = _newest(there)
    if revision is None:
        return "it was never frozen for review."
    at = parse_moment(fact["at"], code="policy.input", what="the time of an approval elsewhere")
    try:
        files = build_pack(request=there, now=now, with_private=True, number=revision.number)
        verify_pack(files, trust=current_trust(), digest=fact["digest"], environment=there.environment_id, at=at)
        against = check_stood_facts(there, revision, digest=fact["digest"], now=now)
    except Refusal as refusal:
        return f"{refusal.reason}."
    return " ".join(reason.sentence for reason in against)


def _newest(request: Request) -> Revision | None:
    return request.revisions.select_related("policy__document", "policy_input", "request").order_by("-number").first()
