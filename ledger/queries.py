"""Reads of the ledger for its page: the newest entries, what each is, and how far the signed tree reaches."""

from __future__ import annotations

from django.db.models import QuerySet

from ledger.models import Entry

# How many entries a page of the log shows.
PAGE_SIZE = 50

# What happened, in words. An event of another name is shown by its name.
EVENT_WORDS = {
    "evidence.received": "Evidence was received",
    "verdict.recorded": "A verdict on evidence was recorded",
    "trust.root_added": "A trust root was added",
    "trust.root_removed": "A trust root was removed",
    "trust.change_proposed": "A change of trust roots was proposed",
    "trust.change_confirmed": "An officer confirmed a change of trust roots",
    "trust.change_refused": "An officer refused a change of trust roots",
    "trust.change_withdrawn": "A proposed change of trust roots was withdrawn",
    "identity.registered": "An identity was registered",
    "evidence_signer.registered": "A way of signing evidence was registered",
    "credential.issued": "An API credential was issued",
    "credential.revoked": "An API credential was revoked",
    "account.linked": "An account elsewhere was linked to an identity",
    "account.unlinked": "A link to an account elsewhere was ended",
    "role.granted": "A role was granted",
    "role.ended": "A role was ended",
    "group_role.kept": "A team kept its last administrator, whatever groups said",
    "identity_provider.added": "An identity provider was added",
    "identity_provider.changed": "An identity provider was changed",
    "identity_provider.removed": "An identity provider was removed",
    "group_rules.set": "Which roles groups carry was changed",
    "local_sign_in.switched": "Sign-in with accounts of the portal's own was switched",
    "role.lapsed": "A role ran out",
    "tables.opened": "A person was let read the tables",
    "tables.closed": "A person reads the tables no longer",
    "signer.enrolled": "An approval key was enrolled",
    "signer.revoked": "An approval key was revoked",
    "signer.renamed": "An approval key was given another name",
    "signer.directory": "The directory of approval keys changed",
    "recovery.opened": "A person who lost every approval key asked for a recovery",
    "recovery.consented": "An officer agreed to a recovery",
    "recovery.used": "A key was enrolled after a recovery",
    "recovery.ended": "A recovery was ended",
    "signer.count_went_back": "An approval key counted backwards",
    "policy.published": "A policy was published",
    "policy.activated": "A policy came into force",
    "policy.activated_by_one_person": "A policy came into force, by one person",
    "expectations.published": "Expectations of a project were published",
    "expectations.activated": "Expectations of a project came into force",
    "expectations.activated_by_one_person": "Expectations of a project came into force, by one person",
    "portal.genesis": "The portal was set up",
    "request.opened": "A request was opened",
    "request.revised": "A request was put together for review",
    "record": "A person's answer was recorded",
    "approval.refused": "An attempt to sign was refused",
    "gate.decision": "A gate decided",
}


def newest_entries() -> QuerySet[Entry]:
    """Return the entries, the newest first."""
    return Entry.objects.order_by("-index")


def describe_event(event: str) -> str:
    """Return what an event means, in words."""
    return EVENT_WORDS.get(event, event)
