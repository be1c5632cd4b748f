"""Bring the providers of the operator's file into the register: what is new is added, what differs changed, what is gone removed.

Only rows that came from the file are touched. Safe to run at every start. Not checked: the file itself, which `read_file` has read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from identities.models import IdentityProvider
from identities.sso.add_provider import Source, add_provider
from identities.sso.change_provider import change_provider
from identities.sso.group_roles import read_rules
from identities.sso.read_file import FromFile
from identities.sso.remove_provider import remove_provider
from identities.sso.set_group_rules import set_group_rules
from proofs.errors import Conflict, Malformed


@dataclass
class Synced:
    """What the file changed, by short name; `waiting` says of which providers the rules wait, and why."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.rules or self.waiting)


@transaction.atomic
def sync_providers(*, wanted: Sequence[FromFile], now: datetime) -> Synced:
    """Make the providers set by file those that are wanted: all, or none where one is refused. It is the operator's act.

    Rules that name a team, project or role there is not wait: a portal that starts for the first time has no team yet. Refuses with
    `sso.slug_taken`, `sso.last_provider` or as adding and changing do.
    """
    done = Synced()
    here = {row.slug: row for row in IdentityProvider.objects.filter(removed_at__isnull=True)}
    slugs = {item.slug for item in wanted}
    for slug, row in sorted(here.items()):
        if row.source == Source.FILE and slug not in slugs:
            remove_provider(provider=row, by=None, now=now, source=Source.FILE)
            done.removed.append(slug)
    for item in wanted:
        _sync_one(item, here.get(item.slug), done, now)
    return done


def _sync_one(item: FromFile, row: IdentityProvider | None, done: Synced, now: datetime) -> None:
    if row is None:
        row = add_provider(slug=item.slug, said=item.said, by=None, now=now, source=Source.FILE)
        done.added.append(item.slug)
    elif row.source != Source.FILE:
        raise Conflict("sso.slug_taken", f"got the provider {item.slug} in the file, which was added on a page; remove it there first")
    else:
        changed = change_provider(provider=row, said=item.said, by=None, now=now, source=Source.FILE)
        if changed.changed_at != row.changed_at:
            done.changed.append(item.slug)
    if item.rules is None:
        return
    documents = [rule.document() for rule in item.rules]
    try:
        made = set_group_rules(provider=row, rules=documents, seen=read_rules(row).version, by=None, now=now, source=Source.FILE)
    except Malformed as refusal:
        if refusal.code != "sso.rules_unknown":
            raise
        done.waiting[item.slug] = refusal.reason
    else:
        if made is not None:
            done.rules.append(item.slug)
