"""Count approvals: who fills which place, so that every person counts once, and everybody somebody stands in for as well.

Places are filled as one assignment over all rules together: the order of approvals, people and rules cannot matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofs.approval.assurance import reaches_level
from proofs.policy.document import Policy
from proofs.policy.outcome import RuleOutcome, as_document, nobody_approves
from proofs.policy.rules import ApprovalsRule

_Person = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CountedApproval:
    """A verified approval, as far as counting needs it. `level` is computed by the verifier, never claimed.

    With `standing_in_for` (issuer and subject) the roles are that person's, who delegated them. Somebody who holds roles of their own as well
    has one of these for each; still they count once.
    """

    issuer: str
    subject: str
    roles: tuple[str, ...]
    level: str
    standing_in_for: tuple[str, str] | None = None

    @property
    def person(self) -> tuple[str, str]:
        """Who signed."""
        return (self.issuer, self.subject)


def count_approvals(policy: Policy, approvals: Sequence[CountedApproval], *, excluded: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the outcome of every approvals rule, in the policy's order, as rule documents (`pass` or `awaiting`).

    A person counts once, with the best level they signed at, for one place only, so nobody fills two rules alone; somebody
    excluded, without the role or below the level that the policy or the rule asks for does not count. Who stands in for another counts
    once for that person, and not beside them. Pass only approvals that have been verified, and the policy for the request's kind
    (`Policy.for_kind`): rules about other kinds are counted like all.
    """
    barred = {(party["issuer"], party["subject"]) for party in excluded}
    counted, remarks = [], []
    for approval in approvals:
        if approval.person in barred:
            remarks.append(f"{approval.subject} may not approve this request.")
        elif approval.standing_in_for in barred:
            remarks.append(f"{approval.subject} stands in for somebody who may not approve this request.")
        elif not reaches_level(approval.level, policy.minimum_assurance):
            remarks.append(f"{approval.subject} signed at level {approval.level}, expected {policy.minimum_assurance} or higher.")
        else:
            counted.append(approval)
    places = [rule for rule in policy.approvals_rules for _ in range(rule.count)]
    filled = fill_places(counted, places)
    documents = []
    for rule in policy.approvals_rules:
        got = sum(1 for place in filled if places[place] is rule)
        wanted = f"{rule.role} at level {rule.minimum_assurance} or higher" if rule.minimum_assurance else rule.role
        sentence = " ".join([f"{rule.title}: {got} of {rule.count} approvals by {wanted}.", *(remarks if got < rule.count else [])])
        outcome = RuleOutcome("pass", "", sentence) if got >= rule.count else RuleOutcome("awaiting", "approval.insufficient", sentence)
        documents.append(as_document(rule, outcome))
    return documents or [nobody_approves("awaiting")]


def fill_places(approvals: Sequence[CountedApproval], places: Sequence[ApprovalsRule]) -> dict[int, tuple[str, str]]:
    """Seat as many people as possible: each on one place that their approval reaches, nobody beside who stands in for them.

    Who stands in for somebody, where neither of the two could take another place, simply does. Of the others every way that could matter
    is tried; for each the rest is one matching.
    """
    own: dict[_Person, set[int]] = {}
    lent: dict[tuple[_Person, _Person], set[int]] = {}
    for approval in approvals:
        reach = {place for place, rule in enumerate(places) if _reaches(approval, rule)}
        if approval.standing_in_for is None or approval.standing_in_for == approval.person:
            own.setdefault(approval.person, set()).update(reach)
        elif reach:
            lent.setdefault((approval.person, approval.standing_in_for), set()).update(reach)
    own = {person: reach for person, reach in own.items() if reach}
    named = Counter(person for pair in lent for person in pair)
    torn = [pair for pair in sorted(lent) if any(named[person] > 1 or person in own for person in pair)]
    sure = {pair[0]: lent[pair] for pair in lent if pair not in torn}
    best: dict[int, _Person] = {}
    for chosen in _ways(torn, len(places)):
        busy = {person for pair in chosen for person in pair}
        free = {person: reach for person, reach in own.items() if person not in busy}
        seated = _match({**free, **sure, **{pair[0]: lent[pair] for pair in chosen}})
        if len(seated) > len(best) or not best:
            best = seated
        if len(best) == len(places):
            break
    return best


def _reaches(approval: CountedApproval, rule: ApprovalsRule) -> bool:
    return rule.role in approval.roles and (rule.minimum_assurance is None or reaches_level(approval.level, rule.minimum_assurance))


def _ways(pairs: Sequence[tuple[_Person, _Person]], most: int) -> Iterator[tuple[tuple[_Person, _Person], ...]]:
    """Return every choice of at most so many pairs in which nobody stands twice, the smallest first at each step."""
    yield ()
    for place, pair in enumerate(pairs if most > 0 else ()):
        rest = [other for other in pairs[place + 1 :] if not {*other} & {*pair}]
        for further in _ways(rest, most - 1):
            yield (pair, *further)


def _match(people: Mapping[_Person, set[int]]) -> dict[int, _Person]:
    """Seat as many people as possible, each on one place within reach (augmenting paths, so the order cannot matter)."""
    seated: dict[int, _Person] = {}

    def seat(person: _Person, tried: set[int]) -> bool:
        for place in sorted(people[person] - tried):
            if place in tried:
                continue
            tried.add(place)
            if place not in seated or seat(seated[place], tried):
                seated[place] = person
                return True
        return False

    for person in sorted(people):
        seat(person, set())
    return seated
