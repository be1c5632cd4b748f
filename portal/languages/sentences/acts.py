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
# `approvals.delegation`, and the roles that `identities.permissions.may` says of somebody else.
DELEGATIONS = (
    noop("Taken back. What was approved under it and not used yet has ended."),
    noop("%(name)s was deactivated"),
    noop("Got yourself, expected somebody else who answers for you."),
    noop("Got %(roles)s, expected some of yours here: %(wanted)s."),
    noop("no role"),
    noop("%(name)s is without a role; %(doing)s in %(where)s needs %(wanted)s: whoever answers for you must be an approver themselves."),
    noop("%(name)s is %(held)s; %(doing)s in %(where)s needs %(wanted)s: whoever answers for you must be an approver themselves."),
    noop("%(name)s has no approval key; whoever answers for you signs with their own."),
    noop("Got one more delegation, expected at most %(count)s at once; take one back."),
    noop("Got an end that is over or before the beginning, expected one that is to come."),
    noop("Got %(count)s days, expected %(most)s at most."),
    noop("Got an environment of another team, expected some of the team of %(name)s."),
    noop("Whoever delegated takes it back, or the delegate gives it up."),
    noop("This delegation is over already."),
    noop("An answer was given under this delegation in this moment; try again."),
)
# What somebody wrote or filled in: `approvals.requests.plain_text`, and the form of a new request.
WRITTEN = (
    noop("Got %(count)s characters for %(what)s, expected at most %(most)s."),
    noop("Got nothing for %(what)s, expected a few words."),
    noop("Got several lines for %(what)s, expected one."),
    noop("Got invisible or control characters in %(what)s, expected plain text."),
    noop("the reason"),
    noop("the title"),
    noop("the note"),
    noop("the incident"),
    noop("the comment"),
    noop("what changed"),
    noop("a name"),
    noop("At most %(count)s artifacts fit into one request."),
    noop("Line %(number)s: expected why and an account, like “commit-author github:12345”."),
    noop("Line %(number)s: got %(got)s, expected %(expected)s."),
)
# `approvals.requests.open_request` and `approvals.requests.kinds`, as a person meets them.
ASKING = (
    noop("Got no artifact, expected at least one digest."),
    noop("Got the same digest twice, expected every artifact once."),
    noop("Got %(name)s as origin and target, expected two environments."),
    noop("%(name)s is not approved for %(place)s, so it cannot be promoted from there."),
    noop("%(name)s does not belong to the team of %(project)s."),
)
ACTS = (*EXCEPTIONS, *DELEGATIONS, *WRITTEN, *ASKING)
