"""What an identity did in a window, as records of every room show it: evidence signed and sent, observations, requests, gates asked, tokens.

The number of queries does not grow with what it did, and at most `MOST` rows of each kind are read; whatever is cut off is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Max, QuerySet
from django.urls import reverse

from approvals.models import Request
from attestations.models import Observation, Submission
from gates.models import Decision
from identities.models import ApiCredential, Identity, TokenExchange
from reports.identity_use.granted import read_granted
from reports.identity_use.observed_signatures import read_names, read_signed
from reports.identity_use.use import API, TOKEN, Deed, Earlier, Record, Use, Window

MOST = 500
Scope = ApiCredential.Scope


def read_use(identity: Identity, window: Window) -> Use:
    """Return what `identity` was allowed and what it did, ready to be checked."""
    held, secrets = read_granted(identity, window)
    deeds, earlier, cut = read_signed(identity, read_names(identity), window, most=MOST)
    cut_off = [cut] if cut else []
    for read in (_sent, _observed, _asked, _decided, _exchanged):
        more, before, cut = read(identity, window)
        deeds += more
        earlier += before
        cut_off += [cut] if cut else []
    return Use(
        window=window,
        created_at=identity.created_at,
        deeds=tuple(sorted(deeds, key=lambda deed: (deed.at, deed.record.kind, deed.record.id))),
        earlier=tuple(earlier),
        held=held,
        secrets=secrets,
        retired_at=identity.retired_at,
        compromised_from=identity.compromised_from,
        cut_off=tuple(cut_off),
    )


Read = tuple[list[Deed], list[Earlier], str]


def _sent(identity: Identity, window: Window) -> Read:
    rows = Submission.objects.filter(identity=identity)
    before = [_earlier(Scope.ATTESTATIONS_WRITE, "", last) for last in _last(rows, "submitted_at", window)]

    def deed(row: Submission) -> Deed:
        url = reverse("attestations:attestation", args=[row.attestation_id])
        record = Record("submission", row.attestation_id, url, row.submitted_at, "sent evidence")
        return Deed(API, Scope.ATTESTATIONS_WRITE.value, row.submitted_at, record)

    return _within(rows, "submitted_at", window, deed, before, "evidence sent")


def _observed(identity: Identity, window: Window) -> Read:
    rows = Observation.objects.filter(identity=identity).select_related("place__environment")
    before = _last_by(rows, "place__environment__slug", "received_at", window, Scope.OBSERVATIONS_WRITE)

    def deed(row: Observation) -> Deed:
        url = reverse("reports:artifact", args=[row.digest])
        record = Record("observation", row.pk, url, row.received_at, "told what it saw")
        return _placed(Scope.OBSERVATIONS_WRITE, row.received_at, record, environment=row.place.environment)

    return _within(rows, "received_at", window, deed, before, "observations")


def _asked(identity: Identity, window: Window) -> Read:
    rows = Request.objects.filter(requester=identity).select_related("project", "environment")
    before = _last_by(rows, "environment__slug", "opened_at", window, Scope.REQUESTS_WRITE)

    def deed(row: Request) -> Deed:
        record = Record("request", row.pk, reverse("approvals:request", args=[row.pk]), row.opened_at, f"opened “{row.title}”")
        return _placed(Scope.REQUESTS_WRITE, row.opened_at, record, project=row.project.slug, environment=row.environment)

    return _within(rows, "opened_at", window, deed, before, "requests")


def _decided(identity: Identity, window: Window) -> Read:
    rows = Decision.objects.filter(asked_by=identity).select_related("environment", "request__project").defer("document")
    before = _last_by(rows, "environment_slug", "decided_at", window, Scope.GATES_DECIDE)

    def deed(row: Decision) -> Deed:
        asked = row.request
        url = reverse("approvals:request", args=[asked.pk]) if asked else reverse("gates:decisions")
        record = Record("gate decision", row.pk, url, row.decided_at, f"asked a gate, which answered {row.outcome}")
        placed = _placed(
            Scope.GATES_DECIDE, row.decided_at, record, project=asked.project.slug if asked else "", environment=row.environment
        )
        return placed if row.environment else Deed(API, Scope.GATES_DECIDE.value, row.decided_at, record, environment=row.environment_slug)

    return _within(rows, "decided_at", window, deed, before, "gate decisions")


def _exchanged(identity: Identity, window: Window) -> Read:
    rows = TokenExchange.objects.filter(binding__identity=identity)
    older = rows.filter(exchanged_at__lt=window.since).order_by().values_list("binding_id").annotate(Max("exchanged_at"))
    before = [Earlier(TOKEN, binding, "", last) for binding, last in older]
    url = reverse("identities:identity", args=[identity.pk])

    def deed(row: TokenExchange) -> Deed:
        words = f"exchanged a token of {row.subject or 'no subject'}"
        record = Record("token exchange", row.credential_id, f"{url}#workload", row.exchanged_at, words)
        return Deed(TOKEN, row.binding_id, row.exchanged_at, record, subject=row.subject)

    return _within(rows, "exchanged_at", window, deed, before, "token exchanges")


def _within(rows: QuerySet[Any], at: str, window: Window, deed: Callable[[Any], Deed], before: list[Earlier], what: str) -> Read:
    inside = rows.filter(**{f"{at}__gte": window.since, f"{at}__lt": window.until})
    found = list(inside.order_by(at, "pk")[: MOST + 1])
    cut = f"The {what} after the first {MOST} in the window." if len(found) > MOST else ""
    return [deed(row) for row in found[:MOST]], before, cut


def _last(rows: QuerySet[Any], at: str, window: Window) -> Iterable[Any]:
    last = rows.filter(**{f"{at}__lt": window.since}).aggregate(last=Max(at))["last"]
    return [last] if last else []


def _last_by(rows: QuerySet[Any], environment: str, at: str, window: Window, scope: ApiCredential.Scope) -> list[Earlier]:
    older = rows.filter(**{f"{at}__lt": window.since}).order_by().values_list(environment).annotate(Max(at))
    return [_earlier(scope, slug or "", last) for slug, last in older]


def _earlier(scope: ApiCredential.Scope, environment: str, last: Any) -> Earlier:
    return Earlier(API, scope.value, environment, last)


def _placed(scope: ApiCredential.Scope, at: Any, record: Record, *, project: str = "", environment: Any = None) -> Deed:
    tier, slug = (environment.tier, environment.slug) if environment else (None, "")
    return Deed(API, scope.value, at, record, project=project, environment=slug, tier=tier)
