"""The saved views of the register: for each the condition on an identity that it lists.

What is looked for is what the tables show. Nothing tells which tools and secrets a program used, so no view says that it used none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import DateTimeField, DurationField, Exists, ExpressionWrapper, F, IntegerField, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Least
from django.db.models.lookups import LessThanOrEqual

from approvals.models import Request
from attestations.models import Observation, Verdict
from gates.models import Decision
from identities.grants.grant_right import ANYTHING
from identities.grants.held import in_force
from identities.models import REVIEW_EVERY_DAYS, ApiCredential, Grant, Identity

# How long a right may lie unused, and how far back acts are looked for.
WINDOW = timedelta(days=90)
# A stored secret that is, or may become, older than this counts as long-lived.
LONG_LIFE = timedelta(days=90)
# Given again within this after it ended or ran out, a right counts as held all the time.
RENEWED_WITHIN = timedelta(days=1)
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
MOST_SENSITIVE_TIER = 3

PROGRAM = ~Q(kind=Identity.Kind.PERSON)
ACTIVE = Q(status=Identity.Status.ACTIVE)


@dataclass(frozen=True, slots=True)
class SavedView:
    """One view: its name on the page, what it lists in a sentence, the condition at a time, and whether somebody has to do something.

    One that tells of credentials lists only identities whose credentials its reader may see.
    """

    label: str
    words: str
    condition: Callable[[datetime], Q]
    asks_for_work: bool = True
    tells_of_credentials: bool = False


def has_no_owner(now: datetime) -> Q:
    """Active programs for which nobody active answers."""
    return ACTIVE & PROGRAM & (Q(owner__isnull=True) | ~Q(owner__status=Identity.Status.ACTIVE))


def has_unused_privileges(now: datetime) -> Q:
    """Active programs with a right to attest that they held for `WINDOW`, and no verified evidence of that type came in from them."""
    newer = Verdict.objects.filter(attestation=OuterRef("attestation"), number__gt=OuterRef("number"))
    signed = Verdict.objects.filter(
        ~Exists(newer),
        signer=OuterRef("identity"),
        result=Verdict.Result.VERIFIED,
        attestation__received_at__gte=now - WINDOW,
    )
    held = Grant.objects.filter(in_force(now), right=Grant.Right.ATTEST)
    unused = Q()
    # Lists that PostgreSQL makes once each, by joins; one condition with an "or" it would ask anew for every right.
    for old in (held.filter(granted_at__lte=now - WINDOW), _renewed(held.filter(granted_at__gt=now - WINDOW), now)):
        of_one_type = old.exclude(object=ANYTHING).filter(~Exists(signed.filter(predicate_type=OuterRef("object"))))
        of_any_type = old.filter(~Exists(signed), object=ANYTHING)
        unused |= Q(pk__in=of_one_type.values("identity")) | Q(pk__in=of_any_type.values("identity"))
    return ACTIVE & PROGRAM & unused


def _renewed(grants: QuerySet[Grant], now: datetime) -> QuerySet[Grant]:
    """Return those that go on with a right held since before `WINDOW`: whenever it ended since, it was given again `RENEWED_WITHIN`.

    The same right is the same object to the letter, wherever it holds.
    """
    ends = Least(Coalesce("ended_at", Value(NEVER)), Coalesce("valid_until", Value(NEVER)))
    alike = Grant.objects.filter(right=OuterRef("right"), object=OuterRef("object"), identity=OuterRef("identity")).annotate(ends=ends)
    ended = alike.filter(ends__gt=now - WINDOW - RENEWED_WITHIN, ends__lte=now).annotate(
        soon=ExpressionWrapper(F("ends") + Value(RENEWED_WITHIN), output_field=DateTimeField())
    )
    given_up = ended.filter(~Exists(alike.filter(granted_at__lte=OuterRef("soon"), ends__gt=OuterRef("ends"))))
    began = alike.filter(granted_at__lte=now - WINDOW, ends__gt=now - WINDOW - RENEWED_WITHIN)
    return grants.filter(Exists(began), ~Exists(given_up))


def has_long_lived_secrets(now: datetime) -> Q:
    """Whoever holds a stored credential that is, or may become, older than `LONG_LIFE`."""
    # What was had for a workload token lives for minutes; among the stored ones the longest-lived are looked for.
    stored = ApiCredential.objects.filter(identity=OuterRef("pk"), exchange__isnull=True, revoked_at__isnull=True, expires_at__gt=now)
    old = Q(created_at__lte=now - LONG_LIFE) | Q(expires_at__gt=F("created_at") + LONG_LIFE)
    return Q(Exists(stored.filter(old)))


def acts_in_production(now: datetime) -> Q:
    """Programs that lately asked a gate of, opened a request for, or observed something in an environment of the highest tier."""
    since, tier = now - WINDOW, MOST_SENSITIVE_TIER
    asked = Decision.objects.filter(asked_by=OuterRef("pk"), environment__tier=tier, decided_at__gte=since)
    opened = Request.objects.filter(requester=OuterRef("pk"), environment__tier=tier, opened_at__gte=since)
    observed = Observation.objects.filter(identity=OuterRef("pk"), place__environment__tier=tier, received_at__gte=since)
    return PROGRAM & (Q(Exists(asked)) | Q(Exists(opened)) | Q(Exists(observed)))


def is_overdue_for_review(now: datetime) -> Q:
    """Programs that are not retired and whose next review, as `Identity.next_review_at` tells it, is due."""
    # SQLite multiplies days only by what it knows as a plain integer.
    every = Cast(Coalesce("review_every_days", REVIEW_EVERY_DAYS), IntegerField()) * Value(timedelta(days=1))
    due_at = Coalesce("reviewed_at", "created_at") + ExpressionWrapper(every, output_field=DurationField())
    return PROGRAM & ~Q(status=Identity.Status.RETIRED) & Q(LessThanOrEqual(ExpressionWrapper(due_at, output_field=DateTimeField()), now))


SAVED_VIEWS = {
    "orphaned": SavedView("No owner", "Active programs for which nobody active answers. Nothing they sign counts.", has_no_owner),
    "unused": SavedView(
        "Unused privileges",
        "Active programs with a right to attest that they have held for 90 days or longer, renewed or not, and of which no verified evidence "
        "came in for 90 days. Rights to use tools and to read secrets are left out: nothing here tells whether they are used.",
        has_unused_privileges,
    ),
    "secrets": SavedView(
        "Long-lived secrets",
        "Programs with a stored credential that is older than 90 days, or lives for longer. Credentials are shown to a program’s own team and "
        "its owner, so the programs of other teams are left out.",
        has_long_lived_secrets,
        tells_of_credentials=True,
    ),
    "production": SavedView(
        "Acts in production",
        "Programs that in the last 90 days asked a gate of, opened a request for, or observed something in an environment of tier 3.",
        acts_in_production,
        asks_for_work=False,
    ),
    "overdue": SavedView(
        "Review overdue", "Programs whose purpose and rights nobody looked at for longer than their review allows.", is_overdue_for_review
    ),
}
