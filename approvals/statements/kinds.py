"""What comes of a statement, by its type: each part that knows one registers it here when the application starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from approvals.models import SignedStatement, StatementCeremony
from proofs.approval.person_statement import PersonStatement
from proofs.errors import NotFound


@dataclass(frozen=True)
class StatementKind:
    """What a part does with the statements of one type.

    `lock` takes the rows that the act needs, requests first, before the ceremony is held. `refuse` asks again all that was asked when the
    statement was offered, and refuses with its code. `keep` writes what comes of it, in the transaction of the signature. `page` is the
    address where the person reads what came of it.
    """

    lock: Callable[[StatementCeremony, datetime], None]
    refuse: Callable[[StatementCeremony, PersonStatement, datetime], None]
    keep: Callable[[SignedStatement, PersonStatement, datetime], None]
    page: Callable[[StatementCeremony], str]
    minimum_level: str = "H2"


_KINDS: dict[str, StatementKind] = {}


def keep_statements_of(type_: str, kind: StatementKind) -> None:
    """Handle every statement of `type_` as `kind` says. The same again changes nothing."""
    if _KINDS.setdefault(type_, kind) is not kind:
        raise RuntimeError(f"statements of type {type_} are handled already")


def kind_of(type_: str) -> StatementKind:
    """Return what is done with statements of `type_`. Refuses with `statement.unknown_kind`."""
    if type_ not in _KINDS:
        raise NotFound("statement.unknown_kind", f"got a statement of type {type_[:80]!r}, expected one that this portal acts on")
    return _KINDS[type_]
