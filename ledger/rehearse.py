"""Try acts and keep nothing: what they wrote is taken back, and neither an entry nor the lock that every entry takes is asked for.

For a dry run, which must not hold up everybody else. What an act refuses it refuses here too; not seen is what waits for the lock meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction

_is_rehearsed: ContextVar[bool] = ContextVar("is_rehearsed", default=False)


@contextmanager
def rehearsal() -> Iterator[None]:
    """Run the block in a transaction that is always rolled back, so that nothing can be kept of which there is no entry."""
    token = _is_rehearsed.set(True)
    try:
        with transaction.atomic():
            try:
                yield
            finally:
                transaction.set_rollback(True)
    finally:
        _is_rehearsed.reset(token)


def is_rehearsed() -> bool:
    """Return whether what is written now is taken back in any case."""
    return _is_rehearsed.get()
