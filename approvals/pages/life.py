"""What became of a request and what this reader may do about it, beside answering: withdraw, submit, answer the changes asked for.

Reads only; the acts ask all of it again.
"""

from __future__ import annotations

from dataclasses import dataclass

from approvals.carried_out.report_execution import read_execution
from approvals.models import ApprovalUse, ChangesAnswered, Execution, Request, RequestState, Supersession, Withdrawal
from approvals.policies.effects import has_taken_effect
from approvals.requests.delta import SinceSigned, since_signed
from approvals.requests.happened import list_askers
from approvals.requests.status import PENDING, Standing, shut_because
from approvals.requests.uses import is_used
from identities.models import Identity
from identities.permissions import is_allowed

Status = RequestState.Status


@dataclass(frozen=True)
class Executed:
    """How far it was carried out: `state` is claimed or an outcome, `said` the last note of it."""

    state: str
    use: ApprovalUse
    said: Execution | None


@dataclass(frozen=True)
class Life:
    """What the page says about it. `ran_out` is that nobody answered in time; `since` what changed since the reader signed."""

    withdrawal: Withdrawal | None
    supersession: Supersession | None
    ran_out: bool
    changes_answered: ChangesAnswered | None
    since: SinceSigned | None
    execution: Executed | None
    may_withdraw: bool
    may_submit: bool
    may_answer_changes: bool


def read_life(request: Request, standing: Standing, reader: Identity) -> Life:
    """Return what became of `request`, and what `reader` may do about it."""
    shut = shut_because(request)
    asks = reader.pk in {asker.pk for asker in list_askers(request)}
    opens = asks and is_allowed(reader, "requests.open", project=request.project)
    execution = read_execution(request)
    return Life(
        withdrawal=getattr(request, "withdrawal", None),
        supersession=getattr(request, "supersession", None),
        ran_out=shut == Status.EXPIRED,
        changes_answered=getattr(standing.revision, "answers_changes", None),
        since=since_signed(standing.revision, reader),
        execution=Executed(*execution) if execution else None,
        may_withdraw=asks
        and request.kind != Request.Kind.BREAK_GLASS_REVIEW
        and standing.status in {*PENDING, Status.DRAFT, Status.APPROVED}
        and not is_used(request)
        and not has_taken_effect(request),
        may_submit=opens and shut == Status.DRAFT,
        may_answer_changes=opens and standing.status == Status.CHANGES_REQUESTED,
    )
