"""What a request is about, in words: the subject document as a table of plain texts, from the frozen snapshot and nothing else. Pure.

Every text in it was written by whoever asked; the page marks it so. Nothing is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What each kind of request is called in a heading and asks in a sentence.
KINDS: dict[str, tuple[str, str]] = {
    "release": ("Release", "May these artifacts go there?"),
    "promotion": ("Promotion", "May these artifacts go on from there to here?"),
    "agent-action": ("Action of an agent", "May this agent do exactly this, once?"),
    "rotation": ("Rotation of keys", "May these keys take the place of those?"),
    "policy-change": ("Change of the policy", "Shall this policy count there?"),
    "exception": ("Exception", "May this rule be left unmet for a while?"),
    "break-glass-review": ("Review of a break-glass", "Was it right to go past the policy?"),
}
# A change of the policy that is one of the project's expectations.
EXPECTATIONS = ("Change of the expectations", "Shall such evidence count for this project, and no other?")
LABELS = {
    "tool": "Tool",
    "target": "On what",
    "plan": "Plan, by its digest",
    "agent": "Agent",
    "executor": "Carried out by",
    "arguments": "Arguments",
    "what": "What is rotated",
    "initiator": "Started by",
    "oldKeys": "Old keys",
    "newKeys": "New keys",
    "reason": "Reason given",
    "declarer": "Who broke the glass",
    "incident": "Incident",
    "maxUses": "May be used so many times",
    "until": "Until",
    "reviewBy": "To be reviewed by",
    "statement": "Signed statement, by its digest",
}


@dataclass(frozen=True)
class SubjectRow:
    """One line of the table: what it is called, and its values as texts."""

    name: str
    values: tuple[str, ...]


def describe_subject(subject: Mapping[str, Any]) -> list[SubjectRow]:
    """Return the lines for a subject document, in the order of `LABELS`, then what has no label of its own; empty values are left out."""
    names = [*(name for name in LABELS if name in subject), *(name for name in subject if name not in LABELS and name != "schema")]
    rows = []
    for name in names:
        value = subject[name]
        if name == "arguments":
            rows += [SubjectRow(f"Argument {key}", _texts(item) or ("(empty)",)) for key, item in value.items()]
        elif texts := _texts(value):
            rows.append(SubjectRow(LABELS.get(name, name), texts))
    return rows


def _texts(value: Any) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    if isinstance(value, Mapping):
        if set(value) == {"issuer", "subject"}:
            return (f"{value['subject']} at {value['issuer']}",)
        return tuple(f"{name}: {text}" for name, item in value.items() for text in _texts(item))
    if isinstance(value, list):
        return tuple(text for item in value for text in _texts(item))
    return (str(value),)
