"""The states a page is looked at in: empty, full, with an error in its form, and to somebody who may not see it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from tests import cast
from tests.axe.look import ALL_LOOKS, Look, Looker
from tests.axe.pages import Seen
from tests.house.walk import signed_in


def look_at_empty(looker: Looker, seen: Seen) -> dict[str, list[str]]:
    """Look at a page of a portal in which nothing has happened yet."""
    return {"empty": _look_once(looker, seen)}


def look_at_full(looker: Looker, seen: Seen) -> dict[str, list[str]]:
    """Look at a page as its viewer finds it, and at nothing else of it."""
    return {"full": _look_once(looker, seen)}


def look_at(looker: Looker, seen: Seen, looks: Sequence[Look] = ALL_LOOKS) -> dict[str, list[str]]:
    """Look at one page in each state it has, and undo whatever that changed."""
    looked: dict[str, list[str]] = {}
    with transaction.atomic():
        looker.client = seen.client()
        path = seen.begin(looker.client) if seen.begin else seen.path
        answer = looker.open(path)
        assert answer is not None and answer.status == 200, f"{seen.name} answered {answer and answer.status} at {path}"
        looked["full"] = looker.look(looks)
        if looker.send_empty():
            looked["error"] = [*looker.look_for_focus(), *looker.look(looks)]
        transaction.set_rollback(True)
    if seen.viewer is not None:
        with transaction.atomic():
            looker.client = signed_in(cast.mallory())
            answer = looker.open(path)
            if answer is not None and answer.status in (403, 404):
                looked["no permission"] = looker.look(looks)
            transaction.set_rollback(True)
    return looked


def _look_once(looker: Looker, seen: Seen) -> list[str]:
    with transaction.atomic():
        looker.client = seen.client()
        answer = looker.open(seen.path)
        assert answer is not None and answer.status == 200, f"{seen.name} answered {answer and answer.status} at {seen.path}"
        found = looker.look()
        transaction.set_rollback(True)
    return found
