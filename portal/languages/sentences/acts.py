"""What is said where somebody does more than answer a request: that it was done, and why it was not. Nothing that is signed.

The acts refuse in English, for programs and the log as well; their pages retell what an approver meets.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as noop

# `approvals.exceptions`
EXCEPTIONS = (
    noop("Withdrawn. The rule is asked again from now on."),
    noop("This request has no rule of that name that may be waived."),
    noop("The policy has no rule %(name)s; ask for an exception from one it has."),
    noop("The policy says nothing of waivers, so none of its rules can be waived."),
    noop("Rules of kind approvals are never waived; ask for an exception from another rule."),
    noop("Exactly this was waived before; name another end."),
    noop("Exactly this was waived before; ask for another end."),
    noop("The exception was asked for until %(moment)s UTC, which has passed; ask for it anew."),
    noop("The rule %(name)s is not what it was when the exception was asked for; ask for it anew."),
    noop("Whoever answers for a waiver withdraws it, or a policy owner of its project."),
    noop("This waiver is over already."),
)
ACTS = (*EXCEPTIONS,)
