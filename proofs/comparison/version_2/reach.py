"""What two releases can reach, in the words of version 2: identities and what they may do, secrets, the plan, the policy, and what an agent or a rotation asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any

from proofs.comparison.compare_reach import DORMANT_DAYS, LONG_DAYS, reaches_far, scopes_by_reach
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
    listed,
    same,
    unknown,
)

Context = Mapping[str, Any]


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
        words = f"{listed([_identity_words(item) for item in _furthest_first(new.values())]) or 'None'}."
        return Area("identities", NEW, severity, told, words, changes), signals
    if not changes:
        words = f"{listed([item['name'] for item in new.values()]) or 'None'}, with the same scopes."
        return Area("identities", "same", severity, "No change", words), signals
    counts = [f"New: {len(came)}" if came else "", f"wider: {len(grown)}" if grown else ""]
    token = " · ".join(filter(None, counts)) or counted(len(changes), "change")
    return Area("identities", CHANGED, severity, token, f"{listed([change.words for change in changes])}.", changes), signals


def _identity_changes(came: Sequence[Mapping[str, Any]], old: Mapping[Any, Any], new: Mapping[Any, Any]) -> list[Change]:
    """Return each change with every scope that came or went, however many: what a sentence cuts short stands here whole."""
    changes = [Change(ADDED, words) for item in came for words in _whole(f"{_who(item)}{_in_step(item)} can ", item["scopes"])]
    for key in sorted(new.keys() & old.keys()):
        was, now = set(old[key]["scopes"]), set(new[key]["scopes"])
        changes += [Change(ADDED, words) for words in _whole(f"{_who(new[key])} can now ", sorted(now - was)) if now - was]
        changes += [Change(REMOVED, words) for words in _whole(f"{_who(new[key])} can no longer ", sorted(was - now)) if was - now]
    return changes + [Change(REMOVED, _identity_words(old[key])) for key in sorted(old.keys() - new.keys())]


def _whole(begin: str, scopes: Sequence[str]) -> list[str]:
    """Return sentences that begin so and name all scopes, each short enough to be shown whole."""
    lines, line = [], ""
    for scope in scopes_by_reach(scopes) or ["do what nobody names"]:
        # A scope that is longer than a line is cut there, and its beginning says what it is about.
        if line and len(begin) + len(line) + len(scope) + 2 > MAX_WORDS:
            lines.append(begin + line)
            line = ""
        line = f"{line}, {scope}" if line else scope
    return [*lines, begin + line]


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
    words = (
        f"{counted(left, one, many)} in the deployment statement cannot be read, or {'is' if left == 1 else 'are'} too many to be shown."
    )
    return [Signal("EVID_UNVERIFIABLE", ACK, area, words, f"It may go out with {counted(left, one, many)} that nobody was shown", area)]


def _new_identity(item: Mapping[str, Any]) -> Signal:
    can = listed(scopes_by_reach(item["scopes"]))
    words = f"{_who(item)} acts{_in_step(item)} for the first time; it can {can or 'do what nobody names'}."
    return Signal("NHI_NEW_IDENTITY", ACK, "identities", words, f"{_who(item)} may {can or 'act'}", item["subject"])


def _grown(item: Mapping[str, Any], scopes: Sequence[str]) -> Signal:
    can = listed(scopes_by_reach(scopes))
    words = f"{_who(item)} may now {can}, which it could not before."
    return Signal("NHI_SCOPE_GROWN", ACK, "identities", words, f"{_who(item)} may {can}", item["subject"])


def _about_identity(item: Mapping[str, Any], known: Mapping[str, Any] | None) -> list[Signal]:
    name, about = _who(item), item["subject"]
    if known is None or not known["isRegistered"]:
        return [
            Signal(
                "NHI_NO_OWNER",
                ACK,
                "identities",
                f"{name} is in no register: nobody answers for it.",
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
                f"{name} has no owner: nobody answers for what it does.",
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
                f"{name} acts again after {known['lastSeenDays']:,} days.",
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
    came = sorted(new.keys() - old.keys())
    wider = [path for path in sorted(new.keys() & old.keys()) if new[path]["access"] == "write" and old[path]["access"] == "read"]
    signals = cut_short("secrets", named, "secret", "secrets")
    for path in came if has_before else []:
        writes = new[path]["access"] == "write"
        words = f"{'Writes' if writes else 'Reads'} {path} for the first time."
        signals.append(Signal("SEC_NEW_PATH", ACK if writes else NOTE, "secrets", words, f"It may write {path}" if writes else "", path))
    signals += [
        Signal("SEC_WIDER_ACCESS", ACK, "secrets", f"May now write {path}, which it could only read.", f"It may write {path}", path)
        for path in wider
    ]
    slower = [path for path in sorted(new.keys() & old.keys()) if _lives(new[path]) > _lives(old[path])]
    long = [path for path in sorted([*came, *slower]) if _lives(new[path]) > LONG_DAYS]
    if long and has_before:
        signals.append(
            Signal(
                "NHI_LONG_LIVED_SECRET",
                NOTE,
                "secrets",
                f"{listed(long)} is changed less often than every {LONG_DAYS} days, or never.",
                about=long[0],
            )
        )
    changes = [Change(ADDED, _secret_words(new[path])) for path in came]
    changes += [
        Change(OTHER, f"{path}: {old[path]['access']} → {new[path]['access']}")
        for path in sorted(new.keys() & old.keys())
        if new[path]["access"] != old[path]["access"]
    ]
    changes += [Change(OTHER, f"{_secret_words(old[path])} → {_secret_words(new[path])}") for path in slower if path not in wider]
    changes += [Change(REMOVED, _secret_words(old[path])) for path in sorted(old.keys() - new.keys())]
    if not has_before:
        return Area(
            "secrets",
            NEW,
            NOTICE if new else NONE,
            counted(len(new), "path"),
            f"{listed([_secret_words(item) for item in new.values()]) or 'None'}.",
            changes,
        ), signals
    if not changes:
        words = f"{counted(len(new), 'path')}, with the same access."
        return same("secrets", words) if not signals else Area("secrets", CHANGED, HIGH, "Not all shown", words), signals
    severity = HIGH if any(signal.level == ACK for signal in signals) else MEDIUM if came else NOTICE
    gone = len(old.keys() - new.keys())
    token = " ".join(filter(None, [f"+{counted(len(came), 'path')}" if came else "", f"−{gone}" if gone else ""])) or "Changed"
    return Area("secrets", CHANGED, severity, token, f"{listed([change.words for change in changes])}.", changes), signals


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
    by = listed(weighed["by"]) if weighed and weighed["by"] else ""
    signals = [
        Signal(
            "POL_LOOSENED",
            ACK,
            "policy",
            f"Loosened{' by ' + by if by else ''}: {item['words']}.",
            f"The policy may be so: {item['words']}",
            item["words"],
        )
        for item in loosened[:1]
    ]
    if len(loosened) > 1:
        more = counted(len(loosened) - 1, "more rule")
        first = signals[0]
        signals = [Signal(first.id, ACK, "policy", f"{first.sentence[:-1]}, and {more}.", first.agree, first.about)]
    changes = [Change(OTHER, item["words"]) for item in differences]
    severity = HIGH if loosened else NOTICE
    told = f"{was} → {words}." if before["policy"]["digest"] != named["digest"] else f"{words}, as before, and not what goes with it."
    return Area("policy", CHANGED, severity, f"{len(loosened)} loosened" if loosened else "Changed", told, changes), signals


def compare_plan(before: Picture | None, now: Picture, context: Context) -> Said:
    """What the rollout creates, updates and destroys."""
    plan = now["plan"]
    if plan is None:
        return unknown("plan", "No verified evidence says what the rollout creates, updates or destroys."), []
    token = (
        " · ".join(
            f"{plan[name]} {word}" for name, word in (("create", "new"), ("update", "changed"), ("destroy", "destroyed")) if plan[name]
        )
        or "Nothing"
    )
    if not any(plan[name] for name in ("create", "update", "destroy")):
        return same("plan", "The plan creates, updates and destroys nothing.", mark="Nothing"), []
    signals = []
    if plan["destroy"]:
        names = listed(plan["destroyed"]) or "it does not say what"
        level = ACK if context.get("tier") == 3 else NOTE
        signals.append(
            Signal(
                "PLN_DESTROYS",
                level,
                "plan",
                f"The plan destroys {counted(plan['destroy'], 'thing')}: {names}.",
                f"{names} may be destroyed",
                names,
            )
        )
    changes = [Change(REMOVED, name) for name in plan["destroyed"]]
    severity = HIGH if plan["destroy"] and context.get("tier") == 3 else MEDIUM if plan["destroy"] else NOTICE
    return Area(
        "plan", CHANGED, severity, token, f"Creates {plan['create']}, updates {plan['update']}, destroys {plan['destroy']}.", changes
    ), signals


def compare_agent(before: Picture | None, now: Picture, context: Context) -> Said | None:
    """What an agent asks for, held against what it was allowed before; None where it is no agent's action."""
    subject = now["subject"] or {}
    tool = subject.get("tool")
    if not isinstance(tool, str):
        return None
    agent, target = str((subject.get("agent") or {}).get("subject", "an agent")), str(subject.get("target", ""))
    denied = [item for item in context.get("denied") or [] if item["tool"] == tool]
    tools = context.get("tools") or []
    signals = []
    # Where nothing was ever approved everything is new, and the page says so once.
    if (tools or before is not None) and tool not in tools:
        words = f"{agent} asks for {tool} for the first time here."
        signals.append(Signal("AGT_NEW_TOOL", ACK, "agent", words, f"{agent} may use {tool} on {target}", tool))
    same_target = [item for item in denied if item["target"] == target]
    if same_target:
        words = f"{agent} was refused {tool} on {target} {counted(len(same_target), 'time')} before, and asks again."
        signals.append(
            Signal(
                "AGT_DENIED_RETRY", ACK, "agent", words, f"It may be allowed now, although it was refused before ({tool} on {target})", tool
            )
        )
    old = (before or {}).get("subject") or {}
    if old.get("plan") and subject.get("plan") and old["plan"] != subject["plan"]:
        signals.append(Signal("AGT_PLAN_DRIFT", NOTE, "agent", "The action belongs to another plan than the one that was approved last."))
    known = listed(sorted(tools)) or "none"
    area = Area(
        "agent",
        NEW if before is None else CHANGED,
        HIGH if signals else NOTICE,
        tool,
        f"{tool} on {target}. Tools it was allowed here: {known}.",
    )
    return area, signals


def compare_rotation(before: Picture | None, now: Picture) -> Said | None:
    """Who starts a rotation and which program carries it out; None where it is none."""
    subject = now["subject"] or {}
    if "initiator" not in subject or "executor" not in subject or "what" not in subject:
        return None
    executor, initiator = (_party(subject[name]) for name in ("executor", "initiator"))
    old = (before or {}).get("subject") or {}
    was = _party(old["executor"]) if old.get("executor") else None
    # The same name at another issuer is somebody else, and is then told with it.
    ours, theirs, starter = _told_apart([executor, was or executor, initiator])
    signals = []
    if was is not None and was != executor:
        words = f"Started by {starter}, carried out by {ours}; last time by {theirs}."
        signals.append(Signal("ROT_EXECUTOR_CHANGED", ACK, "rotation", words, f"{ours} may carry it out in place of {theirs}", executor[1]))
    if initiator == executor:
        words = f"{ours} started it and carries it out: no person asked for it."
        signals.append(Signal("ROT_NO_INITIATOR", ACK, "rotation", words, "It may be done although no person asked for it", executor[1]))
    sentence = f"Started by {starter}, carried out by {ours}."
    if before is not None and not signals:
        return same("rotation", f"{sentence[:-1]}, as before."), []
    token = "Executor changed" if was is not None and was != executor else "New" if before is None else "Changed"
    return Area("rotation", NEW if before is None else CHANGED, HIGH if signals else NONE, token, sentence), signals


def _party(named: Mapping[str, Any]) -> tuple[str, str]:
    return str(named.get("issuer", "")), str(named.get("subject", ""))


def _told_apart(parties: Sequence[tuple[str, str]]) -> list[str]:
    """Return what each is called: by its subject, and with its issuer where another one has the same subject."""
    return [
        f"{subject} at {issuer}" if any(other != (issuer, subject) and other[1] == subject for other in parties) else subject
        for issuer, subject in parties
    ]


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
    return f"{_who(item)}{_in_step(item)} can {listed(scopes_by_reach(item['scopes'])) or 'do what nobody names'}"


def _secret_words(item: Mapping[str, Any]) -> str:
    days = item["rotationDays"]
    return f"{item['path']} ({item['access']}{f', changed every {days} days' if days else ', never changed'})"
