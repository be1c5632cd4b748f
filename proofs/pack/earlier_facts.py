"""Facts as an earlier verifier stated them, derived from those of today's: so that the verdicts of then can be checked for ever.

Only what was read differently since is put back; all else must be the same. Nothing is judged here, and nothing that counts is added.
"""

from __future__ import annotations

from typing import Any

from proofs.assess import FACTS_ADDED
from proofs.predicates.verdicts import BEFORE_4
from proofs.provenance import NO_NAMES

# So many inputs were listed then, and the others left out.
_LISTED_BEFORE_4 = 1024


def facts_known_then(facts: Any, then: Any) -> Any:
    """Return the facts as a verifier before version 4 would have stated them, where `then` are those it stated."""
    if not isinstance(facts, dict) or not isinstance(then, dict):
        return facts
    known = {name: fact for name, fact in facts.items() if name in then or name not in FACTS_ADDED}
    # Inputs and parameters that could not be read were left out, and long lists cut short.
    listed = known["claims"]["dependencies"][:_LISTED_BEFORE_4]
    readable = [{name: item[name] for name in ("uri", "digests")} for item in listed if "unreadable" not in item]
    known["claims"] = known["claims"] | {"dependencies": readable}
    if "parameters" in known:
        known["parameters"] = [name for name in known["parameters"] if name != NO_NAMES]
    # Both spellings of a verification summary's fields were read as one.
    if BEFORE_4 in (known.get("predicate") or {}):
        predicate = {name: fact for name, fact in known["predicate"].items() if name != BEFORE_4}
        known["predicate"] = predicate | known["predicate"][BEFORE_4]
    return known | _signers_named_then(facts, then)


def _signers_named_then(facts: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """Return the signers named then where all of them signed: fewer signatures were tried, and who is not named counts for nothing."""
    today, named = ([each.get("signer"), *_listed(each.get("coSigners"))] for each in (facts, then))
    if len(today) > 1 and all(signer in today for signer in named):
        return {name: then[name] for name in ("signer", "coSigners") if name in then}
    return {}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
