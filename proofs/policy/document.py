"""Policies: what must be shown before something may be promoted, read from one canonical document (countersign-policy/v1).

Reading is closed: a policy without rules, a rule of an unknown kind, a field we do not know, a list of accepted builders that is
empty, all refuse. A policy that means less than it seems to is worse than none. What comes of it is in `proofs.policy.evaluate`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from proofs.approval.record import LEVELS
from proofs.canonical import parse_canonical
from proofs.digest import parse_digest, sha256_hex
from proofs.errors import Malformed, TooLarge
from proofs.expectations import refuse_loose_pattern
from proofs.fields import Fields
from proofs.predicates.verdicts import PASSED, WARNED

POLICY_SCHEMA = "countersign-policy/v1"
MAX_POLICY_BYTES = 256 * 1024
MAX_RULES = 64
MAX_VALIDITY_HOURS = 30 * 24
MAX_SIGNERS = 32
ACCEPTED_FIELDS = ("predicateTypes", "builders", "sources", "registeredSigner", "runners", "parameters", "inputs")

_CODE = "policy.malformed"


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
    predicate states a result. With `by_project`, builders and all that follows from them stand in the expectations of the project.
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
    kind: str = "evidence"


@dataclass(frozen=True, slots=True)
class ApprovalsRule:
    """So many different people with this role must approve."""

    id: str
    title: str
    role: str
    count: int
    kind: str = "approvals"


@dataclass(frozen=True, slots=True)
class SeparationRule:
    """Whether the one who asks may also approve."""

    id: str
    title: str
    requester_may_approve: bool
    kind: str = "separation-of-duties"


Rule = EvidenceRule | ApprovalsRule | SeparationRule


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy; `digest` is the SHA-256 of the document it was parsed from."""

    id: str
    version: str
    title: str
    rules: tuple[Rule, ...]
    minimum_assurance: str
    validity_hours: int
    digest: str

    @property
    def approvals_rules(self) -> tuple[ApprovalsRule, ...]:
        """The rules that people fulfil, in the order of the document."""
        return tuple(rule for rule in self.rules if isinstance(rule, ApprovalsRule))

    @property
    def separation_rule(self) -> SeparationRule | None:
        """The one rule about who may not approve, or None, which means the strict one."""
        return next((rule for rule in self.rules if isinstance(rule, SeparationRule)), None)

    @property
    def asks_expectations(self) -> bool:
        """Whether a rule leaves it to the project's expectations whose evidence counts."""
        return any(isinstance(rule, EvidenceRule) and rule.by_project for rule in self.rules)

    @property
    def required_approvals(self) -> int:
        """How many approvals all rules ask for together; one person may fill one place only."""
        return sum(rule.count for rule in self.approvals_rules)


def parse_policy(document: bytes) -> Policy:
    """Parse the canonical bytes of a policy.

    Refuses with `policy.empty` (no rules), `policy.no_approvals` (nobody would have to approve), `policy.unknown_rule`,
    `policy.malformed`, `policy.too_large` or `json.*`.
    """
    if len(document) > MAX_POLICY_BYTES:
        raise TooLarge("policy.too_large", f"got a policy of {len(document)} bytes, expected at most {MAX_POLICY_BYTES}")
    value = parse_canonical(document)
    fields = Fields(value, path="policy", code=_CODE)
    fields.only("schema", "id", "version", "title", "rules", "minimumAssurance", "validityHours")
    fields.choice("schema", (POLICY_SCHEMA,))
    if value.get("rules") == []:
        raise Malformed("policy.empty", "got a policy without rules, expected at least one: an empty policy would let everything pass")
    rules = tuple(_rule(item) for item in fields.each("rules", low=1, high=MAX_RULES))
    _refuse_odd_sets(rules)
    return Policy(
        id=fields.text("id", limit=80),
        version=fields.text("version", limit=40),
        title=fields.text("title", limit=200),
        rules=rules,
        minimum_assurance=fields.choice("minimumAssurance", LEVELS[1:]),
        validity_hours=fields.integer("validityHours", low=1, high=MAX_VALIDITY_HOURS),
        digest=sha256_hex(document),
    )


def _refuse_odd_sets(rules: tuple[Rule, ...]) -> None:
    ids = [rule.id for rule in rules]
    if len(set(ids)) != len(ids):
        raise Malformed(_CODE, "got a rule id twice, expected every rule to have its own")
    if not any(isinstance(rule, ApprovalsRule) for rule in rules):
        raise Malformed("policy.no_approvals", "got a policy without an approvals rule, expected at least one person to approve")
    if sum(isinstance(rule, SeparationRule) for rule in rules) > 1:
        raise Malformed(_CODE, "got two rules about separation of duties, expected at most one, so that they cannot contradict")


def _rule(item: Fields) -> Rule:
    kind = item.text("kind", limit=80)
    if kind == "evidence":
        return _evidence_rule(item)
    if kind == "approvals":
        item.only("id", "kind", "title", "role", "count")
        return ApprovalsRule(_id(item), _title(item), item.text("role", limit=80), item.integer("count", low=1, high=32))
    if kind == "separation-of-duties":
        item.only("id", "kind", "title", "requesterMayApprove")
        return SeparationRule(_id(item), _title(item), item.flag("requesterMayApprove"))
    raise Malformed("policy.unknown_rule", f"got a rule of kind {kind!r}, expected evidence, approvals or separation-of-duties")


def _evidence_rule(item: Fields) -> EvidenceRule:
    results = item.texts("results", low=1) if item.has("results") else (PASSED,)
    if not {PASSED} <= set(results) <= {PASSED, WARNED}:
        item.refuse("results", f"{PASSED}, or {PASSED} and {WARNED}")
    signers = item.integer("signers", low=1, high=MAX_SIGNERS) if item.has("signers") else 1
    if item.has("expectations"):
        # All or nothing: a rule that took half of it from elsewhere would mean something else than it shows.
        item.only("id", "kind", "title", "predicateTypes", "results", "signers", "expectations")
        item.choice("expectations", ("project",))
        return EvidenceRule(
            id=_id(item),
            title=_title(item),
            predicate_types=item.texts("predicateTypes", low=1),
            builders=(),
            sources=(),
            registered_signer=True,
            results=results,
            signers=signers,
            by_project=True,
        )
    item.only("id", "kind", "title", "results", "signers", *ACCEPTED_FIELDS)
    rule = replace(read_accepted(item, rule_id=_id(item), title=_title(item)), results=results, signers=signers)
    if signers > 1 and not rule.registered_signer:
        item.refuse("signers", "1 where registeredSigner is false: without identities nobody can tell whether two signers are one")
    return rule


def read_accepted(item: Fields, *, rule_id: str, title: str) -> EvidenceRule:
    """Read the fields that say whose evidence counts (`ACCEPTED_FIELDS`), as rules and expectations share them."""
    builders = tuple(_builder(builder) for builder in item.each("builders", low=1, high=64))
    if any(builder.delegated for builder in builders) and not item.has("sources"):
        # Anybody's workflow can have a delegator build and sign: only the source tells whose build it was.
        item.refuse("sources", "the accepted sources, because a delegator signs for everybody")
    return EvidenceRule(
        id=rule_id,
        title=title,
        predicate_types=item.texts("predicateTypes", low=1),
        builders=builders,
        sources=tuple(_source(source) for source in item.each("sources", low=1, high=64)) if item.has("sources") else (),
        registered_signer=item.flag("registeredSigner") if item.has("registeredSigner") else True,
        runners=item.texts("runners", low=1) if item.has("runners") else None,
        parameters=item.texts("parameters") if item.has("parameters") else None,
        inputs=_inputs(item.fields("inputs")) if item.has("inputs") else None,
    )


def _inputs(item: Fields) -> InputsRule:
    item.only("digests", "verified")
    digests = item.texts("digests", high=1024) if item.has("digests") else ()
    for digest in digests:
        parse_digest(digest)
    verified = item.flag("verified") if item.has("verified") else False
    if not digests and not verified:
        item.refuse("digests", "at least one digest, or verified: true; otherwise no input could ever be approved")
    return InputsRule(digests, verified)


def _builder(item: Fields) -> Builder:
    if item.has("keyId"):
        return Builder(key_id=item.only("keyId").text("keyId", limit=60))
    if item.has("delegated"):
        return Builder(delegated=item.only("delegated").text("delegated", limit=500))
    if item.has("workflow"):
        item.only("issuer", "workflow")
        return Builder(issuer=item.text("issuer", limit=300), workflow=item.text("workflow", limit=500))
    item.only("issuer", "identity")
    return Builder(issuer=item.text("issuer", limit=300), identity=item.text("identity", limit=500))


def _source(item: Fields) -> Source:
    item.only("repository", "repositoryId", "refs")
    refs = item.texts("refs", low=1) if item.has("refs") else ()
    for ref in refs:
        if ref.startswith("^"):
            refuse_loose_pattern(ref)
        elif "*" in ref[:-1] or ref == "*":
            item.refuse("refs", "whole refs, beginnings of refs with one * at the end, or patterns from ^ to $")
    return Source(item.text("repository", limit=500), item.text("repositoryId", limit=80) if item.has("repositoryId") else "", refs)


def _id(item: Fields) -> str:
    return item.text("id", limit=80)


def _title(item: Fields) -> str:
    return item.text("title", limit=200)
