"""Pages by key: a page begins after the last row of the one before, so that the thousandth costs what the first does.

The cursor in an address holds the values of that row. It is nobody's secret and proves nothing: whoever writes another one sees another
page of what they may read anyway.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import BooleanField, CharField, DateTimeField, F, Field, Func, Model, QuerySet, SmallIntegerField, Value
from django.utils.dateparse import parse_datetime

from approvals.desk.merge import Among, first_among
from proofs.encoding import b64url_decode, b64url_encode
from proofs.errors import Refusal

SHOWN = 50
AFTER, BEFORE = "after", "before"
MAX_CURSOR = 400
_Value = int | str | datetime
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    """The rows of one page, and the cursors of the pages around it; empty where there is none."""

    rows: list[M]
    previous: str
    next: str


@dataclass(frozen=True)
class Cursor:
    """From which row on, and which way."""

    way: str
    values: tuple[_Value, ...]


def read_page(
    rows: QuerySet[M], *, order: Sequence[str], newest_first: bool, cursor: str = "", size: int = SHOWN, among: Among | None = None
) -> Page[M]:
    """Return the page of `rows` that the cursor names, the first without one or with one that is not understood. One query.

    With `among`, `rows` are those of `EACH`, and what is shown is looked for in these projects.
    """
    begins = parse_cursor(cursor, order)
    back = begins is not None and begins.way == BEFORE
    names = [f"key_{number}" for number in range(len(order))]
    keys = {name: F(field) for name, field in zip(names, order, strict=True)}
    is_descending = newest_first != back
    ordered = [f"{'-' if is_descending else ''}{field}" for field in order]

    def begun(rows: QuerySet[M]) -> QuerySet[M]:
        rows = rows.annotate(**keys).order_by(*ordered)
        # By the annotations: naming a relation again would join it again, past its index.
        return rows if begins is None else rows.filter(_beyond(names, begins.values, ">" if newest_first == back else "<"))

    if among is None:
        rows = begun(rows)
    else:
        among = replace(among, everywhere=begun(among.everywhere))
        picked = first_among(begun(rows), among, keys=names, descending=is_descending, most=size + 1)
        related, rows = rows.query.select_related, rows.model._default_manager.filter(pk__in=picked).annotate(**keys).order_by(*ordered)
        rows.query.select_related = related
    found = list(rows[: size + 1])
    has_more, found = len(found) > size, found[:size]
    if back:
        found.reverse()
    if not found:
        return Page([], "", "")
    ends = [Cursor(way, tuple(getattr(row, name) for name in names)) for way, row in ((BEFORE, found[0]), (AFTER, found[-1]))]
    has_previous = has_more if back else begins is not None
    has_next = begins is not None if back else has_more
    return Page(found, write_cursor(ends[0]) if has_previous else "", write_cursor(ends[1]) if has_next else "")


def write_cursor(cursor: Cursor) -> str:
    """Return a cursor as it stands in an address."""
    values = [value.isoformat() if isinstance(value, datetime) else value for value in cursor.values]
    return b64url_encode(json.dumps([cursor.way, *values]).encode())


def parse_cursor(text: str, order: Sequence[str]) -> Cursor | None:
    """Return the cursor that was written for this order; None for anything else."""
    if not text or len(text) > MAX_CURSOR:
        return None
    try:
        given: Any = json.loads(b64url_decode(text, code="queue.cursor", what="the cursor"))
    except (Refusal, ValueError, RecursionError):
        return None
    if not isinstance(given, list) or len(given) != len(order) + 1 or given[0] not in (AFTER, BEFORE):
        return None
    values = [_value(field, value) for field, value in zip(order, given[1:], strict=True)]
    return None if any(value is None for value in values) else Cursor(given[0], tuple(value for value in values if value is not None))


def _value(field: str, given: object) -> _Value | None:
    if field.endswith("rank"):
        return given if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 100 else None
    if not isinstance(given, str) or not given.isascii() or "\0" in given:
        # What no key and no moment is: a NUL, and half a character of UTF-16, no database takes either.
        return None
    if field.endswith("request_id"):
        return given
    try:
        moment = parse_datetime(given)
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None and 1 < moment.year < 9999 else None


def _beyond(order: Sequence[str], values: Sequence[_Value], sign: str) -> Func:
    """Compare whole rows, `(a, b, c) > (x, y, z)`: an index on the three answers that by going straight to the place."""
    fields: dict[type, Field[Any, Any]] = {int: SmallIntegerField(), str: CharField(), datetime: DateTimeField()}
    left = Func(*(F(name) for name in order), template="(%(expressions)s)", output_field=CharField())
    right = Func(
        *(Value(value, output_field=fields[type(value)]) for value in values), template="(%(expressions)s)", output_field=CharField()
    )
    return Func(left, right, template="%(expressions)s", arg_joiner=f" {sign} ", output_field=BooleanField())
