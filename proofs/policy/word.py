"""One signer's word: what one signer says in one item of evidence, read once, so that rules ask it and not the verdict document.

A verdict may have any shape. What is missing or of another kind than expected is empty here.
"""

from __future__ import annotations

from typing import Any

from proofs.assess import BEFORE_GRANTS
from proofs.delegators import DELEGATED
from proofs.policy.reading import objects, part_of, texts
from proofs.policy.rules import BuilderKey
from proofs.predicates.read import READERS

# Kinds of predicate that may say no.
STATES_RESULT = ("test-result", "verification-summary")
# The kind of predicate by its type, whatever the facts say of it.
_KINDS = {predicate_type: kind for predicate_type, (kind, _) in READERS.items()}


def may_say_no(predicate_type: str) -> bool:
    """Return whether statements of this type state a result, which may be a no."""
    return _KINDS.get(predicate_type) in STATES_RESULT


class Place:
    """The project and environment that a policy input is about, read once; a part that is missing stands for none."""

    __slots__ = ("_environments", "_is_known", "_projects")

    def __init__(self, policy_input: dict[str, Any]) -> None:
        project, environment = policy_input.get("project"), policy_input.get("environment")
        self._is_known = project is not None and "environment" in policy_input
        self._projects, self._environments = (None, project), None if environment is None else (None, environment)

    def is_granted(self, verdict: dict[str, Any], identity: dict[str, Any]) -> bool:
        """Return whether the registered signer may attest this here. Verdicts of before there were grants name none, and nobody asks for one."""
        if "grants" not in identity and part_of(verdict, "verifier").get("version") in BEFORE_GRANTS:
            return True
        if self._is_known:
            for grant in objects(identity.get("grants")):
                is_here = "project" in grant and grant["project"] in self._projects and "environment" in grant
                if is_here and (self._environments is None or grant["environment"] in self._environments):
                    return True
        return False


class Word:
    """One signer's word, which comes at a certain `order` in the input.

    `verdict` is the item's as this signer gives it, `own` as it stands in the input: the same for the first signer. `kind` is the kind of
    predicate by its type, which `states_result` where it may say no. `builders` are the builders it can be taken for, none where it signs for another one. `is_vouched_for`: it is a
    first signer's, verified, nothing contradicts it, and a registered signer answers for it who may attest it here.
    """

    __slots__ = (
        "builders",
        "digest",
        "facts",
        "is_delegated",
        "is_vouched_for",
        "kind",
        "order",
        "own",
        "predicate_type",
        "signer",
        "states_result",
        "subjects",
        "verdict",
        "who",
    )

    def __init__(self, item: dict[str, Any], own: dict[str, Any], place: Place, order: int = 0) -> None:
        verdict = _object(item, "verdict")
        self.digest, self.verdict, self.own, self.order = str(item.get("digest")), verdict, own, order
        self.facts = facts = _object(verdict, "facts")
        self.signer = signer = _object(facts, "signer")
        self.predicate_type = predicate_type = facts.get("predicateType")
        self.kind = kind = _KINDS.get(predicate_type) if isinstance(predicate_type, str) else None
        self.states_result = kind in STATES_RESULT
        self.subjects = _subjects(facts)
        self.who = describe_signer(signer)
        is_contradicted, self.is_delegated = _read_findings(verdict)
        self.builders = () if self.is_delegated else _builders(signer)
        identity = _object(verdict, "identity")
        is_clear = verdict is own and verdict.get("result") == "verified" and not is_contradicted
        self.is_vouched_for = is_clear and bool(identity.get("id")) and place.is_granted(verdict, identity)


def by_signer(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the item as each of its proven signers gives it: one for the signer, one more for each co-signer of the same envelope."""
    verdict = item["verdict"]
    facts = part_of(verdict, "facts")
    signers = objects(facts.get("coSigners"))
    if not signers:
        return [item]
    known = {str(each.get("keyId")): each for each in objects(verdict.get("coIdentities") if isinstance(verdict, dict) else None)}
    others = []
    for signer in signers:
        who = known.get(str(signer.get("keyId")), {})
        said = {"identity": who.get("identity"), "because": who.get("because")}
        others.append({**verdict, "facts": {**facts, "signer": signer}, **said})
    return [item, *({**item, "verdict": other} for other in others)]


def describe_signer(signer: dict[str, Any]) -> str:
    """Return in words who signed, as proven by certificate or key; "nobody known" where neither was proven."""
    if signer.get("kind") == "certificate":
        return f"{signer.get('identity')} (vouched for by {signer.get('issuer')})"
    if signer.get("kind") == "key":
        return f"key {signer.get('keyId')}"
    return "nobody known"


def missing_grant(verdict: dict[str, Any], policy_input: dict[str, Any]) -> str:
    """Return "" where the registered signer may attest this for the project and environment of the input, else a sentence that says where it may.

    An environment that is None stands for any one, where a question is about the project alone; one that is missing stands for none, and so
    does a missing project. Verdicts of before there were grants name none, and then nobody asks for one.
    """
    identity = part_of(verdict, "identity")
    if Place(policy_input).is_granted(verdict, identity):
        return ""
    project, environment = policy_input.get("project"), policy_input.get("environment")
    grants = objects(identity.get("grants"))
    places = [f"{grant.get('project') or 'every project'} in {grant.get('environment') or 'every environment'}" for grant in grants]
    may = f"may attest this for {' and for '.join(places)} only" if places else "may attest this for nobody"
    return f"{identity.get('name')} {may}; this is about {project} in {environment or 'any environment'}."


def _subjects(facts: dict[str, Any]) -> tuple[str, ...]:
    """Return every digest of what a statement is about, in its order."""
    subjects = facts.get("subjects")
    if not isinstance(subjects, list):
        return ()
    if len(subjects) == 1 and isinstance(subjects[0], dict):
        return tuple(texts(subjects[0].get("digests")))
    return tuple(digest for subject in objects(subjects) for digest in texts(subject.get("digests")))


def _read_findings(verdict: dict[str, Any]) -> tuple[bool, bool]:
    """Return whether a finding contradicts the item, and whether one says that a known delegator signed it for another builder."""
    findings = objects(verdict.get("findings"))
    outcomes = [finding.get("outcome") for finding in findings]
    return "fail" in outcomes or "error" in outcomes, DELEGATED in [finding.get("code") for finding in findings]


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _builders(signer: dict[str, Any]) -> tuple[BuilderKey, ...]:
    """Return every builder that certificate or key can be taken for."""
    kind, issuer = signer.get("kind"), signer.get("issuer")
    if kind == "key" and isinstance(key_id := signer.get("keyId"), str):
        return (("key", "", key_id),)
    if kind != "certificate" or not isinstance(issuer, str):
        return ()
    workflow, identity = signer.get("workflow"), signer.get("identity")
    by_identity: tuple[BuilderKey, ...] = (("identity", issuer, identity),) if isinstance(identity, str) else ()
    return (("workflow", issuer, workflow), *by_identity) if isinstance(workflow, str) else by_identity
