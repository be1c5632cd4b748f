"""Whom an entry about a request concerns: whose turn it is, who signed what changed, who is named, reminded, or asked. Reads only.

A link leads to a page; none does anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse

from approvals.models import Approval, Attention, Comment, Execution, Record, Reminder, Request, RequestState, Revision
from identities.models import EventSubject, Identity
from ledger.models import Entry
from portal.notices.receipt import KIND
from portal.notices.told import Told, list_askers, tell
from proofs.approval.human_approval import parse_human_approval

ENDED = {
    "request.withdrawn": "was withdrawn",
    "request.superseded": "was overtaken by a newer request",
    "request.expired": "ran out of time: nobody answered it",
}
EXECUTIONS = {
    "failed": "failed: {by}, which carried it out, reports so",
    "outcome_unknown": "was let through by a gate, and {by} has not reported what became of it",
}
REMINDED = {
    Reminder.Stage.REMINDED: "half of the time to answer has passed",
    Reminder.Stage.ESCALATED: "four fifths of the time to answer have passed",
    Reminder.Stage.OVERDUE: "the time to answer is over",
}
# Whoever is named in a comment, and who asks, is told of that by words of its own.
APPROVING = ("approve", "changed", "ended")


def tell_frozen(entry: Entry) -> Iterable[Told]:
    """A revision was frozen: those who signed the one before, and whose turn it is."""
    revision = Revision.objects.filter(snapshot=entry.ref_digest).select_related("request").first()
    if revision is None:
        return
    request = revision.request
    signed = Approval.objects.filter(
        revision__request=request, revision__number=revision.number - 1, decision=Approval.Decision.APPROVE, end__isnull=True
    )
    signers = {approval.identity_id: approval.identity for approval in signed.select_related("identity")}
    for signer in signers.values():
        sentence = f"“{request.title}” changed since you approved it. Your approval does not count for revision {revision.number}."
        yield from tell(signer, "request.stale", sentence, request)
    yield from _turns(entry, request, but=set(signers))


def tell_answered(entry: Entry) -> Iterable[Told]:
    """Somebody answered: they themselves, with what they signed; whose turn it is next, and that nothing is missing any more."""
    rows = Record.objects.filter(entry=entry)
    record = rows.select_related("approval__revision__request__requester__owner", "approval__identity").first()
    if record is None:
        return
    request = record.approval.revision.request
    summary = parse_human_approval(bytes(record.approval.payload)).review.summary
    yield Told(record.approval.identity, KIND, f"You signed: {summary}", reverse("approvals:record", args=[record.digest]))
    yield from _turns(entry, request, but={record.approval.identity_id})
    is_last = not Record.objects.filter(approval__revision__request=request, entry__gt=entry.pk).exists()
    if is_last and RequestState.objects.filter(request=request, status=RequestState.Status.APPROVED).exists():
        for who in list_askers(request):
            yield from tell(who, "request.decided", f"“{request.title}” has every approval it needs.", request)


def tell_turns_of_ended(entry: Entry) -> Iterable[Told]:
    """An approval ended: who can take its place."""
    found = Approval.objects.filter(end__entry=entry).select_related("revision__request").first()
    if found is not None:
        yield from _turns(entry, found.revision.request, but={found.identity_id})


def tell_commented(entry: Entry) -> Iterable[Told]:
    """Somebody said something: whom they name, and who asked."""
    found = Comment.objects.filter(entry=entry, withdrawal__isnull=True)
    comment = found.select_related("author", "request__requester__owner", "request__on_behalf_of").first()
    if comment is None:
        return
    request, by = comment.request, comment.author
    named = {mention.identity_id: mention.identity for mention in comment.mentions.select_related("identity")}
    for person in named.values():
        yield from tell(person, "request.mentioned", f"{by.name} names you in a comment on “{request.title}”.", request)
    for who in list_askers(request):
        if who.pk != by.pk and who.pk not in named:
            yield from tell(who, "request.commented", f"{by.name} commented on “{request.title}”.", request)


def tell_reminded(entry: Entry) -> Iterable[Told]:
    """The portal reminds: whoever was chosen when it did."""
    reminder = Reminder.objects.filter(entry=entry).select_related("request").first()
    if reminder is None:
        return
    request = reminder.request
    sentence = f"“{request.title}” still waits for an answer: {REMINDED[Reminder.Stage(reminder.stage)]}."
    for person in _subjects(entry):
        yield from tell(person, "request.reminded", sentence, request)


def tell_ended(entry: Entry) -> Iterable[Told]:
    """A request is over without an answer: those who are kept beside the entry, with the request it is about."""
    for subject in EventSubject.objects.filter(entry=entry).select_related("identity"):
        request = Request.objects.filter(pk=subject.about).first()
        if request is not None and subject.identity.is_person:
            yield from tell(subject.identity, "request.decided", f"“{request.title}” {ENDED[entry.event]}.", request)


def tell_executed(entry: Entry) -> Iterable[Told]:
    """What a gate let through failed, or nobody reported on it: those who approved it, and who asked."""
    found = Execution.objects.filter(entry=entry).exclude(outcome=Execution.Outcome.EXECUTED)
    said = found.select_related("use__by", "use__request__requester__owner", "use__request__on_behalf_of").first()
    if said is None:
        return
    request = said.use.request
    signed = Approval.objects.filter(revision=said.use.revision_id, decision=Approval.Decision.APPROVE).select_related("identity")
    people = {person.pk: person for person in [*(approval.identity for approval in signed.order_by("pk")), *list_askers(request)]}
    for person in people.values():
        yield from tell(person, "request.execution", f"“{request.title}” {EXECUTIONS[said.outcome].format(by=said.use.by)}.", request)


def _turns(entry: Entry, request: Request, *, but: set[str]) -> Iterable[Told]:
    """Tell those whose turn it became in the same act; a row keeps since when it holds, and the act gave the entry that time."""
    rows = (
        Attention.objects.filter(request=request, since=entry.appended_at, reason_code__in=APPROVING)
        .exclude(identity__in=but)
        .select_related("identity")
    )
    for row in rows.order_by("pk"):
        yield from tell(row.identity, "request.turn", f"“{request.title}” waits for you. {row.sentence}.", request)


def _subjects(entry: Entry) -> list[Identity]:
    return [subject.identity for subject in EventSubject.objects.filter(entry=entry).select_related("identity").order_by("pk")]
