"""The rules of a policy, as values: what each kind asks. How they are read is in `proofs.policy.read_rules`, what comes of them beside it.

Every rule has an `id`, a `title` and `kinds`, the kinds of request it is about; none means all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from proofs.predicates.verdicts import PASSED

RELEASE = "release"
REQUEST_KINDS = (RELEASE, "promotion", "agent-action", "rotation", "policy-change", "exception", "break-glass-review")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# What a rule may exclude, and the reason that the facts about people and the signed statement give for each.
EXCLUDABLE = {
    "commit-authors": "commit-author",
    "co-authors": "co-author",
    "committers": "committer",
    "build-trigger": "build-trigger",
    "agent-operator": "agent-operator",
    "key-owner": "key-owner",
    "runner-owner": "runner-owner",
    "policy-editors": "policy-editor",
}

# By what a builder is known: the kind of thing, who vouches for it, its name.
BuilderKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Builder:
    """An accepted signer of evidence: exactly one of a whole certificate identity, a workflow at any ref, a public key, or `delegated`.

    The last is a builder that a known delegator signs for (`proofs.delegators`), with its ref or, for any ref, without.
    """

    issuer: str = ""
    identity: str = ""
    workflow: str = ""
    key_id: str = ""
    delegated: str = ""

    def __str__(self) -> str:
        if self.delegated:
            return f"a known delegator for {self.delegated}"
        if self.key_id:
            return f"key {self.key_id}"
        return f"{self.identity or self.workflow} (vouched for by {self.issuer})"

    @property
    def key(self) -> BuilderKey | None:
        """By what a signer is known to be this builder; None where the statement has to say so."""
        if self.delegated:
            return None
        if self.key_id:
            return ("key", "", self.key_id)
        return ("workflow", self.issuer, self.workflow) if self.workflow else ("identity", self.issuer, self.identity)


@dataclass(frozen=True, slots=True)
class Source:
    """An accepted source repository; no refs means any.

    A ref that ends in `*` stands for every ref that begins so; one from `^` to `$` is a regular expression and is matched whole.
    """

    repository: str
    repository_id: str = ""
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InputsRule:
    """Approved inputs of a build: those with one of these digests and, with `verified`, those that other verified evidence is about."""

    digests: tuple[str, ...]
    verified: bool


@dataclass(frozen=True, slots=True)
class EvidenceRule:
    """Every artifact needs a verified item of one of the predicate types, signed by an accepted builder, from an accepted source.

    With `signers` above 1 so many different registered identities must each have signed such an item, or the same one together.
    `runners`, `parameters` and `inputs` are None where nothing is expected of them. `results` are the results that count, where the
    predicate states a result. With `by_project`, builders and all that follows from them stand in the expectations of the project. With
    `max_age_hours` an item counts only while it is surely no older.
    """

    id: str
    title: str
    predicate_types: tuple[str, ...]
    builders: tuple[Builder, ...]
    sources: tuple[Source, ...]
    registered_signer: bool
    results: tuple[str, ...] = (PASSED,)
    runners: tuple[str, ...] | None = None
    parameters: tuple[str, ...] | None = None
    inputs: InputsRule | None = None
    signers: int = 1
    by_project: bool = False
    max_age_hours: int | None = None
    kinds: tuple[str, ...] = ()
    kind: str = "evidence"
    # Found once for each rule: by what its builders are known, those that a delegator has to name, and whether nothing is
    # expected beside the signer.
    builder_keys: frozenset[BuilderKey] = field(init=False, repr=False, compare=False)
    delegated: tuple[str, ...] = field(init=False, repr=False, compare=False)
    asks_signer_alone: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keys = (builder.key for builder in self.builders if builder.delegated or builder.key_id or builder.workflow or builder.identity)
        object.__setattr__(self, "builder_keys", frozenset(key for key in keys if key is not None))
        object.__setattr__(self, "delegated", tuple(builder.delegated for builder in self.builders if builder.delegated))
        object.__setattr__(
            self, "asks_signer_alone", not self.sources and (self.runners, self.parameters, self.inputs) == (None, None, None)
        )


@dataclass(frozen=True, slots=True)
class ApprovalsRule:
    """So many different people with this role must approve, each at least at `minimum_assurance` where the rule names a level."""

    id: str
    title: str
    role: str
    count: int
    minimum_assurance: str | None = None
    kinds: tuple[str, ...] = ()
    kind: str = "approvals"


@dataclass(frozen=True, slots=True)
class SeparationRule:
    """Who may not approve beside the one who asks, the one it is asked for, and who answers for the program that asks.

    `exclude` holds names of `EXCLUDABLE`. `requester_may_approve` is what old documents could say; a new one cannot be stored with it.
    """

    id: str
    title: str
    requester_may_approve: bool = False
    exclude: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    kind: str = "separation-of-duties"


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which nothing may go: wall-clock times of the rule's zone, the end not included."""

    start: datetime
    end: datetime
    why: str


@dataclass(frozen=True, slots=True)
class FreezeRule:
    """Nothing may go within these windows. Judged where promotion asks, at that moment."""

    id: str
    title: str
    zone: str
    windows: tuple[Window, ...]
    kinds: tuple[str, ...] = ()
    kind: str = "freeze"


@dataclass(frozen=True, slots=True)
class HoursRule:
    """Something may go on these days only, from `start` up to `end`, in minutes after midnight of the zone's wall clock.

    Where `end` is before `start`, the hours of a day end on the next one. Judged where promotion asks, at that moment.
    """

    id: str
    title: str
    zone: str
    days: tuple[str, ...]
    start: int
    end: int
    kinds: tuple[str, ...] = ()
    kind: str = "hours"


@dataclass(frozen=True, slots=True)
class ConditionRule:
    """A condition of the site's own, in CEL (`proofs.policy.condition`). Only true passes."""

    id: str
    title: str
    expression: str
    kinds: tuple[str, ...] = ()
    kind: str = "condition"


@dataclass(frozen=True, slots=True)
class ApprovedInRule:
    """Every artifact must have been approved in another environment, at least so many hours ago."""

    id: str
    title: str
    environment: str
    minimum_hours: int
    kinds: tuple[str, ...] = ()
    kind: str = "approved-in"


Rule = EvidenceRule | ApprovalsRule | SeparationRule | FreezeRule | HoursRule | ConditionRule | ApprovedInRule
TimeRule = FreezeRule | HoursRule
