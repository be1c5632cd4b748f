"""One condition against a policy input. Only true passes; whatever else comes back is a no, with a code that says which."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from proofs.errors import Malformed
from proofs.policy.condition import compile_condition, condition_environment, is_available
from proofs.policy.expectation_rule import is_vouched_for
from proofs.policy.outcome import TIME_MISSING, RuleOutcome
from proofs.policy.reading import objects, part_of, texts
from proofs.policy.rules import RELEASE, ConditionRule

NOT_EVALUATED = "policy.condition_not_evaluated"


class Conditions:
    """The conditions of one weighing: what they see is made once, when the first one asks."""

    __slots__ = ("_activation", "_at", "_policy_input")

    def __init__(self, policy_input: dict[str, Any], at: datetime | None) -> None:
        self._policy_input, self._at = policy_input, at
        self._activation: Any = None

    def evaluate(self, rule: ConditionRule) -> RuleOutcome:
        """Return pass for true, and fail for everything else, with what it was."""
        if self._at is None:
            return RuleOutcome("fail", TIME_MISSING, f"{rule.title} cannot be shown: no moment is named.")
        if not is_available():
            words = f"{rule.title} was not evaluated: the library for conditions is not installed here."
            return RuleOutcome("fail", NOT_EVALUATED, words)
        try:
            answer = compile_condition(rule.expression).eval(self._activate(self._at))
            kind, value = answer.type().name(), answer.plain_value()
        except (Malformed, RuntimeError, TypeError, ValueError, OverflowError) as error:
            return _error(rule, str(error))
        if kind == "BOOL" and value is True:
            return RuleOutcome("pass", "", f"{rule.title}: the condition holds.")
        if kind == "BOOL" and value is False:
            return RuleOutcome("fail", "policy.condition_false", f"{rule.title}: the condition does not hold.")
        return _error(rule, f"{kind} {value}")

    def _activate(self, at: datetime) -> Any:
        if self._activation is None:
            self._activation = condition_environment().Activation({**variables_of(self._policy_input), "at": at})
        return self._activation


def variables_of(policy_input: dict[str, Any]) -> dict[str, Any]:
    """Return what conditions see of a policy input, beside the moment."""
    return {
        "kind": policy_input.get("kind", RELEASE),
        **{name: policy_input[name] for name in ("project", "team", "environment", "artifacts", "requester")},
        "evidence": [
            _summary(part_of(item, "verdict"))
            for item in policy_input["evidence"]
            if is_vouched_for(part_of(item, "verdict"), policy_input)
        ],
    }


def _summary(verdict: dict[str, Any]) -> dict[str, Any]:
    facts = part_of(verdict, "facts")
    signer = part_of(facts, "signer")
    return {
        "type": str(facts.get("predicateType", "")),
        "result": str(verdict.get("result", "")),
        "signer": str(signer.get("identity") or signer.get("keyId") or ""),
        "issuer": str(signer.get("issuer") or ""),
        "identity": str(part_of(verdict, "identity").get("name") or ""),
        "source": str(signer.get("sourceRepository") or ""),
        "ref": str(signer.get("sourceRef") or ""),
        "subjects": [digest for subject in objects(facts.get("subjects")) for digest in texts(subject.get("digests"))],
        "predicate": part_of(facts, "predicate"),
    }


def _error(rule: ConditionRule, words: str) -> RuleOutcome:
    first = words.partition("\n")[0]
    return RuleOutcome("fail", "policy.condition_error", f"{rule.title}: the condition has no answer ({first[:200]}).")
