"""Verify again what a change touches: a trust root, a signer's registration, the verifier itself.

The act that changes something writes an order in its own transaction, after its ledger entry; `spread_reverifications` turns orders into
jobs, a batch at a time, and can be killed anywhere. A verdict that is being reached while something changes notices by `trust_mark`, and is
reached anew: both sides hold the ledger's one lock, so one of them sees the other. Only one version of the verifier is in force: a worker
of another one keeps nothing and waits. Old verdicts stay. A new policy or its expectations need
nothing of this: `approvals.requests.refresh` evaluates requests anew.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat, Now, StrIndex
from django.db.models.lookups import Exact, GreaterThan

from attestations.admission import own_verdicts
from attestations.models import Attestation, Reverification, Verdict, VerificationJob
from attestations.queries import newest_verdicts
from identities.models import BlockedSigner, EvidenceSigner, Identity, Team
from ledger.append import hold_ledger
from proofs.assess import VERIFIER_VERSION
from proofs.errors import Conflict, NotFound

Kind = Reverification.Kind
BATCH = 500
# Each takes a look at the verdicts, however few it touches.
MAX_ORDERS = 50
ENDED = (VerificationJob.State.DONE, VerificationJob.State.FAILED)
# These change what a verdict rests on; the others only ask for another look.
CHANGES_TRUST = (Kind.ROOT_ADDED, Kind.ROOT_REMOVED, Kind.KEY, Kind.CERTIFICATE)


def order_reverification(*, kind: str, value: str, now: datetime, issuer: str = "") -> Reverification:
    """Order that whatever the change touches is verified again. Must run in the transaction of the change, after its ledger entry."""
    return Reverification.objects.create(kind=kind, value=value, issuer=issuer, ordered_at=now)


def order_for_signer(sender: Any, *, signer: EvidenceSigner, now: datetime, **_: Any) -> None:
    """Order it for a signer whose registration changed; hears `evidence_signer_changed`."""
    if signer.method == EvidenceSigner.Method.PUBLIC_KEY:
        order_reverification(kind=Kind.KEY, value=signer.key_id, now=now)
    else:
        order_reverification(kind=Kind.CERTIFICATE, value=signer.certificate_identity, issuer=signer.certificate_issuer, now=now)


def order_for_block(sender: Any, *, block: BlockedSigner, now: datetime, **_: Any) -> None:
    """Order it for a way of signing that was blocked or is so no longer; hears `signer_block_changed`."""
    kind = Kind.CERTIFICATE if block.issuer else Kind.KEY
    order_reverification(kind=kind, value=block.name, issuer=block.issuer, now=now)


def ask_reverification(*, attestation_id: str, by: Identity | None, now: datetime) -> Reverification:
    """Order one attestation, or all of them (an empty id), to be verified again. Refuses with `attestation.unknown`.

    `by` is None at the server's own console, the only door to this today.
    """
    if attestation_id and not Attestation.objects.filter(pk=attestation_id).exists():
        raise NotFound("attestation.unknown", f"there is no attestation {attestation_id[:60]}")
    return order_reverification(kind=Kind.ASKED, value=attestation_id, now=now)


def trust_mark() -> int:
    """Return a number that grows with every change of what verdicts rest on. Read it before what it marks."""
    newest: int | None = Reverification.objects.filter(kind__in=CHANGES_TRUST).aggregate(Max("pk"))["pk__max"]
    return newest or 0


def spread_reverifications(*, now: datetime, limit: int = BATCH) -> int:
    """Put at most `limit` touched attestations back to wait, for the oldest open orders, of which at most `MAX_ORDERS` are looked at; return how
    many were, an order that touches nothing counting as one: 0 means that none is open."""
    _order_for_new_verifier(now)
    done = 0
    for _ in range(MAX_ORDERS):
        looked_at = _spread_oldest(limit=limit - done, now=now)
        done += looked_at
        if not looked_at or done >= limit:
            break
    return done


def _spread_oldest(*, limit: int, now: datetime) -> int:
    with transaction.atomic():
        order = Reverification.objects.select_for_update(no_key=True, skip_locked=True).filter(done_at__isnull=True).order_by("pk").first()
        if order is None:
            return 0
        touched = _touched_by(order).filter(attestation_id__gt=order.cursor).order_by("attestation_id")
        ids = list(touched.values_list("attestation_id", flat=True)[:limit])
        # What is waiting or being verified just now will see the change by itself.
        jobs = VerificationJob.objects.filter(pk__in=ids, state__in=ENDED)
        order.touched += jobs.update(
            state=VerificationJob.State.WAITING,
            next_try_at=Now(),
            last_error="",
            attempts_before=F("attempts"),
            because=_words(order),
        )
        if ids:
            order.cursor = ids[-1]
        if len(ids) < limit:
            order.done_at = now
        order.save(update_fields=["touched", "cursor", "done_at"])
    return max(len(ids), 1)


def unsettled_about(digest: str, *, team: Team, named: Q) -> QuerySet[Verdict]:
    """Return the newest verdicts about the artifact that are the team's own, as `own_verdicts` tells it, and are to be reached anew.

    Those that an open order touches and has not come to, and those that were put back to wait. One query, however many orders there are:
    each verdict is held against the orders that name what it rests on, because anybody who owns many keys can make many orders.
    """
    waiting = Q(attestation__job__state__in=(VerificationJob.State.WAITING, VerificationJob.State.CLAIMED))
    return own_verdicts([digest], team=team, named=named).filter(waiting | _is_touched_by_open())


def verifier_in_force() -> str | None:
    """Return the version of the verifier whose verdicts are kept; None before the first order. A worker of another keeps nothing."""
    newest = Reverification.objects.filter(kind=Kind.VERIFIER).order_by("-pk").first()
    return newest.value if newest else None


def put_verifier_in_force(*, now: datetime) -> Reverification:
    """Order that everything is judged by this process's verifier, and that no other one's verdicts are kept: also when it is an older one.

    Refuses with `verifier.order_open` while an earlier order of the same version is still being spread.
    """
    with transaction.atomic():
        hold_ledger()
        if Reverification.objects.filter(kind=Kind.VERIFIER, value=VERIFIER_VERSION, done_at__isnull=True).exists():
            raise Conflict("verifier.order_open", f"everything is being verified again by version {VERIFIER_VERSION} already; wait for it")
        return order_reverification(kind=Kind.VERIFIER, value=VERIFIER_VERSION, now=now)


def _order_for_new_verifier(now: datetime) -> None:
    """After an update of the portal: one order for everything that an earlier verifier judged."""
    in_force = verifier_in_force()
    if in_force is not None and not _is_newer(VERIFIER_VERSION, in_force):
        return
    with suppress(Conflict):  # Another process was first.
        put_verifier_in_force(now=now)


def _is_newer(version: str, other: str) -> bool:
    return int(version) > int(other)


def _touched_by(order: Reverification) -> QuerySet[Verdict]:
    return newest_verdicts().select_related(None).filter(_is_touched(order))


def _is_touched(order: Reverification) -> Q:
    # Verdicts reached since have seen the change.
    return Q(trust_mark__lt=order.pk) & _rests_on(order)


def _rests_on(order: Reverification) -> Q:
    unproven = ~Q(result=Verdict.Result.VERIFIED)
    match order.kind:
        case Kind.ROOT_ADDED:
            # Another root takes nothing from what is verified already.
            return unproven
        case Kind.ROOT_REMOVED:
            return Q(trust_root=order.value)
        case Kind.KEY:
            # Which keys a signature that counted for nothing was held against is not kept: it may be this key's.
            signed = Q(signer_issuer="", signer_name=order.value) | Q(co_signer_names__contains=order.value)
            return signed | (unproven & Q(signer_name="")) | Q(other_signatures__gt=0)
        case Kind.CERTIFICATE:
            named = Q(signer_name=order.value) | Q(signer_name__startswith=order.value + "@")
            return named & Q(signer_issuer=order.issuer)
        case Kind.VERIFIER:
            return ~Q(verifier=order.value)
        case Kind.ASKED:
            return Q(attestation=order.value) if order.value else Q()
    raise ValueError(f"nobody knows what an order of kind {order.kind} touches")


def _is_touched_by_open() -> Q:
    """Return the condition that an open order that has not come to a verdict touches it: `_is_touched`, asked from the other side."""
    to_come = Reverification.objects.filter(done_at__isnull=True, pk__gt=OuterRef("trust_mark"), cursor__lt=OuterRef("attestation"))
    kinds = {kind: to_come.filter(kind=kind) for kind in Kind}
    unproven = ~Q(result=Verdict.Result.VERIFIED)
    keys, certificates = kinds[Kind.KEY], kinds[Kind.CERTIFICATE].filter(issuer=OuterRef("signer_issuer"))
    co_signer = keys.filter(GreaterThan(StrIndex(OuterRef("co_signer_names"), F("value")), 0))
    ref_of_it = Exact(StrIndex(OuterRef("signer_name"), Concat(F("value"), Value("@"))), 1)
    return (
        (unproven & Exists(kinds[Kind.ROOT_ADDED]))
        | Exists(kinds[Kind.ROOT_REMOVED].filter(value=OuterRef("trust_root")))
        | (Q(signer_issuer="") & Exists(keys.filter(value=OuterRef("signer_name"))))
        | (~Q(co_signer_names="") & Exists(co_signer))
        | (((unproven & Q(signer_name="")) | Q(other_signatures__gt=0)) & Exists(keys))
        | Exists(certificates.filter(Q(value=OuterRef("signer_name")) | ref_of_it))
        | Exists(kinds[Kind.VERIFIER].exclude(value=OuterRef("verifier")))
        | Exists(kinds[Kind.ASKED].filter(Q(value="") | Q(value=OuterRef("attestation"))))
    )


def _words(order: Reverification) -> str:
    words = Kind(order.kind).label
    return words if order.kind == Kind.ASKED else f"{words}: {order.value}"[:200]
