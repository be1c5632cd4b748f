"""Many requests for lists to hold: copies of one that was asked in earnest, as rows. Asking a hundred in earnest takes a minute."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Model

from approvals.attention.due import time_to_answer
from approvals.models import (
    Approval,
    Attention,
    Ceremony,
    Request,
    RequestState,
    Revision,
    new_approval_id,
    new_ceremony_id,
    new_request_id,
)
from identities.models import Environment, Project
from proofs.digest import sha256_hex

# No worker looks at the copies again: it would find out that nobody sent evidence about them.
NOT_SOON = timedelta(days=365)


def copy_request(request: Request, count: int, *, project: Project | None = None, **changes: Any) -> list[Request]:
    """Make `count` more requests like one that is there: same evidence, same turns, a minute apart and opened after it.

    `changes` are fields of the request, `status` is that of its state.
    """
    status = changes.pop("status", "")
    revision, state = request.revisions.get(), RequestState.objects.get(pk=request.pk)
    project = project or request.project
    names = ("kind", "environment_id", "note", "requester_id", "on_behalf_of_id", "subject_id", "title")
    rows, tiers = [], dict(Environment.objects.values_list("pk", "tier"))
    for number in range(1, count + 1):
        fields = {name: getattr(request, name) for name in names} | {"title": f"{request.title} copy {number}"} | changes
        rows.append(Request(id=new_request_id(), project=project, opened_at=request.opened_at + timedelta(minutes=number), **fields))
    Request.objects.bulk_create(rows)
    blobs = ("policy_id", "document_id", "policy_input_id", "policy_result_id", "snapshot_id", "result", "number")
    same = {name: getattr(revision, name) for name in blobs}
    revisions = Revision.objects.bulk_create(
        Revision(request=row, digest=sha256_hex(row.pk.encode()), frozen_at=row.opened_at, **same) for row in rows
    )
    later = {row.pk: time_to_answer(kind=row.kind, tier=tiers[row.environment_id]) for row in rows}
    RequestState.objects.bulk_create(
        RequestState(
            request=row, project=project, status=status or state.status, revision_number=1, revision=newest, rank=state.rank,
            headline=state.headline, opened_at=row.opened_at, due_at=row.opened_at + later[row.pk], computed_at=row.opened_at,
            attention_at=row.opened_at + NOT_SOON,
        )
        for row, newest in zip(rows, revisions, strict=True)
    )  # fmt: skip
    if not status:
        turns = list(Attention.objects.filter(request=request))
        Attention.objects.bulk_create(
            Attention(
                request=row, identity_id=turn.identity_id, reason_code=turn.reason_code, sentence=turn.sentence, since=row.opened_at,
                rank=turn.rank, due_at=row.opened_at + later[row.pk],
            )
            for row in rows
            for turn in turns
        )  # fmt: skip
    return rows


def copy_answer(answer: Approval, requests: list[Request]) -> None:
    """Let whoever gave an answer have given it to these copies too. Nothing of it is signed, and the copies have no record: lists read none."""
    for revision in Revision.objects.filter(request__in=requests):
        unlike = {"payload_digest": sha256_hex(f"{answer.pk} {revision.pk}".encode()), "revision": revision}
        ceremony = Ceremony.objects.create(**{**_fields(answer.ceremony), **unlike, "id": new_ceremony_id()})
        Approval.objects.create(**{**_fields(answer), **unlike, "id": new_approval_id(), "ceremony": ceremony})


def _fields(row: Model) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in row._meta.concrete_fields}
