"""The deployment predicate, `urn:countersign:deployment:v1`: what a release brings along when it is rolled out.

It names the commits it holds since another one, the identities that act for it and what each may do, the secrets it reads by path (never by
value), and what the plan creates, updates and destroys. No common predicate says these things. Read leniently: what is not there is None,
so that nobody takes silence for "nothing"; what cannot be read in a list, or is too much, is counted.
"""

from __future__ import annotations

from typing import Any

from proofs.canonical import MAX_INTEGER
from proofs.predicates.reading import at, items, text, texts
from proofs.statement import is_plain_text

DEPLOYMENT_TYPE = "urn:countersign:deployment:v1"
MAX_COMMITS = 1000
MAX_NAMED = 200
MAX_PATHS = 2_000
MAX_SCOPES = 200
# Longer ones would push what they may do out of a sentence.
MAX_WORDS = 100
_ACCESS = ("read", "write")


def read_deployment(predicate: dict[str, Any]) -> dict[str, Any]:
    """Return `{"since", "commits", "identities", "secrets", "changes"}`, each None where the predicate does not have it."""
    return {
        "since": text(predicate, "since"),
        "commits": _list_of(predicate, "commits", _commit, MAX_COMMITS),
        "identities": _list_of(predicate, "identities", _identity, MAX_NAMED),
        "secrets": _list_of(predicate, "secrets", _secret, MAX_NAMED),
        "changes": _changes(at(predicate, "changes")),
    }


def _list_of(predicate: dict[str, Any], name: str, read: Any, most: int) -> dict[str, Any] | None:
    listed = at(predicate, name)
    if not isinstance(listed, list):
        return None
    found = [item for item in map(read, listed[:most]) if item is not None]
    return {"listed": found, "unreadable": len(listed) - len(found)}


def _commit(value: Any) -> dict[str, Any] | None:
    commit, author = text(value, "id"), text(value, "author")
    if commit is None:
        return None
    # Whoever wrote it is no second person.
    reviewers = [name for name in texts(value, "reviewedBy") if name != author]
    return {
        "id": commit[:64],
        "author": author or "",
        "isReviewed": bool(reviewers),
        "isSigned": at(value, "signed") is True,
        "paths": _all_texts(value, "paths", MAX_PATHS),
    }


def _identity(value: Any) -> dict[str, Any] | None:
    issuer, subject = text(value, "issuer"), text(value, "subject")
    if issuer is None or subject is None:
        return None
    return {
        "issuer": issuer,
        "subject": subject,
        "name": _short(text(value, "name") or subject),
        "step": _short(text(value, "step") or ""),
        "scopes": _all_texts(value, "scopes", MAX_SCOPES),
    }


def _secret(value: Any) -> dict[str, Any] | None:
    path, access = text(value, "path"), text(value, "access")
    if path is None:
        return None
    # An access that cannot be read is taken for the wider one.
    return {"path": path, "access": access if access in _ACCESS else "write", "rotationDays": _count(at(value, "rotationDays"))}


def _changes(value: Any) -> dict[str, Any] | None:
    counts = {name: _count(at(value, name)) for name in ("create", "update", "destroy")}
    if not isinstance(value, dict) or None in counts.values():
        return None
    destroyed = texts(value, "destroyed")
    # Whoever names more than they count destroys what they name.
    return {**counts, "destroy": max(counts["destroy"] or 0, len(items(value, "destroyed"))), "destroyed": destroyed}


def _all_texts(value: Any, name: str, most: int) -> list[str]:
    """Return the texts of a list, sorted, each once; what cannot be read in it, or is too much, is one more that says so."""
    written = items(value, name)
    found = sorted({item for item in written if is_plain_text(item) and item})[:most]
    left = len({item if isinstance(item, str) else str(item) for item in written}) - len(found)
    return [*found, f"{left} more that cannot be read"] if left else found


def _short(words: str) -> str:
    return words if len(words) <= MAX_WORDS else f"{words[: MAX_WORDS // 2]}…{words[-MAX_WORDS // 2 :]}"


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= MAX_INTEGER else None
