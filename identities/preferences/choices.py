"""What can be chosen: languages, time zones, and the kinds of notices, of which some are always mailed."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from django.utils.translation import gettext_noop as noop

# Each in its own words; the two kinds of English differ in how dates are written. Nothing chosen is whatever the browser asks for.
LANGUAGES = (("", noop("As the browser asks")), ("en-gb", "English (UK)"), ("en-us", "English (US)"), ("de", "Deutsch"))

# kind → what a person is told it is about. Whatever somebody else could do to one's own keys and roles, or in one's name, is mailed whatever they chose.
NOTICE_KINDS = {
    "key.enrolled": noop("An approval key of yours is enrolled"),
    "key.revoked": noop("An approval key of yours is revoked"),
    "recovery.opened": noop("A recovery of keys is asked for, yours or one that needs officers"),
    "recovery.consented": noop("An officer agrees to a recovery of yours"),
    "recovery.used": noop("A recovery of yours gives a new key"),
    "recovery.ended": noop("A recovery of yours is refused or taken back"),
    "role.granted": noop("You are given a role"),
    "role.ended": noop("A role of yours ends"),
    "person.status": noop("You are suspended, deactivated, or let in again"),
    "approval.signed": noop("You signed an answer: the receipt of what it says"),
    "approval.recorded": noop("Somebody answers a request you opened"),
    "approval.ended": noop("An approval of a request you opened ends"),
    "approval.revoked": noop("An approval you gave is revoked by others, or by the portal itself"),
    "request.turn": noop("A request waits for you"),
    "request.stale": noop("A request you approved changed, so that your approval does not count for it any more"),
    "request.mentioned": noop("Somebody names you in a comment"),
    "request.commented": noop("Somebody comments on a request you opened"),
    "request.reminded": noop("A request that waits for you, or that you opened, waits for long"),
    "request.decided": noop("A request you opened has all its approvals, is withdrawn, overtaken, or ran out of time"),
    "request.execution": noop("What you approved or asked for failed, or nobody reported what became of it"),
    "delegation.given": noop("Somebody lets you answer for them, or another person under your policies"),
    "delegation.ended": noop("Somebody answers for another person no more"),
    "program.compromised": noop("A program you answer for is marked as compromised"),
}
ALWAYS_MAILED = frozenset(
    kind for kind in NOTICE_KINDS if kind.split(".")[0] in ("key", "recovery", "role", "person") or kind == "approval.signed"
)
CHOOSABLE = tuple((kind, words) for kind, words in NOTICE_KINDS.items() if kind not in ALWAYS_MAILED)


@cache
def list_time_zones() -> tuple[str, ...]:
    """Return the names of time zones people choose from: UTC first, then places."""
    areas = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    return ("UTC", *sorted(name for name in available_timezones() if name.split("/")[0] in areas and "/" in name))
