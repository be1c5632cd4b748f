"""What two releases can reach: identities and what they may do, secrets, the plan, the policy, and how it was asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any

from proofs.comparison.compare_source import Picture, Said
from proofs.comparison.said import (
    ACK,
    ADDED,
    BLOCK,
    CHANGED,
    HIGH,
    MAX_WORDS,
    MEDIUM,
    NEW,
    NONE,
    NOTE,
    NOTICE,
    OTHER,
    REMOVED,
    Area,
    Change,
    Signal,
    counted,
    either,
    grouped,
    listed,
    same,
    series,
    unknown,
)

Context = Mapping[str, Any]
# A secret that is changed less often than this lives long.
LONG_DAYS = 90
DORMANT_DAYS = 90
# What a scope may be called that reaches far; only the order in which scopes are named rests on it.
FAR_WORDS = (
    "*",
    "admin",
    "root",
    "owner",
    "write",
    "delete",
    "destroy",
    "create",
    "grant",
    "impersonat",
    "iam",
    "secret",
    "cannot be read",
)
# What stands for whatever an identity without scopes can do.
UNNAMED = "do what nobody names"
# As the reader of deployment statements counts them among the scopes.
_UNREADABLE = re.compile(r"([0-9]{1,9}) more that cannot be read")


def compare_identities(before: Picture | None, now: Picture, context: Context) -> Said:
    """Programs that act for the release: new ones, wider scopes, and those for whom nobody answers."""
    named = now["identities"]
    if named is None:
        return unknown("identities", "No verified evidence names the identities that act for it."), []
    new = {(item["issuer"], item["subject"], item["step"]): item for item in named["listed"]}
    old = {(item["issuer"], item["subject"], item["step"]): item for item in ((before or {}).get("identities") or {"listed": []})["listed"]}
    known = {(item["issuer"], item["subject"]): item for item in context.get("identities") or []}
    has_before = before is not None and before["identities"] is not None
    came = _furthest_first(new[key] for key in new if key not in old)
    grown = [key for key in sorted(new) if key in old and set(new[key]["scopes"]) - set(old[key]["scopes"])]
    signals = cut_short("identities", named, "identity", "identities")
    if has_before:
        signals += [_new_identity(item) for item in came]
        signals += [_grown(new[key], sorted(set(new[key]["scopes"]) - set(old[key]["scopes"]))) for key in grown]
    for key in sorted(new):
        signals += _about_identity(new[key], known.get(key[:2]))
    changes = _identity_changes(came, old, new)
    severity = HIGH if any(signal.level == ACK for signal in signals) else NOTICE if changes else NONE
    if not has_before:
        told = "New" if before is None else "Not known before"
        words = f"{series([_identity_words(item) for item in _furthest_first(new.values())]) or 'None'}."
        return Area("identities", NEW, severity, told, words, changes), signals
    if not changes:
        words = f"{listed([_who(item) for item in new.values()])}, with the same scopes." if new else "None, as before."
        if named["unreadable"]:
            return Area("identities", CHANGED, severity, "Not all shown", words), signals
        return Area("identities", "same", severity, "No change", words), signals
    told_of = _identity_groups(came, old, new)
    token = " · ".join(f"{len(found):,} {heading.lower()}" for heading, found in told_of if found)
    return Area("identities", CHANGED, severity, token, grouped(*told_of), changes), signals


def _identity_groups(came: Sequence[Mapping[str, Any]], old: Mapping[Any, Any], new: Mapping[Any, Any]) -> list[tuple[str, list[str]]]:
    """Return what an identity may do by what became of it: one that may do more and less stands in both groups."""
    both = sorted(new.keys() & old.keys())
    more, less = ([(key, sorted(_scopes(one[key]) - _scopes(other[key]))) for key in both] for one, other in ((new, old), (old, new)))
    return [
        ("New", [_identity_words(item) for item in came]),
        ("Wider", [f"{_who(new[key])}{_in_step(new[key])} can now {_can(scopes)}" for key, scopes in more if scopes]),
        ("Narrower", [f"{_who(new[key])}{_in_step(new[key])} can no longer {_can(scopes)}" for key, scopes in less if scopes]),
        ("Gone", [f"{_who(old[key])}{_in_step(old[key])}" for key in sorted(old.keys() - new.keys())]),
    ]


def _scopes(item: Mapping[str, Any]) -> set[str]:
    return set(item["scopes"])


def _identity_changes(came: Sequence[Mapping[str, Any]], old: Mapping[Any, Any], new: Mapping[Any, Any]) -> list[Change]:
    """Return each change with every scope that came or went, however many: what a sentence cuts short stands here whole."""
    changes = [Change(ADDED, words) for item in came for words in _whole(f"{_who(item)}{_in_step(item)} can ", item["scopes"])]
    for key in sorted(new.keys() & old.keys()):
        was, now = set(old[key]["scopes"]), set(new[key]["scopes"])
        changes += [
            Change(ADDED, words) for words in _whole(f"{_who(new[key])}{_in_step(new[key])} can now ", sorted(now - was)) if now - was
        ]
        changes += [
            Change(REMOVED, words)
            for words in _whole(f"{_who(new[key])}{_in_step(new[key])} can no longer ", sorted(was - now))
            if was - now
        ]
    return changes + [
        Change(REMOVED, f"{_who(old[key])}{_in_step(old[key])}, which could {_can(old[key]['scopes'])}")
        for key in sorted(old.keys() - new.keys())
    ]


def _whole(begin: str, scopes: Sequence[str]) -> list[str]:
    """Return sentences that begin so and name all scopes, each short enough to be shown whole."""
    lines, line = [], ""
    for scope in [_readable(scope) for scope in scopes_by_reach(scopes)] or [UNNAMED]:
        # A scope that is longer than a line is cut there, and its beginning says what it is about.
        if line and len(begin) + len(line) + len(scope) + 2 > MAX_WORDS:
            lines.append(begin + line)
            line = ""
        line = f"{line}, {scope}" if line else scope
    return [*lines, begin + line]


def _can(scopes: Sequence[str]) -> str:
    """Return what somebody with these scopes can do, what reaches furthest first."""
    return listed([_readable(scope) for scope in scopes_by_reach(scopes)]) or UNNAMED


def _readable(scope: str) -> str:
    """Return a scope so that it can follow "can"."""
    left = _UNREADABLE.fullmatch(scope)
    return f"do {counted(int(left[1]), 'thing')} more that cannot be read" if left else scope


def scopes_by_reach(scopes: Sequence[str]) -> list[str]:
    """Return scopes with those first that reach far, so that a sentence that names three names these."""
    return sorted(scopes, key=lambda scope: (not reaches_far(scope), scope))


def reaches_far(scope: str) -> bool:
    """Return whether a scope is called as those are that reach far."""
    return any(word in scope.lower() for word in FAR_WORDS)


def _furthest_first(found: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return identities with those first that have a scope that reaches far."""
    return sorted(found, key=lambda item: (not any(map(reaches_far, item["scopes"])), item["issuer"], item["subject"], item["step"]))


def _who(item: Mapping[str, Any]) -> str:
    """Return what an identity is called, and who it really is: whoever writes the statement gives it any name."""
    return str(item["name"]) if item["name"] == item["subject"] else f"{item['name']} ({item['subject']})"


def _in_step(item: Mapping[str, Any]) -> str:
    return f" in {item['step']}" if item["step"] else ""


def cut_short(area: str, named: Mapping[str, Any], one: str, many: str) -> list[Signal]:
    """Return the signal that entries of a list could not be read, or were too many: what stands in them nobody was shown."""
    left = named["unreadable"]
    if not left:
        return []
    words = f"{counted(left, one, many)} in the deployment statement cannot be read, or {either(left, 'stands', 'stand')} beyond those that can be shown."
    return [Signal("EVID_UNVERIFIABLE", ACK, area, words, f"It may go out with {counted(left, one, many)} that nobody was shown", area)]


def _new_identity(item: Mapping[str, Any]) -> Signal:
    can = f"it can {_can(item['scopes'])}" if item["scopes"] else "nobody names what it can do"
    words = f"{_who(item)} acts{_in_step(item)}, and did not for the last release; {can}."
    agree = f"{_who(item)} may {_can(item['scopes']) if item['scopes'] else 'act'}"
    return Signal("NHI_NEW_IDENTITY", ACK, "identities", words, agree, item["subject"])


def _grown(item: Mapping[str, Any], scopes: Sequence[str]) -> Signal:
    words = f"{_who(item)}{_in_step(item)} may now {_can(scopes)}, which it could not before."
    return Signal("NHI_SCOPE_GROWN", ACK, "identities", words, f"{_who(item)} may {_can(scopes)}", item["subject"])


def _about_identity(item: Mapping[str, Any], known: Mapping[str, Any] | None) -> list[Signal]:
    name, about = _who(item), item["subject"]
    if known is None or not known["isRegistered"]:
        return [
            Signal(
                "NHI_NO_OWNER",
                ACK,
                "identities",
                f"{name} is not registered here: nobody answers for it.",
                f"{name} may act although nobody answers for it",
                about,
            )
        ]
    found = []
    if known["kind"] == "person":
        found.append(
            Signal(
                "NHI_HUMAN_USE",
                ACK,
                "identities",
                f"{name} is a person, and acts here as a program.",
                f"{name}’s own account may act as a program",
                about,
            )
        )
    elif not known["owner"]:
        found.append(
            Signal(
                "NHI_NO_OWNER",
                ACK,
                "identities",
                f"{name} has no active owner: nobody answers for what it does.",
                f"{name} may act although nobody answers for it",
                about,
            )
        )
    if known["status"] != "active":
        found.append(
            Signal(
                "NHI_NOT_ACTIVE",
                ACK,
                "identities",
                f"{name} is {known['status']} here.",
                f"{name} may act although it is {known['status']}",
                about,
            )
        )
    elif known["lastSeenDays"] is not None and known["lastSeenDays"] > DORMANT_DAYS:
        found.append(
            Signal(
                "NHI_DORMANT_REVIVED",
                ACK,
                "identities",
                f"{name} acts again; evidence of it was last verified here {known['lastSeenDays']:,} days ago.",
                f"{name} may act again",
                about,
            )
        )
    return found


def compare_secrets(before: Picture | None, now: Picture) -> Said:
    """Secrets by path: new ones, wider access, and long-lived ones. Never a value."""
    named = now["secrets"]
    if named is None:
        return unknown("secrets", "No verified evidence names the secrets it reads."), []
    new = {item["path"]: item for item in _widest(named["listed"])}
    has_before = before is not None and before["secrets"] is not None
    old = {item["path"]: item for item in _widest(((before or {}).get("secrets") or {"listed": []})["listed"])}
    both = sorted(new.keys() & old.keys())
    came, gone = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    wider = [path for path in both if new[path]["access"] == "write" and old[path]["access"] == "read"]
    slower = [path for path in both if _lives(new[path]) > _lives(old[path])]
    signals = cut_short("secrets", named, "secret", "secrets")
    signals += _secret_signals(new, came, wider, slower) if has_before else []
    changes = [Change(ADDED, _secret_words(new[path])) for path in came]
    changes += [
        Change(OTHER, f"{path}: {old[path]['access']} → {new[path]['access']}")
        for path in both
        if new[path]["access"] != old[path]["access"]
    ]
    changes += [Change(OTHER, f"{path}: {_how_often(old[path])} → {_how_often(new[path])}") for path in slower]
    changes += [Change(REMOVED, _secret_words(old[path])) for path in gone]
    if not has_before:
        words = f"{series([_secret_words(item) for item in new.values()]) or 'None'}."
        return Area("secrets", NEW, NOTICE if new else NONE, counted(len(new), "path"), words, changes), signals
    if not changes:
        words = f"{counted(len(new), 'path')}, with the same access." if new else "None, as before."
        return same("secrets", words) if not signals else Area("secrets", CHANGED, HIGH, "Not all shown", words), signals
    severity = HIGH if any(signal.level == ACK for signal in signals) else MEDIUM if came else NOTICE
    marks = " ".join(filter(None, [f"+{len(came):,}" if came else "", f"−{len(gone):,}" if gone else ""]))
    counts = [f"{marks} {either(len(came) + len(gone), 'path', 'paths')}" if marks else "", f"{len(wider):,} wider" if wider else ""]
    others = [each.words for each in changes if each.change == OTHER]
    told = [("New", [_secret_words(new[path]) for path in came]), ("Wider", [f"{path}: read → write" for path in wider])]
    told += [("Changed", [words for words in others if words not in told[1][1]]), ("Gone", gone)]
    return Area("secrets", CHANGED, severity, " · ".join(filter(None, counts)) or "Changed", grouped(*told), changes), signals


def _secret_signals(new: Mapping[str, Mapping[str, Any]], came: Sequence[str], wider: Sequence[str], slower: Sequence[str]) -> list[Signal]:
    signals = []
    for path in came:
        writes = new[path]["access"] == "write"
        words = f"{'Writes' if writes else 'Reads'} {path}, which the last release did not."
        signals.append(Signal("SEC_NEW_PATH", ACK if writes else NOTE, "secrets", words, f"It may write {path}" if writes else "", path))
    for path in wider:
        words = f"May now write {path}, which the last release could only read."
        signals.append(Signal("SEC_WIDER_ACCESS", ACK, "secrets", words, f"It may write {path}", path))
    if long := [path for path in sorted([*came, *slower]) if _lives(new[path]) > LONG_DAYS]:
        words = f"{listed(long)} {either(len(long), 'is', 'are')} changed less often than every {LONG_DAYS} days, or nobody says how often."
        signals.append(Signal("NHI_LONG_LIVED_SECRET", NOTE, "secrets", words, about=long[0]))
    return signals


def compare_policy(before: Picture | None, now: Picture, context: Context) -> Said:
    """The policy in force then and now, rule by rule, what gates do with its no, and what is expected; what is loosened is a signal."""
    named, weighed = now["policy"], context.get("policy")
    words = f"{named['id']} {named['version']}"
    if before is None:
        return Area("policy", NEW, NONE, "New", f"Decided by {words}."), []
    if before["policy"]["digest"] == named["digest"] and not weighed:
        return same("policy", f"{words}, as before."), []
    differences = (weighed or {}).get("differences")
    was = f"{before['policy']['id']} {before['policy']['version']}"
    if differences is None:
        signal = Signal(
            "POL_LOOSENED",
            ACK,
            "policy",
            f"The policy is another one ({was} → {words}), and how they differ cannot be told.",
            "It may be decided by this policy",
            named["id"],
        )
        return Area("policy", CHANGED, HIGH, "Changed", f"{was} → {words}.", ()), [signal]
    loosened = [item for item in differences if item["loosens"]]
    signals = [_loosened(loosened, weighed["by"])] if weighed and loosened else []
    changes = [Change(OTHER, item["words"]) for item in differences]
    severity = HIGH if loosened else NOTICE
    told = (
        f"{was} → {words}."
        if before["policy"]["digest"] != named["digest"]
        else f"{words}, as before; what gates do with its no, or what is expected of evidence, is not."
    )
    return Area("policy", CHANGED, severity, f"{len(loosened)} loosened" if loosened else "Changed", told, changes), signals


def _loosened(loosened: Sequence[Mapping[str, Any]], by: Sequence[str]) -> Signal:
    """Return the signal for what is loosened: the first of it, and how much more there is."""
    first = loosened[0]
    more = f", and {counted(len(loosened) - 1, 'more change')}" if len(loosened) > 1 else ""
    # Of a change that is only told, nobody knows where it leads.
    heading = "Perhaps loosened" if first.get("change") == "changed" else "Loosened"
    said = first["words"].removesuffix(": loosened").removesuffix(": changed")
    # They put the policy into force; who changed a mode or the expectations is told elsewhere.
    who = f" {listed(by)} put the policy into force." if by else ""
    return Signal("POL_LOOSENED", ACK, "policy", f"{heading}: {said}{more}.{who}", f"The policy may be so: {said}{more}", first["words"])


def compare_plan(before: Picture | None, now: Picture, context: Context) -> Said:
    """What the rollout creates, updates and destroys."""
    plan = now["plan"]
    if plan is None:
        return unknown("plan", "No verified evidence says what the rollout creates, updates or destroys."), []
    token = (
        " · ".join(
            f"{plan[name]:,} {word}" for name, word in (("create", "new"), ("update", "changed"), ("destroy", "destroyed")) if plan[name]
        )
        or "Nothing"
    )
    if not any(plan[name] for name in ("create", "update", "destroy")):
        return same("plan", "The plan creates, updates and destroys nothing.", mark="Nothing"), []
    signals = [_destroys(plan, ACK if context.get("tier") == 3 else NOTE)] if plan["destroy"] else []
    changes = [Change(REMOVED, name) for name in plan["destroyed"]]
    severity = HIGH if plan["destroy"] and context.get("tier") == 3 else MEDIUM if plan["destroy"] else NOTICE
    return Area(
        "plan", CHANGED, severity, token, f"Creates {plan['create']:,}, updates {plan['update']:,}, destroys {plan['destroy']:,}.", changes
    ), signals


def _destroys(plan: Mapping[str, Any], level: str) -> Signal:
    count, shown = plan["destroy"], plan["destroyed"][:3]
    left = count - len(shown)
    if not shown:
        words, agree = (
            f"The plan destroys {counted(count, 'thing')} and does not name {either(count, 'it', 'them')}.",
            f"{counted(count, 'thing')} that the plan does not name may be destroyed",
        )
    else:
        # What is counted and not named is told as well.
        unnamed = " that it does not name" if left and len(plan["destroyed"]) <= len(shown) else ""
        names = f"{', '.join(shown)} and {left:,} more{unnamed}" if left else listed(shown)
        words, agree = f"The plan destroys {counted(count, 'thing')}: {names}.", f"{names} may be destroyed"
    return Signal("PLN_DESTROYS", level, "plan", words, agree, listed(plan["destroyed"]) or "it does not say what")


def path_signals(context: Context) -> list[Signal]:
    """What observers found on the way that contradicts: a tag that moved, a registry that serves something else."""
    found = []
    for item in context.get("path") or []:
        if item["code"] == "retagged":
            found.append(Signal("ART_RETAGGED", BLOCK, "artifact", item["sentence"], about=item["code"]))
        else:
            # It may be what was there before, and be replaced when this is rolled out; gates look again.
            agree = "It may go, although something else is kept under its name now"
            found.append(Signal("ART_DOWNSTREAM_DIFF", ACK, "artifact", item["sentence"], agree, item["code"]))
    return found


def request_signals(context: Context) -> list[Signal]:
    """What is remarkable about how it was asked."""
    burst = context.get("burst")
    if not burst:
        return []
    return [Signal("REQ_BURST", NOTE, "request", f"{burst['count']:,} requests from {burst['by']} in the last hour.", about=burst["by"])]


def _lives(secret: Mapping[str, Any]) -> float:
    """Return after how many days a secret is changed; what is never changed lives for ever."""
    return inf if secret["rotationDays"] is None else float(secret["rotationDays"])


def _widest(secrets: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(secrets, key=lambda item: item["access"] == "write")


def _identity_words(item: Mapping[str, Any]) -> str:
    return f"{_who(item)}{_in_step(item)} can {_can(item['scopes'])}"


def _secret_words(item: Mapping[str, Any]) -> str:
    return f"{item['path']} ({item['access']}, {_how_often(item)})"


def _how_often(secret: Mapping[str, Any]) -> str:
    days = secret["rotationDays"]
    if days is None:
        return "not said how often it is changed"
    return "changed every day" if days == 1 else f"changed every {days:,} days"
