"""Stories are acted once and then told again: what a maker did from the same beginning, with the same words, is put back row by row.

Most tests begin with the same acts (a policy in force, evidence sent, a request asked for), and acting them took most of the suite's
time. `@retold` on a maker keeps, for each beginning and each call, the rows it wrote, the portal's files, what it returned and what it
did to what it was given. The next test of the same process that calls it from the same beginning gets exactly that.

A beginning is the empty database, or where a told step led. Whatever else writes ends the telling for that test, and its makers act:
a statement that is not a maker's, a setting or an attribute bent by the test, words that cannot be compared, a moment of today's clock.
`COUNTERSIGN_TEST_ACT=1` acts always. `tests/house/test_retell.py` holds what is told against what is acted.
"""

from __future__ import annotations

import functools
import itertools
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast
from weakref import WeakSet

import pytest
from django.conf import UserSettingsHolder, settings
from django.db import connection

from ledger.rehearse import is_rehearsed
from tests.asked import ASKED, Places
from tests.kept_rows import Change, Tables, count_rows, difference, put_back, read_rows, table_names
from tests.kept_words import Kept, Unspoken, assume, keep, spell, unpack

Given = ParamSpec("Given")
Returned = TypeVar("Returned")

ALWAYS_ACT = os.environ.get("COUNTERSIGN_TEST_ACT") == "1"
MAX_STEPS = 600
# Moments so near are the clock's: another test will not have the same.
TODAY = timedelta(days=2)
FILES = ("RECORDER_KEY_FILE", "LOG_KEY_FILE", "LOG_VKEY_FILE", "LOG_STATE_FILE")
WRITTEN = re.compile(r'\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|UPDATE|DELETE\s+FROM)\s+"?(\w+)"?', re.IGNORECASE)
READS = re.compile(
    r"\s*(?:(?:BEGIN|SELECT|SAVEPOINT|RELEASE|PRAGMA|EXPLAIN|SET CONSTRAINTS)\b|WITH\b(?!.*\b(?:INSERT|UPDATE|DELETE)\b))",
    re.IGNORECASE | re.DOTALL,
)
# An act may take back what it wrote; its tables are compared afterwards. Outside an act nobody knows what is taken back.
TAKEN_BACK = re.compile(r"\s*ROLLBACK TO\b", re.IGNORECASE)
# Beside every story: counters and cached values under a prefix of each test's own, and who is signed in where.
BESIDE = frozenset({"portal_cache", "django_session", "usersessions_usersession"})
SIGNED_IN = re.compile(r'UPDATE "identities_user" SET "last_login" = %s WHERE ')


@dataclass(frozen=True)
class Step:
    """What one call did: the beginning it led to, and how to get there without acting."""

    leads_to: int
    tables: Tables
    changes: list[Change]
    kept: Kept
    files: dict[str, bytes | None]
    # The places of the portal's code that asked the database in the act.
    places: Places


@dataclass
class Teller:
    """Where the running test's story stands. `at` is None once something else has written, or before anybody asked."""

    steps: OrderedDict[tuple[Any, ...], Step] = field(default_factory=OrderedDict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    test: pytest.Item | None = None
    asked: bool = False
    at: int | None = None
    tables: Tables = field(default_factory=dict)
    # Of the act that is being kept: the tables it writes, in their order. None while nothing is kept.
    touched: dict[str, None] | None = None
    empty: tuple[Tables, tuple[int, ...]] | None = None
    # Makers' own memories, for example which passkey became which key.
    memories: list[dict[Any, Any]] = field(default_factory=list)

    def begin(self, test: pytest.Item | None) -> None:
        """Begin a test, of which nothing is known yet."""
        self.test, self.asked, self.at, self.touched = test, False, None, None

    def watch(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """See each statement of the tests' connection pass by."""
        if not READS.match(sql):
            written = WRITTEN.match(sql)
            if (
                (self.touched is not None and TAKEN_BACK.match(sql))
                or SIGNED_IN.match(sql)
                or (written and written[1] in BESIDE and (self.touched is None or written[1] == "portal_cache"))
            ):
                pass
            elif self.touched is None or written is None or written[1] in BESIDE:
                self.asked, self.at, self.touched = True, None, None
            else:
                self.touched[written[1]] = None
        return execute(sql, params, many, context)

    def stands(self) -> bool:
        """Whether the story's beginning is known here."""
        if not self.asked and self.test is not None and self.empty is not None and connection.in_atomic_block:
            self.asked = True
            if count_rows(self.empty[0]) == self.empty[1]:
                self.at, self.tables = 0, self.empty[0]
        return self.at is not None

    def is_bent(self) -> bool:
        """Whether the test has bent something that the makers' acts may ask, or is within something that only looks."""
        bent = any(each._setattr or each._setitem for each in BENDERS)
        # Another thread has a connection of its own, which nobody watches.
        return bent or is_rehearsed() or threading.current_thread() is not threading.main_thread()


TELLER = Teller()
# Every one there is, of a fixture or of a `with`.
BENDERS: WeakSet[pytest.MonkeyPatch] = WeakSet()
_make_bender = pytest.MonkeyPatch.__init__


def _known(bender: pytest.MonkeyPatch) -> None:
    _make_bender(bender)
    BENDERS.add(bender)


pytest.MonkeyPatch.__init__ = _known  # type: ignore[assignment, method-assign]


def know_empty_database() -> None:
    """Remember what an empty database holds, and see everything that is written to it."""
    if ALWAYS_ACT:
        return
    tables: Tables = {name: read_rows(name) for name in table_names() if name not in BESIDE}
    TELLER.empty = tables, count_rows(tables)
    connection.execute_wrappers.append(TELLER.watch)


def remembers(memory: dict[Any, Any]) -> None:
    """Let what makers put into a dictionary of theirs be told as well."""
    TELLER.memories.append(memory)


def retold(maker: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """Act a maker once from each beginning with the same words; afterwards tell what it did."""

    @functools.wraps(maker)
    def told(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        if ALWAYS_ACT or TELLER.touched is not None or TELLER.is_bent() or not TELLER.stands():
            return maker(*args, **kwargs)
        try:
            key = (TELLER.at, maker.__module__, maker.__qualname__, spell((args, kwargs), _is_today), _surroundings())
        except Unspoken:
            return maker(*args, **kwargs)
        step = TELLER.steps.get(key)
        if step is None:
            return cast(Returned, _act(maker, args, kwargs, key))
        TELLER.steps.move_to_end(key)
        return cast(Returned, _tell(step, args, kwargs))

    return told


def _is_today(moment: datetime) -> bool:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return abs(datetime.now(UTC) - aware) < TODAY


def _surroundings() -> tuple[Any, ...]:
    """The settings that are bent, and the portal's files."""
    bent: list[tuple[str, str | None]] = []
    holder: Any = vars(settings)["_wrapped"]
    while isinstance(holder, UserSettingsHolder):
        bent += [(name, repr(value)) for name, value in vars(holder).items() if name.isupper() and name not in FILES]
        bent += [(name, None) for name in holder._deleted]
        holder = holder.default_settings
    if any(" at 0x" in (value or "") for _, value in bent):
        raise Unspoken("a setting that cannot be compared")
    return tuple(bent), tuple(_files().items())


def _files() -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for name in FILES:
        path = Path(getattr(settings, name))
        try:
            found[name] = path.read_bytes()
        except FileNotFoundError:
            found[name] = None
    return found


def _act(maker: Callable[..., Any], args: Any, kwargs: Any, key: tuple[Any, ...]) -> Any:
    before, words, files = TELLER.tables, key[3], _files()
    memories = [dict(memory) for memory in TELLER.memories]
    waiting = len(connection.run_on_commit)
    TELLER.touched = {}
    earlier, ASKED.now = ASKED.now, set()
    try:
        result = maker(*args, **kwargs)
    except BaseException:
        if TELLER.touched:
            TELLER.at = None
        TELLER.touched = None
        raise
    finally:
        places, ASKED.now = ASKED.now, earlier | ASKED.now
    touched, TELLER.touched = TELLER.touched, None
    if touched is None or len(connection.run_on_commit) > waiting:
        # Written in another way, or to be gone on with after a commit: that cannot be told.
        TELLER.at = None
        return result
    additions = [
        {name: value for name, value in memory.items() if known.get(name) is not value}
        for memory, known in zip(TELLER.memories, memories, strict=True)
    ]
    try:
        # What was given is kept only where the act did something to it.
        given = (args, kwargs) if spell((args, kwargs), _is_today) != words else None
        kept = keep((result, given, additions))
    except Unspoken:
        TELLER.at = TELLER.at if not touched else None
        return result
    after = {name: read_rows(name, before[name]) for name in touched}
    tables = {**before, **after}
    changes = [change for name in touched if (change := difference(name, before[name], after[name]))]
    now = _files()
    leads_to = next(TELLER.numbers) if changes or now != files or given is not None else cast(int, TELLER.at)
    step = Step(leads_to, tables, changes, kept, {name: now[name] for name in FILES if now[name] != files[name]}, places)
    TELLER.steps[key] = step
    while len(TELLER.steps) > MAX_STEPS:
        TELLER.steps.popitem(last=False)
    TELLER.at, TELLER.tables = step.leads_to, tables
    return result


def _tell(step: Step, args: Any, kwargs: Any) -> Any:
    ASKED.now |= step.places
    put_back(step.changes)
    for name, content in step.files.items():
        path = Path(getattr(settings, name))
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
            path.chmod(0o644 if name == "LOG_VKEY_FILE" else 0o600)
    result, given, additions = unpack(step.kept)
    if given is not None:
        assume((args, kwargs), given)
    for memory, added in zip(TELLER.memories, additions, strict=True):
        memory.update(added)
    TELLER.at, TELLER.tables = step.leads_to, step.tables
    return result
