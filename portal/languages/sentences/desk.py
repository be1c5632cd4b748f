"""Sentences of the queue and of settings, and the names of roles."""

from __future__ import annotations

from django.utils.translation import gettext_noop as noop

ROLES = (
    noop("Requester"),
    noop("Release approver"),
    noop("Security approver"),
    noop("Owner approver"),
    noop("Auditor"),
    noop("Identity steward"),
    noop("Policy owner"),
    noop("Officer"),
    noop("Administrator"),
    noop("requester"),
    noop("release approver"),
    noop("security approver"),
    noop("owner approver"),
    noop("auditor"),
    noop("identity steward"),
    noop("policy owner"),
    noop("officer"),
    noop("administrator"),
)
# Why it is somebody's turn: `approvals.attention.turns`, kept with the turn; and whose it is, where it is not the reader's.
TURNS = (
    noop("You asked for it; changes are requested"),
    noop("Your draft; submit it when it is ready"),
    noop("You asked for it; it was rejected"),
    noop("%(author)s named you in a comment"),
    noop("You answer for %(name)s, %(role)s"),
    noop("It changed since it was approved; you signed revision %(number)s, look at what changed since"),
    noop("An approval was revoked; you are %(role)s"),
    noop("An approval ended; you are %(role)s"),
    noop("It changed since it was approved; you are %(role)s"),
    noop("You are %(role)s"),
    noop("Waiting for the requester to change it"),
    noop("A rule is not met"),
    noop("Evidence has not arrived"),
    noop("Who asked took it back"),
    noop("A newer request took its place"),
    noop("A gate let it through"),
    noop("Waits for %(roles)s"),
    noop("You asked for it. Waits for %(roles)s"),
    noop("You have answered. Waits for %(roles)s"),
    noop("An approval ended because its approver left. Waits for %(roles)s"),
    noop("%(name)s by sign-in"),
)
# What the portal says after something was done at the desk.
DONE = (
    noop("1 request"),
    noop("%(count)s requests"),
    noop("%(many)s put off. It stays your turn, and comes back by itself under Your turn."),
    noop("%(many)s back under Your turn."),
    noop("%(many)s taken back."),
    noop("Your comment stands on %(many)s. It is no answer."),
    noop("No comment stands on %(title)s: %(why)s."),
    noop("And on %(count)s more no comment stands."),
    noop("Nobody who may read all of these requests is called %(names)s, so nobody was told of that."),
    noop("Kept as “%(name)s”."),
    noop("The view “%(name)s” is deleted."),
    noop("Saved."),
)
DESK = (*ROLES, *TURNS, *DONE)
