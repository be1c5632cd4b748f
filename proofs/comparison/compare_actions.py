"""What an agent or a rotation asks for: the tool and its target, or who starts it and who carries it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofs.comparison.compare_reach import Context
from proofs.comparison.compare_source import Picture, Said
from proofs.comparison.said import ACK, CHANGED, HIGH, NEW, NONE, NOTE, NOTICE, Area, Signal, either, listed, same


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
        words = f"{agent} asks for {tool}, which was not approved for it here before."
        signals.append(Signal("AGT_NEW_TOOL", ACK, "agent", words, f"{agent} may use {_use(tool, target)}", tool))
    same_target = [item for item in denied if item["target"] == target]
    if same_target:
        often = either(len(same_target), "once", f"{len(same_target):,} times")
        words = f"{agent} was refused {_use(tool, target)} {often} in the last seven days, and asks again."
        signals.append(
            Signal(
                "AGT_DENIED_RETRY",
                ACK,
                "agent",
                words,
                f"It may be allowed now, although it was refused before ({_use(tool, target)})",
                tool,
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
        f"{_use(tool, target)}. Tools it was allowed here: {known}.",
    )
    return area, signals


def _use(tool: str, target: str) -> str:
    return f"{tool} on {target}" if target else tool


def compare_rotation(before: Picture | None, now: Picture, context: Context) -> Said | None:
    """Who starts a rotation and which program carries it out; None where it is none."""
    subject = now["subject"] or {}
    if "initiator" not in subject or "executor" not in subject or "what" not in subject:
        return None
    executor, initiator = (_party(subject[name]) for name in ("executor", "initiator"))
    old = (before or {}).get("subject") or {}
    was = _party(old["executor"]) if old.get("executor") else None
    # The same name at another issuer is somebody else, and is then told with it.
    ours, theirs, starter = _told_apart([executor, was or executor, initiator], context.get("parties") or [])
    signals = []
    if was is not None and was != executor:
        words = f"Started by {starter}, carried out by {ours}; last time by {theirs}."
        signals.append(Signal("ROT_EXECUTOR_CHANGED", ACK, "rotation", words, f"{ours} may carry it out in place of {theirs}", executor[1]))
    if initiator == executor:
        words = f"{ours} started it and carries it out: no person asked for it."
        signals.append(Signal("ROT_NO_INITIATOR", ACK, "rotation", words, "It may be done although no person asked for it", executor[1]))
    sentence = f"Started by {starter}, carried out by {ours}."
    if before is not None and not signals:
        # Only the executor is compared: who starts it may be another person each time.
        is_starter_same = old.get("initiator") and _party(old["initiator"]) == initiator
        return same("rotation", f"Started by {starter}{',' if is_starter_same else ';'} carried out by {ours}, as before."), []
    token = "Executor changed" if was is not None and was != executor else "New" if before is None else "Changed"
    return Area("rotation", NEW if before is None else CHANGED, HIGH if signals else NONE, token, sentence), signals


def _party(named: Mapping[str, Any]) -> tuple[str, str]:
    return str(named.get("issuer", "")), str(named.get("subject", ""))


def _told_apart(parties: Sequence[tuple[str, str]], registered: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what each is called: as it is registered here, else by its subject; with its issuer where another one is called the same."""
    names = {(item["issuer"], item["subject"]): str(item["name"]) for item in registered}
    called = [names.get(party) or party[1] for party in parties]
    told = []
    for name, (issuer, subject) in zip(called, parties, strict=True):
        is_shared = any(other == name and party != (issuer, subject) for other, party in zip(called, parties, strict=True))
        whole = f"{subject} at {issuer}"
        told.append(name if not is_shared else whole if name == subject else f"{name} ({whole})")
    return told
