"""Sentences of whoever writes and proposes policies: what was done, and what was refused. What a rule says, or what is wrong in it, is not here."""

from __future__ import annotations

from django.utils.translation import gettext_noop as noop

POLICIES = (
    # `approvals.models.DryRun.State`
    noop("Waiting"),
    noop("Being weighed"),
    noop("Done"),
    noop("Failed"),
    noop("Cancelled"),
    noop("Saved, together with what somebody else saved meanwhile."),
    noop("%(name)s is stored. It is in force once policy owners have approved it."),
    noop("Choose an environment, and 1 to 90 days."),
    noop("Proposed. It comes into force when the policy owners have signed it; you may be one of them."),
    noop("This text could not be taken: it is too long, or has characters that no text has."),
    noop("This dry run has ended already."),
    noop("%(name)s saved this draft meanwhile, and you both changed %(many)s; look at both and save again."),
    noop("the text"),
    noop("%(name)s already names another document; give the changed one a new version."),
    noop("%(name)s is in force for %(place)s already, in mode %(mode)s."),
)
