"""Whom an entry of the ledger concerns, and what they are told. Reads only.

A leaf holds digests and pseudonyms. Key events are found by the digest of their statement, answers by the record that points to the entry,
and all else by the row that was written beside it (`identities.models.EventSubject`). What nobody is told of is not listed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.urls import reverse

from approvals.models import Approval, ApprovalEnd, Record
from identities.models import EventSubject, RoleAssignment, SigningKey
from identities.people.officers import list_officers
from identities.permissions import with_article
from ledger.models import Entry
from portal.notices import about_delegations, about_requests
from portal.notices.told import Told, list_askers, tell
from proofs.canonical import parse_json
from proofs.digest import sha256_hex

ANSWERED = {
    Approval.Decision.APPROVE: "approved",
    Approval.Decision.REJECT: "rejected",
    Approval.Decision.REQUEST_CHANGES: "asked for changes to",
}
RECOVERIES = {
    "recovery.opened": "A recovery of your approval keys was asked for. If that was not you, tell an officer at once.",
    "recovery.consented": "An officer agreed to the recovery of your approval keys. If you asked for none, tell the other officers at once.",
    "recovery.used": "The recovery of your approval keys was used: a new key signs for you. If that was not you, tell an officer at once.",
    "recovery.ended": "The recovery of your approval keys was refused or taken back.",
}
STATUSES = {
    "identity.suspended": "You were suspended: you can do nothing here until an identity steward lets you act again.",
    "identity.resumed": "You may act again: your suspension is over.",
    "identity.retired": "You were retired here, for ever.",
    "identity.deactivated": "You were deactivated here: your sessions, roles and approval keys ended.",
    "identity.reactivated": "You are active here again. Roles and approval keys do not come back by themselves.",
}


def list_told(entry: Entry) -> list[Told]:
    """Return who is told what because of an entry; nobody where it concerns nobody or cannot be traced to anybody."""
    teller = TELLERS.get(entry.event)
    return list(teller(entry)) if teller else []


def _subjects(entry: Entry) -> list[EventSubject]:
    return list(EventSubject.objects.filter(entry=entry).select_related("identity__owner"))


def _enrolled(entry: Entry) -> Iterable[Told]:
    payload = parse_json(bytes(entry.body))["spec"]["payloadHash"]["value"]
    for key in SigningKey.objects.filter(enrollment_digest=payload).select_related("identity"):
        sentence = f"The approval key “{key.label}” was enrolled for you. If that was not you, revoke it and tell an administrator."
        yield Told(key.identity, "key.enrolled", sentence, reverse("identities:keys"))


def _revoked(entry: Entry) -> Iterable[Told]:
    # A revocation has no column for its digest. Few keys are revoked at the very same moment.
    for key in SigningKey.objects.filter(revoked_at=entry.appended_at, revocation__isnull=False).select_related("identity"):
        if sha256_hex(bytes(key.revocation or b"")) == entry.ref_digest:
            sentence = f"Your approval key “{key.label}” was revoked: {key.revoked_reason}"
            yield Told(key.identity, "key.revoked", sentence, reverse("identities:keys"))


def _recovery(entry: Entry) -> Iterable[Told]:
    for subject in _subjects(entry):
        yield Told(subject.identity, entry.event, RECOVERIES[entry.event], reverse("identities:keys"))
        if entry.event == "recovery.opened":
            sentence = f"{subject.identity.name} asks to recover approval keys. Two officers have to agree; make sure who is asking."
            page = reverse("identities:recoveries")
            for officer in list_officers().exclude(pk=subject.identity_id):
                yield Told(officer, entry.event, sentence, page)


def _role(entry: Entry) -> Iterable[Told]:
    for subject in _subjects(entry):
        held = RoleAssignment.objects.filter(pk=subject.about, identity=subject.identity).select_related("team", "project").first()
        if held is None:
            continue
        role = f"{with_article(held.get_role_display())} in {held.project or held.team}"
        is_given = entry.event == "role.granted"
        sentence = f"You are now {role}." if is_given else f"You are no longer {role}."
        page = reverse("identities:identity", args=[subject.identity_id])
        yield Told(subject.identity, "role.granted" if is_given else "role.ended", sentence, page)


def _status(entry: Entry) -> Iterable[Told]:
    for subject in _subjects(entry):
        if subject.identity.is_person:
            page = reverse("identities:identity", args=[subject.identity_id])
            yield Told(subject.identity, "person.status", STATUSES[entry.event], page)


def _compromised(entry: Entry) -> Iterable[Told]:
    for subject in _subjects(entry):
        program = subject.identity
        if program.owner is not None:
            sentence = f"{program.name}, which you answer for, was marked as compromised. What it signed since then counts no more."
            yield Told(program.owner, "program.compromised", sentence, reverse("identities:identity", args=[program.pk]))


def _ended(entry: Entry) -> Iterable[Told]:
    found = ApprovalEnd.objects.filter(entry=entry).select_related("approval__revision__request__requester__owner")
    for end in found:
        request = end.approval.revision.request
        for who in list_askers(request):
            yield from tell(who, "approval.ended", f"An approval of “{request.title}” ended: {end.sentence}", request)


def _revoked_by_others(entry: Entry) -> Iterable[Told]:
    """Whoever gave an approval hears that others revoked it, or the portal by itself."""
    found = ApprovalEnd.objects.filter(entry=entry).select_related("approval__identity", "approval__revision__request").first()
    if found is not None and not found.approval.revocations.filter(signed__identity=found.approval.identity_id).exists():
        request = found.approval.revision.request
        sentence = f"Your approval of “{request.title}” was revoked: {found.sentence}. If it should go on, somebody has to approve it anew."
        yield from tell(found.approval.identity, "approval.revoked", sentence, request)


def _answered(entry: Entry) -> Iterable[Told]:
    found = Record.objects.filter(entry=entry)
    record = found.select_related("approval__identity", "approval__revision__request__requester__owner").first()
    if record is None:
        return
    approval, request = record.approval, record.approval.revision.request
    sentence = f"{approval.identity.name} {ANSWERED[Approval.Decision(approval.decision)]} “{request.title}”."
    for who in list_askers(request):
        if who.pk != approval.identity_id:
            yield from tell(who, "approval.recorded", sentence, request)


def _both(first: Callable[[Entry], Iterable[Told]], second: Callable[[Entry], Iterable[Told]]) -> Callable[[Entry], Iterable[Told]]:
    return lambda entry: [*first(entry), *second(entry)]


TELLERS: dict[str, Callable[[Entry], Iterable[Told]]] = {
    "signer.enrolled": _enrolled,
    "signer.revoked": _revoked,
    "role.granted": _role,
    "role.ended": _role,
    "role.lapsed": _role,
    "identity.compromised": _compromised,
    "record": _both(_answered, about_requests.tell_answered),
    "approval.ended": _both(_ended, about_requests.tell_turns_of_ended),
    "execution": about_requests.tell_executed,
    about_delegations.GIVEN: about_delegations.tell_given,
    about_delegations.ENDED: about_delegations.tell_ended,
    "approval.revoked": _both(_both(_revoked_by_others, _ended), about_requests.tell_turns_of_ended),
    "request.opened": about_requests.tell_frozen,
    "request.revised": about_requests.tell_frozen,
    "request.commented": about_requests.tell_commented,
    "request.reminded": about_requests.tell_reminded,
    **dict.fromkeys(about_requests.ENDED, about_requests.tell_ended),
    **dict.fromkeys(RECOVERIES, _recovery),
    **dict.fromkeys(STATUSES, _status),
}
