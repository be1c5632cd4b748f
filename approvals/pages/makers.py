"""Who may not approve a request and why, and which accounts nobody is known to have, in words. From what was frozen, but for names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from identities.models import Identity

BECAUSE = {
    "requester": "asked for it",
    "on-behalf-of": "had it asked for in their name",
    "owner": "answers for the program that asked",
    "commit-author": "wrote a commit of it",
    "co-author": "wrote a commit of it together with somebody",
    "committer": "committed it",
    "build-trigger": "set off its build",
    "agent-operator": "answers for the agent whose action it is",
    "key-owner": "answers for a key that signed its evidence",
    "runner-owner": "answers for a runner that signed its evidence",
    "policy-editor": "put the policy into force that it is decided under",
}


@dataclass(frozen=True, slots=True)
class Barred:
    """Somebody who may not approve, by the name known here, and why in words."""

    name: str
    because: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """An account that nobody is known to have, and what whoever has it did."""

    account: str
    because: str


@dataclass(frozen=True, slots=True)
class Makers:
    """Who is kept from approving, and who could not be named."""

    barred: list[Barred]
    unknown: list[Unknown]


def read_makers(review: Mapping[str, Any], policy_input: Mapping[str, Any]) -> Makers:
    """Return whom a snapshot excludes, and which accounts of the policy input nobody was known to have."""
    excluded = review["policy"]["excluded"]
    condition = Q(pk__in=[])
    for item in excluded:
        condition |= Q(issuer=item["issuer"], subject=item["subject"])
    names = {(row.issuer, row.subject): row.name for row in Identity.objects.filter(condition)}
    barred = [
        Barred(names.get((item["issuer"], item["subject"]), item["subject"]), _joined([BECAUSE.get(why, why) for why in item["because"]]))
        for item in excluded
    ]
    strangers = [item for item in policy_input.get("people", ()) if item["issuer"] is None]
    return Makers(barred, [Unknown(item["account"], f"who {BECAUSE.get(item['because'], item['because'])}") for item in strangers])


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
