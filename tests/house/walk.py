"""Goes through the whole URL map as one asker and says of each answer which of five kinds it is; and reads and writes the table of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY, AUTHENTICATION_METHODS_SESSION_KEY
from django.db import transaction
from django.test import Client

from identities.models import Identity
from portal.public_urls import OWN_ACCOUNT_PREFIXES, STAFF_NAMESPACE
from tests import cast
from tests import make_approvals as make
from tests.house.url_examples import ROLES, SCOPES, Story, deactivate, member, token
from tests.house.url_map import Address, all_addresses

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "permissions.md"
OK, SIGN_IN, FORBIDDEN, NOT_FOUND, METHOD = "ok", "sign-in", "forbidden", "not found", "method"
SAME = "same"
FIXED = ["anonymous", *ROLES, "elsewhere", "no role", "deactivated", "token", "token elsewhere", "expired token"]
HEAD = ["address", "method", *FIXED]
VERBS = ("get", "post", "put", "patch", "delete")
# Of the sign-in library and Django's admin the table has one line for many names.
GROUPED = (f"{STAFF_NAMESPACE}:*", *(f"{prefix}*" for prefix in OWN_ACCOUNT_PREFIXES))

Key = tuple[str, str]
Answers = dict[Key, str]


@dataclass(frozen=True)
class Question:
    """One address with real values, and the method it is asked with."""

    name: str
    method: str
    path: str

    @property
    def key(self) -> Key:
        return self.name, self.method

    @property
    def is_grouped(self) -> bool:
        return any(fnmatch(self.name, group) for group in GROUPED)


def all_questions(story: Story) -> list[Question]:
    """Return every address with every method it takes. A page is asked with GET, or with POST where it takes nothing else."""
    found = []
    for address in all_addresses():
        view = getattr(address.pattern.callback, "cls", None)
        path = _fill(address, story)
        methods = [verb for verb in VERBS if view is not None and hasattr(view, verb)] or [_method_of_page(path)]
        found += [Question(address.name, method.upper(), path) for method in methods]
    return found


def askers(column: str) -> Iterator[tuple[str, Callable[[], Client]]]:
    """Return who asks in a column of the table, each with what makes their client: nine people elsewhere, one credential per scope."""
    if column == "anonymous":
        yield "", Client
    elif column in ROLES:
        yield "", lambda: signed_in(member(column))
    elif column == "elsewhere":
        for role in ROLES:
            yield role, lambda role=role: signed_in(member(role, elsewhere=True))  # type: ignore[misc]
    elif column == "no role":
        yield "", lambda: signed_in(cast.mallory())
    elif column == "deactivated":
        yield "", _deactivated
    elif column == "token":
        for scope in SCOPES:
            yield scope, lambda scope=scope: bearing(token(cast.runner(), [scope]))  # type: ignore[misc]
    elif column == "token elsewhere":
        yield "", lambda: bearing(token(make.other_teams_bot(), SCOPES))
    else:
        yield "", lambda: bearing(token(cast.runner(), SCOPES, is_expired=True))


def walk_as_all(questions: list[Question], column: str) -> dict[str, Answers]:
    """Return what each asker of a column is answered. What the libraries answer does not hang on roles, so only the first is asked for it."""
    found: dict[str, Answers] = {}
    for who, client in askers(column):
        found[who] = walk([question for question in questions if not (found and question.is_grouped)], client)
    return found


def walk(questions: list[Question], client: Callable[[], Client]) -> Answers:
    """Ask every question as one asker and undo whatever that changed."""
    answers = {}
    with transaction.atomic():
        asker = client()
        for question in questions:
            with transaction.atomic():
                answers[question.key] = ask(asker, question)
                transaction.set_rollback(True)
        transaction.set_rollback(True)
    return answers


def ask(client: Client, question: Question) -> str:
    """Return the kind of the answer. Whatever goes on to look at the body has let the asker in, whatever it says of the body."""
    accept = "application/json" if question.path.startswith(("/api/", "/scim/")) else "text/html"
    response: Any = getattr(client, question.method.lower())(question.path, headers={"Accept": accept})
    status = response.status_code
    if status in (301, 302) and re.match(r"/accounts/(login|reauthenticate)/|/django-admin/login/", response["Location"]):
        return SIGN_IN
    kinds = {401: SIGN_IN, 403: FORBIDDEN, 404: NOT_FOUND, 405: METHOD}
    return kinds.get(status, OK if status < 500 and status != 429 else f"broken ({status})")


def signed_in(person: Identity) -> Client:
    """A browser in which this person signed in a moment ago."""
    client = Client(raise_request_exception=False)
    client.force_login(cast.account_of(person))
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(cast.account_of(person).pk)
    session.save()
    return client


def bearing(secret: str) -> Client:
    """A program with this credential."""
    return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {secret}"})


def read_table() -> dict[Key, dict[str, str]]:
    """Return the lines of the document, by address and method."""
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {(row[0].strip("`"), row[1]): dict(zip(FIXED, row[2:], strict=True)) for row in cells}


def row_of(key: Key, table: dict[Key, dict[str, str]]) -> dict[str, str] | None:
    """Return the line for an address: its own, or the one of the group it belongs to."""
    if key in table:
        return table[key]
    return next((row for (name, method), row in table.items() if method in (key[1], "any") and fnmatch(key[0], name)), None)


def cell_of(key: Key, column: str, found: dict[str, Answers], here: Callable[[str], Answers]) -> str:
    """Return what the table has to say in one cell, from what the askers of its column were answered."""
    said = {who: answers[key] for who, answers in found.items() if key in answers}
    if len(said) == 1 and column != "elsewhere":
        return next(iter(said.values()))
    if column == "token":
        return _of_scopes(said)
    expected = {role: here(role)[key] for role in said}
    if said == expected:
        return SAME
    if set(said.values()) == {FORBIDDEN}:
        return FORBIDDEN
    # Whom the door refuses already may be told so before anybody looks for the object.
    if all(answer == NOT_FOUND or (answer == FORBIDDEN == expected[role]) for role, answer in said.items()):
        return NOT_FOUND
    return "; ".join(f"{role}: {answer}" for role, answer in said.items())


def _of_scopes(said: dict[str, str]) -> str:
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    opened = [f"`{scope}`" for scope, answer in said.items() if answer == OK]
    others = {answer for answer in said.values() if answer != OK}
    return f"{', '.join(opened)}" if others == {FORBIDDEN} else "; ".join(f"{scope}: {answer}" for scope, answer in said.items())


def _fill(address: Address, story: Story) -> str:
    def example(found: re.Match[str]) -> str:
        name = found.group("named") or found.group("plain")
        return str(EXAMPLES_OF_LIBRARIES[name]) if name in EXAMPLES_OF_LIBRARIES else str(story.of(address.name, name))

    route = re.sub(r"\(\?P<(?P<named>\w+)>[^)]*\)|<(?:\w+:)?(?P<plain>\w+)>", example, address.route)
    return "/" + re.sub(r"[\^$\\]|\?$", "", route).replace("?", "")


# Arguments of the sign-in library's and of the admin's addresses; nothing here belongs to a team.
EXAMPLES_OF_LIBRARIES: dict[str, object] = {
    "app_label": "identities",
    "content_type_id": 1,
    "key": "x-x",
    "object_id": 1,
    "uidb36": "1",
    "url": "nowhere",
    "pk": 1,
}


def _method_of_page(path: str) -> str:
    with transaction.atomic():
        answer = Client(raise_request_exception=False).get(path).status_code
        transaction.set_rollback(True)
    return "post" if answer == 405 else "get"


def _deactivated() -> Client:
    person = member(ROLES[1])
    client = signed_in(person)
    deactivate(person)
    return client
