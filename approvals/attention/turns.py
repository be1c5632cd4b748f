"""Whose turn is it? Facts about a request in, people with a reason out. No database, no clock.

The rules, in this order:

1. It is a draft, changes were asked for, or somebody rejected it: whoever asks.
2. It waits for approvals: those who can fill the first role that is not full and that anybody can fill. Not who is excluded, and not who
   has answered this revision, whatever became of the answer: one person counts once.
3. Somebody was named in a comment, while anything can still be done: they, until they answer or say something.

Whoever left this revision to others is left out of all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

WAITING = frozenset({"ready", "in_review", "stale", "revoked"})
BACK = {
    "changes_requested": ("change", "You asked for it; changes are requested"),
    "draft": ("draft", "Your draft; submit it when it is ready"),
    "rejected": ("rejected", "You asked for it; it was rejected"),
}
TALKING = WAITING | frozenset(BACK) | {"blocked", "collecting", "approved"}


@dataclass(frozen=True, slots=True)
class OpenRole:
    """A role that still has to approve: its name, its words, and who holds it where the request is and is active."""

    role: str
    words: str
    holders: frozenset[str]
    # Who may answer in a holder's stead, and the names of those holders.
    stand_ins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """What decides whose turn it is. People are the ids of their identities; `open_roles` stand in the policy's order.

    `signed_before` has the revision each signer of the last one signed, `mentioned` who named somebody.
    """

    status: str
    open_roles: Sequence[OpenRole] = ()
    askers: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    signed_before: Mapping[str, int] = field(default_factory=dict)
    mentioned: Mapping[str, str] = field(default_factory=dict)
    an_approval_ended: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """That it is somebody's turn, and why: a stable code, and the sentence they read."""

    code: str
    sentence: str


def decide_turns(facts: TurnFacts) -> dict[str, Turn]:
    """Return whose turn it is, by the rules above."""
    turns = {}
    if facts.status in TALKING:
        turns = {person: Turn("mentioned", f"{author} named you in a comment") for person, author in facts.mentioned.items()}
    if facts.status in BACK:
        turns |= dict.fromkeys(facts.askers, Turn(*BACK[facts.status]))
    if facts.status in WAITING:
        turns |= _approvers(facts)
    return {person: turn for person, turn in turns.items() if person not in facts.passed}


def free_holders(role: OpenRole, facts: TurnFacts) -> frozenset[str]:
    """Return who can still answer with the role, their own or in somebody's stead."""
    return (role.holders | role.stand_ins.keys()) - facts.barred - facts.answered


def _approvers(facts: TurnFacts) -> dict[str, Turn]:
    for role in facts.open_roles:
        free = free_holders(role, facts)
        if free:
            return {person: _turn_of(person, role, facts) for person in free}
    return {}


def _turn_of(person: str, role: OpenRole, facts: TurnFacts) -> Turn:
    if person not in role.holders:
        return Turn("approve", f"You answer for {role.stand_ins[person]}, {role.words}")
    if person in facts.signed_before:
        return Turn(
            "changed", f"It changed since it was approved; you signed revision {facts.signed_before[person]}, look at what changed since"
        )
    if facts.status == "revoked":
        return Turn("ended", f"An approval was revoked; you are {role.words}")
    if facts.an_approval_ended:
        return Turn("ended", f"An approval ended; you are {role.words}")
    if facts.status == "stale":
        return Turn("approve", f"It changed since it was approved; you are {role.words}")
    return Turn("approve", f"You are {role.words}")
