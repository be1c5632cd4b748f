"""What changed since somebody signed: the frozen page they signed for, held against the newest one. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from approvals.models import Approval, Request, Revision
from approvals.requests.snapshot import read_snapshot
from attestations.blobs import bytes_of
from identities.models import Identity
from proofs.approval.delta import Change, compare_snapshots


@dataclass(frozen=True)
class SinceSigned:
    """The last revision somebody answered, and what changed from it to the newest one."""

    signed: Revision
    newest: Revision
    changes: tuple[Change, ...]


def delta_between(signed: Revision, newer: Revision) -> list[Change]:
    """Return what is otherwise in a newer revision of the same request."""
    before, after = (read_snapshot(bytes_of(revision.snapshot)) for revision in (signed, newer))
    return compare_snapshots(before, after)


def since_shown(newest: Revision, shown_snapshot: str) -> tuple[Revision, list[Change]] | None:
    """Return the revision of the same request whose page had this snapshot, and what changed since; None for no such revision, or the newest."""
    # No database compares text with a NUL in it.
    if not shown_snapshot or "\0" in shown_snapshot:
        return None
    shown = Revision.objects.filter(request=newest.request_id, snapshot=shown_snapshot).select_related("snapshot").first()
    return None if shown is None or shown.pk == newest.pk else (shown, delta_between(shown, newest))


def since_signed(newest: Revision | None, person: Identity) -> SinceSigned | None:
    """Return what changed up to the newest revision since `person` last answered an earlier one; None where they did not, or have answered it."""
    if newest is None or newest.number == 1:
        return None
    given = Approval.objects.filter(revision__request=newest.request_id, identity=person).select_related("revision__snapshot")
    last = given.order_by("-revision__number").first()
    if last is None or last.revision_id == newest.pk:
        return None
    return SinceSigned(last.revision, newest, tuple(delta_between(last.revision, newest)))


def last_signers(request: Request) -> list[tuple[Identity, Revision]]:
    """Return who answered the last answered revision before the newest one, for whoever tells them that it changed."""
    newest = request.revisions.order_by("-number").values_list("pk", flat=True).first()
    earlier = Approval.objects.filter(revision__request=request).exclude(revision=newest)
    last = earlier.order_by("-revision__number").values_list("revision", flat=True).first()
    given = Approval.objects.filter(revision=last).select_related("identity", "revision__snapshot").order_by("signed_at", "pk")
    return [(answer.identity, answer.revision) for answer in given]
