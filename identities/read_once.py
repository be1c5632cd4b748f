"""Read the same thing once for one page: what a page only shows cannot change while it is drawn.

Acts never run within it, and ask everything anew each time: `reads_once` covers safe methods of views that only read.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponseBase

Read = TypeVar("Read")
SAFE = ("GET", "HEAD")

_READ: ContextVar[dict[Hashable, Any] | None] = ContextVar("read_once", default=None)


def reads_once(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let everything that asks through `once` be read a single time while a view that only reads answers a safe method."""

    @wraps(view)
    def reading(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in SAFE:
            return view(request, *args, **kwargs)
        token = _READ.set({})
        try:
            return view(request, *args, **kwargs)
        finally:
            _READ.reset(token)

    return reading


@contextmanager
def reading_once() -> Iterator[None]:
    """Let everything that asks through `once` be read a single time for a query that asks the same of several; what is read outside stays read."""
    if _READ.get() is not None:
        yield
        return
    token = _READ.set({})
    try:
        yield
    finally:
        _READ.reset(token)


def once(key: Hashable, read: Callable[[], Read]) -> Read:
    """Return what `read` returns; within `reads_once` what it returned the first time it was asked under this key. The caller changes nothing in it."""
    kept = _READ.get()
    if kept is None:
        return read()
    if key not in kept:
        kept[key] = read()
    found: Read = kept[key]
    return found


def known(key: Hashable) -> Any | None:
    """Return what `once` has read under this key, None where it has not."""
    kept = _READ.get()
    return None if kept is None else kept.get(key)


def is_reading() -> bool:
    """Say whether this is within `reads_once` or `reading_once`."""
    return _READ.get() is not None
