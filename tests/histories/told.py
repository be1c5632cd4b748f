"""What a history says should be so, written down beside it in plain Python: who signed what, under which rules, and what stopped it since.

It knows nothing of the portal's own evaluator, states or caches. Where it says that a rule does not hold, no gate may open; where it
says that all hold, and the worker has looked at everything, a gate opens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

RELEASE, SECURITY = "approver:release", "approver:security"
VALIDITY = timedelta(hours=72)
A_DAY = timedelta(hours=24)
REQUESTER = "bob"


@dataclass(frozen=True)
class Rules:
    """What the policy in force asks for beside provenance, a release approver and that whoever asks does not approve."""

    count: int = 1
    security: bool = False
    tests: bool = False
    staging: bool = False

    def with_more(self, more: str) -> Rules:
        """Return the same with one demand more."""
        return Rules(
            self.count + (more == "count"),
            self.security or more == "security",
            self.tests or more == "tests",
            self.staging or more == "staging",
        )


@dataclass
class ToldAnswer:
    """An answer to the request as it was then. `revision` is what was shown when it was begun."""

    person: str
    decision: str
    revision: int
    rules: Rules
    signed_at: datetime
    key: str
    revoked: bool = False


@dataclass
class Told:
    """The whole history in a few words."""

    now: datetime
    rules: Rules = field(default_factory=Rules)
    roles: dict[str, set[str]] = field(default_factory=dict)
    inactive: set[str] = field(default_factory=set)
    lost_keys: dict[str, datetime] = field(default_factory=dict)
    provenance: bool = False
    tests: bool = False
    signer_suspended: bool = False
    waived_until: datetime | None = None
    asked: bool = False
    withdrawn: bool = False
    revision: int = 0
    answers: list[ToldAnswer] = field(default_factory=list)
    # What was answered to the request for staging, where one approver is enough, and its newest revision.
    elsewhere: list[ToldAnswer] = field(default_factory=list)
    revision_elsewhere: int = 0

    def leaves(self, name: str) -> None:
        """Somebody is gone: what they gave in staging ends, unless it had run out by then. No gate there ever acted on it."""
        self.inactive.add(name)
        for answer in self.elsewhere:
            answer.revoked |= answer.person == name and self.now < answer.signed_at + VALIDITY

    def why_shut(self) -> list[str]:
        """Return every rule that does not hold now; empty where a gate may open."""
        if not self.asked or self.withdrawn:
            return ["nobody asks"]
        if REQUESTER in self.inactive:
            # Who asks answers for the workflow that signs as well.
            return ["whoever asks has left"]
        reasons = []
        if not (self.provenance and not self.signer_suspended) and not self._is_waived():
            reasons.append("no provenance whose signer answers for it")
        if self.rules.tests and not (self.tests and not self.signer_suspended):
            reasons.append("no tests whose signer answers for them")
        if self.rules.staging and not self._was_in_staging():
            reasons.append("not approved in staging a day before")
        newest = [answer for answer in self.answers if answer.revision == self.revision and answer.rules == self.rules]
        if any(answer.decision != "approve" for answer in newest):
            reasons.append("somebody said no")
        approvers = {answer.person for answer in newest if self._counts(answer)}
        release = {person for person in approvers if RELEASE in self.roles[person]}
        security = {person for person in approvers if SECURITY in self.roles[person]}
        needed = self.rules.count + self.rules.security
        if len(release) < self.rules.count or (self.rules.security and not security) or len(release | security) < needed:
            reasons.append("not enough different people approved this revision under this policy")
        return reasons

    def _is_waived(self) -> bool:
        return self.waived_until is not None and self.now < self.waived_until

    def _was_in_staging(self) -> bool:
        no = [answer.signed_at for answer in self.elsewhere if answer.decision != "approve"]
        standing = [answer.signed_at for answer in self.elsewhere if answer.revision == self.revision_elsewhere and self._stands(answer)]
        return bool(standing) and min(standing) + A_DAY <= self.now and not no

    def _counts(self, answer: ToldAnswer) -> bool:
        return self._stands(answer) and answer.person not in self.inactive and self.now < answer.signed_at + VALIDITY

    def _stands(self, answer: ToldAnswer) -> bool:
        lost = self.lost_keys.get(answer.key)
        return (
            answer.decision == "approve" and not answer.revoked and answer.person != REQUESTER and (lost is None or answer.signed_at < lost)
        )
