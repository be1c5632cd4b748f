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
    noop("A rotation is carried out by a program registered and active in the team of %(name)s."),
)
# `approvals.declaration` and `approvals.emergency`
BREAK_GLASS = (
    noop("Taken back. Gates are shut again; the review stays open."),
    noop("Got %(count)s hours, expected 1 to %(most)s, as the policy allows."),
    noop("Got %(count)s uses, expected 1 to %(most)s, as the policy allows."),
    noop("The policy says nothing of breaking the glass, so nobody can go past it."),
    noop("The policy lets %(roles)s break the glass; you hold no such role here."),
    noop("%(name)s has never been seen: no evidence and no request names it."),
    noop("The glass is broken for this artifact there already, and uses are left."),
    noop("The policy allows less than you were offered to sign; start again."),
    noop("Whoever broke the glass takes it back; reviewers conclude its review."),
    noop("This break-glass is over already."),
)
# `approvals.revocation`: why an approval counts no more, as it is offered; and its title on the page that signs it.
REVOKING = (
    noop("Revoke an approval"),
    noop("The approver withdrew it"),
    noop("The artifact turned out bad"),
    noop("Its evidence is not valid"),
    noop("The key was compromised"),
    noop("The policy was wrong"),
    noop("The duties were not separated"),
)
# `approvals.statements`: what is wrong with the way in which a statement was signed.
SIGNING = (
    noop("Say why in a sentence; it is signed with the rest."),
    noop("This approval key is not yours."),
    noop("The key %(name)s was enrolled for %(host)s, expected %(other)s."),
    noop("This ceremony was begun in another sign-in session."),
    noop("This ceremony was begun by somebody else, or in another sign-in session."),
    noop("This ceremony was used already and nothing was signed; go back and start again."),
    noop("The time to sign is over and nothing was signed; go back and start again."),
    noop("This signature reaches level %(level)s, expected at least %(least)s."),
    noop("Got no assertion of a reasonable size; go back and sign again."),
)
# `approvals.beside`
COMPARED = (
    noop("Nothing is compared of this kind of request."),
    noop("Got something that this is not compared with, expected one of the choices on the page."),
)
# `approvals.changes.propose_expectations` and `approvals.policies.expectations`
EXPECTATIONS = (
    noop("Proposed. They come into force when the policy owners have signed; you may be one of them."),
    noop("Version %(number)s of the expectations of %(name)s is in force already."),
    noop("Got the expectations of %(name)s, expected those of %(project)s."),
    noop("Version %(number)s already names another document; give the changed one a new version."),
)
ACTS = (*EXCEPTIONS, *DELEGATIONS, *WRITTEN, *ASKING, *BREAK_GLASS, *REVOKING, *SIGNING, *COMPARED, *EXPECTATIONS)
