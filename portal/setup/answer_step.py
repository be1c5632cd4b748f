"""Keep how an administrator left a step of setting up: done, skipped, or to be asked again.

Changes nothing but the list of steps; what a step is about is done by the acts of its own room.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.models import Identity
from identities.permissions import demand
from portal.models import SetUpAnswer
from portal.setup.steps import KINDS
from proofs.errors import Malformed

AGAIN = "again"


@transaction.atomic
def answer_step(*, step: str, answer: str, by: Identity, now: datetime) -> None:
    """Keep `done` or `skipped`, or forget the answer with `again`. Refuses with `set_up.step`, `set_up.answer` or `permission.missing`."""
    demand(by, "portal.set_up")
    if step not in KINDS:
        raise Malformed("set_up.step", f"got the step {step[:40]!r}, expected one of {', '.join(KINDS)}")
    if answer == AGAIN:
        SetUpAnswer.objects.filter(step=step).delete()
        return
    if answer not in SetUpAnswer.Answer.values:
        raise Malformed("set_up.answer", f"got {answer[:40]!r}, expected {', '.join((*SetUpAnswer.Answer.values, AGAIN))}")
    SetUpAnswer.objects.update_or_create(step=step, defaults={"answer": answer, "by": by, "answered_at": now})
