"""Sentences of notices, as `portal.notices` writes them: kept in a row and mailed in English, retold on the page."""

from __future__ import annotations

from django.utils.translation import gettext_noop as noop

NOTICES = (
    noop("“%(title)s” waits for you. %(why)s."),
    noop("“%(title)s” still waits for an answer: half of the time to answer has passed."),
    noop("“%(title)s” still waits for an answer: four fifths of the time to answer have passed."),
    noop("“%(title)s” still waits for an answer: the time to answer is over."),
    noop("“%(title)s” changed since you approved it. Your approval does not count for revision %(number)s."),
    noop("“%(title)s” has every approval it needs."),
    noop("“%(title)s” was withdrawn."),
    noop("“%(title)s” was overtaken by a newer request."),
    noop("“%(title)s” ran out of time: nobody answered it."),
    noop("“%(title)s” failed: %(name)s, which carried it out, reports so."),
    noop("“%(title)s” was let through by a gate, and %(name)s has not reported what became of it."),
    noop("%(name)s approved “%(title)s”."),
    noop("%(name)s rejected “%(title)s”."),
    noop("%(name)s asked for changes to “%(title)s”."),
    noop("%(name)s names you in a comment on “%(title)s”."),
    noop("%(name)s commented on “%(title)s”."),
    noop("%(name)s lets you answer for them in %(place)s, from %(day)s until %(last)s."),
    noop("An approval of “%(title)s” ended: %(signal)s"),
    noop("You signed: %(signal)s"),
    noop("You are now a %(role)s in %(where)s."),
    noop("You are now an %(role)s in %(where)s."),
    noop("You are no longer a %(role)s in %(where)s."),
    noop("You are no longer an %(role)s in %(where)s."),
    noop("The approval key “%(name)s” was enrolled for you. If that was not you, revoke it and tell an administrator."),
    noop("Your approval key “%(name)s” was revoked: %(reason)s"),
    noop("%(name)s asks to recover approval keys. Two officers have to agree; make sure who is asking."),
    noop("%(name)s, which you answer for, was marked as compromised. What it signed since then counts no more."),
    noop("A recovery of your approval keys was asked for. If that was not you, tell an officer at once."),
    noop("An officer agreed to the recovery of your approval keys. If you asked for none, tell the other officers at once."),
    noop("The recovery of your approval keys was used: a new key signs for you. If that was not you, tell an officer at once."),
)
