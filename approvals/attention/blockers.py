"""Who can unblock a request? Facts in; out come sentences: what is missing, who may give it, and why the reader may not. No database, no clock.

Every requirement that is not met is told, of whatever kind: a rule whose kind has no words of its own here is told by its own sentence.
People count as people: who has answered fills one place, whatever else they hold. Nobody learns of powers here that signing would not
ask for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SHOWN_PEOPLE = 5
APPROVALS = "approvals"
EVIDENCE = "evidence"
BECAUSE = {
    "requester": "you asked for it",
    "on-behalf-of": "it was asked for in your name",
    "owner": "you answer for the program that asks",
    "commit-author": "you wrote a commit of it",
    "co-author": "you wrote a commit of it together with somebody",
    "committer": "you committed it",
    "build-trigger": "you set off its build",
    "agent-operator": "you answer for the agent whose action it is",
    "key-owner": "you answer for a key that signed its evidence",
    "runner-owner": "you answer for a runner that signed its evidence",
    "policy-editor": "you put the policy into force that it is decided under",
}
# For rules that no one person fulfils: who or what does, and why nobody can just say yes to them.
BY_KIND = {
    "freeze": ("Time opens it: nothing goes while the freeze lasts.", "Nobody answers this one; it depends on the clock."),
    "hours": ("Time opens it: it goes within the hours that the policy names.", "Nobody answers this one; it depends on the clock."),
    "condition": (
        "Who asks can change what it is about; a policy owner can propose another policy.",
        "Nobody answers this one; it depends on the facts.",
    ),
    "approved-in": ("The approvers of the environment it has to go to first.", "It is decided by another request, there."),
    "separation-of-duties": (
        "An identity steward, who can register whose account it is.",
        "It is not about you: somebody who takes part in this is not known here.",
    ),
}
# And for those where something else is missing than the kind of rule lets expect.
BY_CODE = {
    "policy.approved_too_late": (
        "Time opens it: it was approved there, and has to stay for as long as the policy says.",
        "Nobody answers this one; it depends on the clock.",
    ),
}
FALLBACK = ("Who asks, or a policy owner.", "Nobody answers this one; it depends on the facts.")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A rule that is not met, as its document tells it.

    Of approvals: the role, in words too, and how many are missing. Of evidence: whose would count, as the policy names them.
    """

    rule: str
    kind: str
    title: str
    code: str
    sentence: str
    role: str = ""
    role_words: str = ""
    missing: int = 0
    expected: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody active who holds roles where the request is; `away` is in words, or empty."""

    id: str
    name: str
    roles: frozenset[str]
    is_free: bool
    away: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads. `because` excludes them, by the policy's reasons; `answered` says how they answered; `cannot_sign` is why they have
    nothing to sign with that would count, in a sentence; `cannot_reach` says it for a rule, by its id, that wants a higher level of its own.
    """

    roles: frozenset[str] = frozenset()
    is_person: bool = True
    because: Sequence[str] = ()
    answered: str = ""
    cannot_sign: str = ""
    cannot_reach: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlockerFacts:
    """What is known: whether a request is still open, what is not met, who holds roles there, who reads, and who said no."""

    is_open: bool
    requirements: Sequence[Requirement] = ()
    holders: Sequence[Holder] = ()
    reader: Reader = field(default_factory=Reader)
    against: Sequence[str] = ()
    askers: Sequence[str] = ()
    is_blocked: bool = False


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that is missing: in words, who can give it, how many more of them there are, and why the reader may not.

    `who_words` says it where it is nobody with a name; `why_not_you` is empty where it is the reader who can.
    """

    rule: str
    kind: str
    title: str
    code: str
    missing: str
    who: tuple[str, ...]
    more: int
    who_words: str
    why_not_you: str


def list_blockers(facts: BlockerFacts) -> list[Blocker]:
    """Return everything a request still needs, rules that no approval can mend first; nothing for one that is over or has all it needs."""
    if not facts.is_open:
        return []
    order = sorted(facts.requirements, key=lambda item: item.kind == APPROVALS)
    return [*(_said_no(who, facts) for who in facts.against), *(_blocker(item, facts) for item in order)]


def why_not_approve(role: str, role_words: str, facts: BlockerFacts, *, rule: str = "") -> str:
    """Return why the reader does not fill a place of this role, under this rule; empty where they can."""
    reader = facts.reader
    if not reader.is_person:
        return "You are a program; only people approve."
    if reader.answered:
        return f"You have answered this revision already: {reader.answered}. One person counts once."
    if reader.because:
        return f"You may not decide this, because {' and '.join(BECAUSE.get(reason, reason) for reason in reader.because)}."
    if role not in reader.roles:
        return f"You are not {role_words} here."
    if facts.against:
        return "It is back with who asks; a new revision asks again."
    if facts.is_blocked:
        return "Nothing can be approved while a requirement is not met."
    return reader.cannot_sign or reader.cannot_reach.get(rule, "")


def _blocker(item: Requirement, facts: BlockerFacts) -> Blocker:
    if item.kind == APPROVALS:
        return _approvals(item, facts)
    if item.kind == EVIDENCE:
        expected = tuple(item.expected)
        words = "" if expected else "Any program registered here that may attest this."
        why_not = "Evidence is signed by the program that made it; no person can say it in its place."
        return Blocker(item.rule, item.kind, item.title, item.code, item.sentence, expected[:SHOWN_PEOPLE], _more(expected), words, why_not)
    who_words, why_not = BY_CODE.get(item.code) or BY_KIND.get(item.kind, FALLBACK)
    return Blocker(item.rule, item.kind, item.title, item.code, item.sentence, (), 0, who_words, why_not)


def _approvals(item: Requirement, facts: BlockerFacts) -> Blocker:
    free = sorted(
        (holder for holder in facts.holders if holder.is_free and item.role in holder.roles), key=lambda one: (one.away != "", one.name)
    )
    names = tuple(f"{holder.name} ({holder.away})" if holder.away else holder.name for holder in free)
    missing = f"{item.missing} more approval{'' if item.missing == 1 else 's'} by {item.role_words}."
    words = ""
    if not names:
        words = f"Nobody who is free is {item.role_words} here. An administrator can give somebody that role."
    elif len(names) < item.missing:
        words = "They are fewer than it needs; an administrator can give somebody that role."
    why_not = why_not_approve(item.role, item.role_words, facts, rule=item.rule)
    return Blocker(item.rule, item.kind, item.title, item.code, missing, names[:SHOWN_PEOPLE], _more(names), words, why_not)


def _said_no(sentence: str, facts: BlockerFacts) -> Blocker:
    why_not = "An answer is not taken back; who asks brings a new revision, or opens another request."
    return Blocker("", "answer", "Somebody said no", "request.closed", sentence, tuple(facts.askers), 0, "", why_not)


def _more(names: Sequence[str]) -> int:
    return max(0, len(names) - SHOWN_PEOPLE)
