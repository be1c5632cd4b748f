"""The difference between two policies in words, rule by rule, with what is loosened first.

Read from the two documents, not from what was parsed of them, so that nothing that is written goes uncompared: a field this file knows
nothing of, and a change of which it cannot tell where it leads, count as loosened. Not compared: what the policies make of real requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofs.approval.record import LEVELS
from proofs.canonical import canonical_bytes
from proofs.policy.word import may_say_no

ADDED, REMOVED, TIGHTENED, LOOSENED, CHANGED, REWORDED = "added", "removed", "tightened", "loosened", "changed", "reworded"
# Removing a rule lets more through, and a change of which nobody can tell is taken for one that does.
LOOSENING = frozenset({REMOVED, LOOSENED, CHANGED})
MODES = ("observe", "warn", "enforce")

_ORDER = (LOOSENED, REMOVED, CHANGED, TIGHTENED, ADDED, REWORDED)
_MAX_WORDS = 160


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: the rule's id (empty for the policy as a whole), what became of it, and the words."""

    rule: str
    change: str
    words: str

    @property
    def is_loosening(self) -> bool:
        """Whether more may get through than before, or nobody can tell."""
        return self.change in LOOSENING

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in a snapshot."""
        return {"rule": self.rule, "change": self.change, "loosens": self.is_loosening, "words": self.words}


# From the value before and the value now, None where the field is absent, to one of the words above.
Weigh = Callable[[Any, Any], str]


def compare_policies(
    before: Mapping[str, Any] | None, now: Mapping[str, Any], *, mode_before: str | None = None, mode: str = "enforce"
) -> list[Difference]:
    """Return how the policy document `now` differs from `before` (both as parsed), what is loosened first; none where nothing does.

    `before` is None where no policy was in force: nothing could be approved there, so whatever the new one lets through is loosened.
    `mode_before` and `mode` say what gates do with a no.
    """
    if before is None:
        count = len(now["rules"])
        decide = "1 rule decides" if count == 1 else f"{count} rules decide" if count else "no rule decides"
        words = f"no policy was in force, so nothing was let through; now {decide}, in mode {mode}"
        return [Difference("", LOOSENED, words)]
    found = [*_compare_modes(mode_before or "enforce", mode), *_compare_whole(before, now), *_compare_kinds(before, now)]
    old, new = ({rule["id"]: rule for rule in document["rules"]} for document in (before, now))
    for rule_id in [*old, *(name for name in new if name not in old)]:
        found += _compare_rule(rule_id, old.get(rule_id), new.get(rule_id))
    return sorted(found, key=lambda item: _ORDER.index(item.change))


def _compare_modes(before: str, now: str) -> list[Difference]:
    if before == now:
        return []
    change = TIGHTENED if MODES.index(now) > MODES.index(before) else LOOSENED
    return [Difference("", change, f"mode {before} → {now}: {change}")]


def _compare_whole(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    found = _compare_fields("", before, now, _WHOLE, left_out=("schema", "version", "rules", "waivers", "breakGlass"))
    for name, weighs in (("waivers", _WAIVERS), ("breakGlass", _BREAK_GLASS)):
        old, new = before.get(name), now.get(name)
        words = _LABELS[name]
        if old is None and new is not None:
            found.append(Difference("", LOOSENED, f"{words} not possible → possible: loosened"))
        elif old is not None and new is None:
            found.append(Difference("", TIGHTENED, f"{words} possible → not possible: tightened"))
        elif old is not None and new is not None:
            found += _compare_fields("", old, new, weighs, prefix=f"{words}: ")
    return found


def _compare_kinds(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Say which kinds of request nobody could approve before, because no rule about people applied to them, and somebody can now."""
    old, new = _approvable(before), _approvable(now)
    if new == old or old is None:
        return []
    gained = "every kind" if new is None else ", ".join(sorted(new - old))
    return [Difference("", LOOSENED, f"requests of {gained} could not be approved, and can be now: loosened")] if gained else []


def _approvable(document: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the kinds of request that some rule about approvals applies to; None for all of them."""
    kinds = [rule.get("kinds") for rule in document["rules"] if rule["kind"] == "approvals"]
    return None if None in kinds else frozenset(kind for listed in kinds for kind in listed)


def _compare_rule(rule_id: str, before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> list[Difference]:
    if before is None:
        return [_came(rule_id, now)] if now is not None else []
    if now is None:
        return [_went(rule_id, before)]
    if before["kind"] != now["kind"]:
        return [Difference(rule_id, CHANGED, f"{_short(now['title'])}: {_kind_words(before)} → {_kind_words(now)}")]
    weighs = {**_EVERY_RULE, **_BY_KIND.get(now["kind"], {})}
    if now["kind"] == "separation-of-duties" and now.get("requesterMayApprove"):
        # Such a rule lets more through, and so it does for more kinds.
        weighs["kinds"] = _cannot_tell
    if any(may_say_no(name) for rule in (before, now) for name in rule.get("predicateTypes", ())):
        # Whoever is not accepted any more says no yes, and no no either, which may have stood against another's yes.
        weighs.update({name: _never_surely_tighter(weighs[name]) for name in _WHOSE_WORD})
    return _compare_fields(rule_id, before, now, weighs, left_out=("id", "kind"), prefix=f"{_short(now['title'])}: ")


def _came(rule_id: str, rule: Mapping[str, Any]) -> Difference:
    if rule["kind"] == "separation-of-duties" and rule.get("requesterMayApprove"):
        return Difference(rule_id, LOOSENED, f"{_short(rule['title'])}: whoever asks may approve now: loosened")
    return Difference(rule_id, ADDED, f"{_short(rule['title'])}: {_kind_words(rule)} is added")


def _went(rule_id: str, rule: Mapping[str, Any]) -> Difference:
    if rule["kind"] == "separation-of-duties" and rule.get("requesterMayApprove") and not rule.get("exclude"):
        return Difference(rule_id, TIGHTENED, f"{_short(rule['title'])}: whoever asks may not approve any more: tightened")
    return Difference(rule_id, REMOVED, f"{_short(rule['title'])}: {_kind_words(rule)} is removed")


def _compare_fields(
    rule_id: str,
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    weighs: Mapping[str, Weigh],
    *,
    left_out: Sequence[str] = (),
    prefix: str = "",
) -> list[Difference]:
    found = []
    for name in sorted({*before, *now} - set(left_out)):
        old, new = before.get(name), now.get(name)
        if _spelled(old) == _spelled(new):
            continue
        change = weighs.get(name, _cannot_tell)(old, new)
        if change:
            words = f"{_LABELS.get(name, name)} {_value_words(name, old)} → {_value_words(name, new)}: {change}"
            found.append(Difference(rule_id, change, prefix + words))
    return found


def _cannot_tell(old: Any, new: Any) -> str:
    return CHANGED


def _never_surely_tighter(weigh: Weigh) -> Weigh:
    return lambda old, new: CHANGED if weigh(old, new) == TIGHTENED else weigh(old, new)


def _reworded(old: Any, new: Any) -> str:
    return REWORDED


def _more_is_tighter(absent: int) -> Weigh:
    """Weigh a number of which a higher one asks for more; `absent` is what it means to leave it out."""
    return lambda old, new: _by_order(absent if old is None else old, absent if new is None else new)


def _standing_in(old: Any, new: Any) -> str:
    """Weigh whether people may stand in for others: where nothing is said, the environment's tier decides."""
    order = ("allowed", None, "none")
    return _by_order(order.index(old), order.index(new))


def _fewer_is_tighter(old: Any, new: Any) -> str:
    """Weigh a number of which a lower one asks for more; without it there is no limit."""
    if old is None or new is None:
        return TIGHTENED if old is None else LOOSENED
    return _by_order(new, old)


def _by_order(old: int, new: int) -> str:
    return "" if old == new else TIGHTENED if new > old else LOOSENED


def _level(absent: str) -> Weigh:
    def weigh(old: Any, new: Any) -> str:
        return _by_order(LEVELS.index(absent if old is None else old), LEVELS.index(absent if new is None else new))

    return weigh


def _flag(absent: bool, *, tighter: bool) -> Weigh:
    """Weigh a flag that asks for more when it is `tighter`."""
    return lambda old, new: _by_order((absent if old is None else old) is tighter, (absent if new is None else new) is tighter)


def _accepted(absent: tuple[Any, ...] | None) -> Weigh:
    """Weigh a list of what is accepted, of which a shorter one accepts less; None for `absent` means that anything is."""

    def weigh(old: Any, new: Any) -> str:
        first, second = (absent if value is None else value for value in (old, new))
        if first is None or second is None:
            return "" if first is second else TIGHTENED if first is None else LOOSENED
        return _by_sets({_spelled(item) for item in first}, {_spelled(item) for item in second})

    return weigh


def _demanded(absent: tuple[Any, ...] | None) -> Weigh:
    """Weigh a list of which a longer one asks for more; None for `absent` means that it could not be longer."""
    accepted = _accepted(absent)
    turned = {TIGHTENED: LOOSENED, LOOSENED: TIGHTENED}
    return lambda old, new: turned.get(accepted(old, new), accepted(old, new))


def _by_sets(old: set[str], new: set[str]) -> str:
    if old == new:
        return ""
    return TIGHTENED if new < old else LOOSENED if new > old else CHANGED


def _spelled(value: Any) -> str:
    return canonical_bytes([value]).decode()


def _kind_words(rule: Mapping[str, Any]) -> str:
    return f"a rule of kind {rule['kind']}"


def _value_words(name: str, value: Any) -> str:
    if value is None:
        return _ABSENT.get(name, "nothing")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("Hours"):
        return f"{value} h"
    if name == "maxDays":
        return "1 day" if value == 1 else f"{value} days"
    if isinstance(value, list):
        return _short(", ".join(_item_words(item) for item in value) or "none")
    return _short(_item_words(value))


def _item_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{_item_words(value[name])}" for name in sorted(value))
    return "/".join(map(_item_words, value)) if isinstance(value, list) else str(value)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_WORDS else f"{text[:_MAX_WORDS]}…"


_WHOSE_WORD = ("predicateTypes", "builders", "sources", "runners", "parameters", "registeredSigner")
_EVERY_RULE: dict[str, Weigh] = {"title": _reworded, "kinds": _demanded(None)}
_BY_KIND: dict[str, dict[str, Weigh]] = {
    "evidence": {
        "predicateTypes": _accepted(()),
        "builders": _accepted(()),
        "sources": _accepted(None),
        "results": _accepted(("PASSED",)),
        "runners": _accepted(None),
        "parameters": _accepted(None),
        "registeredSigner": _flag(True, tighter=True),
        "signers": _more_is_tighter(1),
        "maxAgeHours": _fewer_is_tighter,
    },
    "approvals": {"count": _more_is_tighter(0), "minimumAssurance": _level(LEVELS[0])},
    "separation-of-duties": {"requesterMayApprove": _flag(False, tighter=False), "exclude": _demanded(())},
    "freeze": {"windows": _demanded(())},
    # An hour that ends before it begins goes over midnight, and then which of two is the longer one is not told by either end.
    "hours": {"days": _accepted(())},
    "condition": {},
    "approved-in": {"minimumHours": _more_is_tighter(0)},
}
_WHOLE: dict[str, Weigh] = {
    "title": _reworded,
    "minimumAssurance": _level(LEVELS[0]),
    "validityHours": _fewer_is_tighter,
    "delegation": _standing_in,
}
_WAIVERS: dict[str, Weigh] = {"maxDays": _fewer_is_tighter, "approvals": _demanded(())}
_BREAK_GLASS: dict[str, Weigh] = {
    "roles": _accepted(()),
    "validityHours": _fewer_is_tighter,
    "maxUses": _fewer_is_tighter,
    "reviewHours": _fewer_is_tighter,
}
_LABELS = {
    "approvals": "who agrees",
    "breakGlass": "break-glass",
    "builders": "accepted builders",
    "count": "how many approve",
    "days": "days",
    "delegation": "standing in for others",
    "environment": "environment",
    "exclude": "who is kept out",
    "expectations": "expectations",
    "expression": "condition",
    "from": "from",
    "id": "the policy's name",
    "inputs": "approved inputs",
    "kinds": "kinds of request",
    "maxAgeHours": "oldest evidence",
    "maxDays": "longest waiver",
    "maxUses": "uses",
    "minimumAssurance": "minimum level",
    "minimumHours": "time there",
    "parameters": "parameters",
    "predicateTypes": "predicate types",
    "registeredSigner": "registered signer",
    "requesterMayApprove": "whoever asks may approve",
    "results": "results",
    "reviewHours": "time to review",
    "reviewers": "reviewers",
    "role": "role",
    "roles": "roles",
    "runners": "runners",
    "signers": "different signers",
    "sources": "accepted sources",
    "title": "title",
    "to": "to",
    "validityHours": "validity",
    "waivers": "waivers",
    "windows": "frozen",
    "zone": "time zone",
}
_ABSENT = {
    "delegation": "by the environment's tier",
    "exclude": "nobody more",
    "kinds": "all",
    "maxAgeHours": "any age",
    "minimumAssurance": "the policy's",
    "parameters": "any",
    "registeredSigner": "yes",
    "requesterMayApprove": "no",
    "results": "PASSED",
    "runners": "any",
    "signers": "1",
    "sources": "any",
}
