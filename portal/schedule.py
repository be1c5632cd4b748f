"""What is done in the background, and how often: defined once, for the worker loop and for Celery's beat.

Each chore claims its own work from rows, so any number of processes may run rounds at the same time.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from approvals.attention.remind import remind_requests
from approvals.attention.renew import renew_due
from approvals.carried_out.report_execution import note_missing_reports
from approvals.changes.end_overtaken import end_overtaken
from approvals.dry_run.work import work_dry_runs
from approvals.reading.note_reading import forget_readings
from approvals.requests.expire import expire_unanswered
from approvals.requests.follow_ground import follow_ground
from approvals.requests.refresh import refresh_requests
from approvals.revocation.revoke_by_portal import revoke_compromised
from approvals.seen.signals_seen import forget_seen
from attestations.drain import drain
from attestations.listing import index_older
from attestations.reverify import spread_reverifications
from gates.revoke_invalid import revoke_invalid
from identities.people.end_lapsed import end_lapsed_roles
from portal.notices.follow_ledger import follow_ledger
from portal.notices.mail_notices import mail_notices
from portal.webhooks.deliver_messages import deliver_messages

log = structlog.get_logger("portal.schedule")


def drain_attestations() -> int:
    """Verify a batch of what is waiting. Returns how many attestations were finished."""
    return drain(clock=timezone.now, limit=settings.BATCH_SIZE)


def spread_due_reverifications() -> int:
    """Put back to wait what a change of trust or of the verifier touches. Returns how many were looked at."""
    return spread_reverifications(now=timezone.now())


def list_older_evidence() -> int:
    """Read what evidence of before lists, so that search finds it. Returns how many pieces were looked at."""
    return index_older()


def end_overtaken_changes() -> int:
    """Close changes of policy that another one overtook. Returns how many were closed."""
    return end_overtaken(now=timezone.now())


def revoke_unsound_approvals() -> int:
    """Revoke approvals that somebody else may have signed, or whose evidence does not hold any more. Returns how many were."""
    now = timezone.now()
    return revoke_compromised(now=now) + revoke_invalid(now=now)


def refresh_open_requests() -> int:
    """Bring open requests up to date with their evidence, the clock, and what they are compared with. Returns how many changed."""
    return refresh_requests(now=timezone.now()) + follow_ground(now=timezone.now())


def renew_whose_turn() -> int:
    """Compute anew whose turn it is where roles changed. Returns of how many requests."""
    return renew_due(now=timezone.now())


def remind_of_open_requests() -> int:
    """Remind people of what waits for them, and tell more of them the longer it does. Returns of how many requests."""
    return remind_requests(now=timezone.now())


def weigh_dry_runs() -> int:
    """Try a policy that somebody writes on a few more requests of the past. Returns how many."""
    return work_dry_runs(clock=timezone.now)


def forget_old_readings() -> int:
    """Forget how long people looked at reviews and what they saw there, after a while. Returns how many were forgotten."""
    now = timezone.now()
    return forget_readings(now=now) + forget_seen(now=now)


def expire_open_requests() -> int:
    """Close requests that nobody answered in time. Returns how many were closed."""
    return expire_unanswered(now=timezone.now())


def note_missing_execution_reports() -> int:
    """Note what a gate let through and nobody reported on. Returns how many."""
    return note_missing_reports(now=timezone.now())


def close_lapsed_roles() -> int:
    """Write into the log which roles ran out. Returns how many were closed."""
    return end_lapsed_roles(now=timezone.now())


def follow_new_entries() -> int:
    """Write notices about what is new in the ledger. Returns how many entries were looked at."""
    return follow_ledger(now=timezone.now())


def mail_new_notices() -> int:
    """Mail the notices that are to be mailed. Returns how many were."""
    return mail_notices(clock=timezone.now) if settings.EMAIL_HOST else 0


def deliver_webhooks() -> int:
    """Send the messages to other systems that are due. Returns how many were tried."""
    return deliver_messages(clock=timezone.now)


# In this order: what is touched is verified in the same round, and a verdict of this round is seen by the requests of the same round.
CHORES: tuple[tuple[str, Callable[[], int]], ...] = (
    ("attestations.reverify", spread_due_reverifications),
    ("attestations.drain", drain_attestations),
    ("approvals.end_overtaken", end_overtaken_changes),
    ("approvals.revoke", revoke_unsound_approvals),
    ("approvals.refresh", refresh_open_requests),
    ("approvals.expire", expire_open_requests),
    ("approvals.execution", note_missing_execution_reports),
    ("identities.end_lapsed", close_lapsed_roles),
    ("attention.renew", renew_whose_turn),
    ("attention.remind", remind_of_open_requests),
    ("notices.follow", follow_new_entries),
    ("notices.mail", mail_new_notices),
    ("approvals.dry_run", weigh_dry_runs),
    ("webhooks.deliver", deliver_webhooks),
    ("approvals.forget", forget_old_readings),
    ("attestations.list", list_older_evidence),
)


def work_one_round(chores: tuple[tuple[str, Callable[[], int]], ...] | None = None) -> int:
    """Run every chore once and return how much was done. A chore that breaks is logged and does not stop the others."""
    done = 0
    for name, chore in CHORES if chores is None else chores:
        close_old_connections()
        try:
            done += chore()
        except Exception:  # The loop must outlive any one chore; the rows keep the work.
            log.exception("chore failed", chore=name)
    close_old_connections()
    return done
