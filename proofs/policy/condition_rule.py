"""One condition against a policy input. Only true passes; whatever else comes back is a no, with a code that says which."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from proofs.errors import Malformed
from proofs.policy.condition import compile_condition, condition_environment, is_available
from proofs.policy.indexed_input import first_words
from proofs.policy.outcome import TIME_MISSING, RuleOutcome
from proofs.policy.reading import part_of
from proofs.policy.rules import RELEASE, ConditionRule
from proofs.policy.word import Word

NOT_EVALUATED = "policy.condition_not_evaluated"


class Conditions:
    """The conditions of one weighing: what they see is made once, when the first one asks, and the evidence when the first one names it."""

    __slots__ = ("_activations", "_at", "_policy_input")

    def __init__(self, policy_input: dict[str, Any], at: datetime | None) -> None:
        self._policy_input, self._at = policy_input, at
        self._activations: dict[bool, Any] = {}

    def evaluate(self, rule: ConditionRule) -> RuleOutcome:
        """Return pass for true, and fail for everything else, with what it was."""
        if self._at is None:
            return RuleOutcome("fail", TIME_MISSING, f"{rule.title} cannot be shown: no moment is named.")
        if not is_available():
            words = f"{rule.title} was not evaluated: the library for conditions is not installed here."
            return RuleOutcome("fail", NOT_EVALUATED, words)
        try:
            answer = compile_condition(rule.expression).eval(self._activate(self._at, with_evidence="evidence" in rule.expression))
            kind, value = answer.type().name(), answer.plain_value()
        except KeyError as error:
            return _error(rule, f"the facts lack {error}")
        except (Malformed, RuntimeError, TypeError, ValueError, OverflowError, MemoryError) as error:
            return _error(rule, str(error))
        if kind == "BOOL" and value is True:
            return RuleOutcome("pass", "", f"{rule.title}: the condition holds.")
        if kind == "BOOL" and value is False:
            return RuleOutcome("fail", "policy.condition_false", f"{rule.title}: the condition does not hold.")
        return _error(rule, f"{kind} {value}")

    def _activate(self, at: datetime, *, with_evidence: bool) -> Any:
        # A condition cannot ask for what it does not name, so that most are spared the summary of every item.
        if with_evidence not in self._activations:
            seen = variables_of(self._policy_input) if with_evidence else _variables_beside_evidence(self._policy_input)
            self._activations[with_evidence] = condition_environment().Activation({**seen, "at": at})
        return self._activations[with_evidence]


def variables_of(policy_input: dict[str, Any]) -> dict[str, Any]:
    """Return what conditions see of a policy input, beside the moment."""
    evidence = [_summary(word) for word in first_words(policy_input) if word.is_vouched_for]
    return {**_variables_beside_evidence(policy_input), "evidence": evidence}


def _variables_beside_evidence(policy_input: dict[str, Any]) -> dict[str, Any]:
    names = ("project", "team", "environment", "artifacts", "requester")
    return {"kind": policy_input.get("kind", RELEASE), **{name: policy_input[name] for name in names}}


def _summary(word: Word) -> dict[str, Any]:
    signer = word.signer
    return {
        "type": str(word.facts.get("predicateType", "")),
        "result": str(word.verdict.get("result", "")),
        "signer": str(signer.get("identity") or signer.get("keyId") or ""),
        "issuer": str(signer.get("issuer") or ""),
        "identity": str(part_of(word.verdict, "identity").get("name") or ""),
        "source": str(signer.get("sourceRepository") or ""),
        "ref": str(signer.get("sourceRef") or ""),
        "subjects": list(word.subjects),
        "predicate": part_of(word.facts, "predicate"),
    }


def _error(rule: ConditionRule, words: str) -> RuleOutcome:
    first = words.partition("\n")[0]
    return RuleOutcome("fail", "policy.condition_error", f"{rule.title}: the condition has no answer ({first[:200]}).")
