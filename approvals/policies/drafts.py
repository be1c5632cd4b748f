"""Drafts of policies: begun, saved by several people without losing anybody's work, and stored as a version.

A draft may be wrong. It decides nothing: only a version that was put into force does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from approvals.models import PolicyDraft, PolicyVersion
from approvals.policies.merge_drafts import merge_policies
from approvals.policies.source import MAX_SOURCE_BYTES, parse_yaml
from approvals.policies.versions import store_policy
from approvals.policies.write_source import write_source
from identities.models import Identity, Project
from identities.permissions import demand
from proofs.errors import Conflict, Refusal, TooLarge


class DraftChanged(Conflict):
    """Somebody else saved the draft meanwhile, and both changed the same: `overlaps` names what."""

    def __init__(self, draft: PolicyDraft, overlaps: tuple[str, ...]) -> None:
        super().__init__(
            "policy.draft_changed",
            f"{draft.edited_by} saved this draft meanwhile, and you both changed {', '.join(overlaps)}; look at both and save again",
        )
        self.draft, self.overlaps = draft, overlaps


@dataclass(frozen=True, slots=True)
class Saved:
    """The draft as it is now, and whether what somebody else saved meanwhile went into it too."""

    draft: PolicyDraft
    was_merged: bool


@transaction.atomic
def begin_draft(*, project: Project, source: str, by: Identity, now: datetime) -> PolicyDraft:
    """Begin a draft in a project. Refuses with `permission.missing` who is no policy owner there, and with `policy.too_large`."""
    demand(by, "policies.edit", project=project)
    _refuse_size(source)
    return PolicyDraft.objects.create(project=project, policy_id=_id_in(source), source=source, edited_by=by, edited_at=now)


@transaction.atomic
def save_draft(*, draft: PolicyDraft, source: str, base: str, number: int, by: Identity, now: datetime) -> Saved:
    """Save a text that was made from `base`, which was the draft when it had this number.

    What somebody else saved meanwhile is merged with it by rule. Refuses with `policy.draft_changed` (`DraftChanged`) when both changed the
    same, or when one of the texts cannot be read; with `permission.missing`, and with `policy.too_large`.
    """
    row = _lock(draft, by)
    _refuse_size(source)
    meanwhile = row.number != number and row.source not in (base, source)
    if meanwhile:
        merged = merge_policies(base=_value_of(base), theirs=_value_of(row.source), mine=_value_of(source))
        if merged.value is None:
            raise DraftChanged(row, merged.overlaps)
        source = write_source(merged.value)
        _refuse_size(source)
    if source != row.source:
        row.source, row.policy_id = source, _id_in(source)
        row.number += 1
        row.edited_by, row.edited_at = by, now
        row.save(update_fields=["source", "policy_id", "number", "edited_by", "edited_at"])
    return Saved(row, meanwhile)


@transaction.atomic
def store_draft(*, draft: PolicyDraft, number: int, by: Identity, now: datetime) -> PolicyVersion:
    """Store the draft as a version of its policy, as `store_policy` does and with its refusals. It is not in force by that.

    Refuses with `policy.draft_changed` when it is no longer the one with this number, which is the one that was looked at.
    """
    row = _lock(draft, by)
    if row.number != number:
        raise DraftChanged(row, ("the text",))
    version = store_policy(source=row.source, by=by, now=now)
    row.stored = version
    row.save(update_fields=["stored"])
    return version


def _lock(draft: PolicyDraft, by: Identity) -> PolicyDraft:
    row = PolicyDraft.objects.select_for_update(no_key=True).get(pk=draft.pk)
    demand(by, "policies.edit", project=row.project)
    return row


def _refuse_size(source: str) -> None:
    if len(source.encode()) > MAX_SOURCE_BYTES:
        raise TooLarge("policy.too_large", f"got {len(source.encode())} bytes, expected at most {MAX_SOURCE_BYTES}")


def _value_of(source: str) -> Any:
    try:
        return parse_yaml(source)
    except Refusal:
        return None


def _id_in(source: str) -> str:
    value = _value_of(source)
    named = value.get("id") if isinstance(value, dict) else None
    return named[:80] if isinstance(named, str) else ""
