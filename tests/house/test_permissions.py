"""Who is answered what at every address, held against the one table in docs/permissions.md."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from tests.house.url_examples import ROLES, Story, tell_story
from tests.house.walk import FIXED, Answers, Question, all_questions, cell_of, read_table, row_of, walk_as_all

ADVICE = "If the answer is meant, write it into docs/permissions.md; `python -m tests.house.print_permissions` prints the whole table"
pytestmark = [pytest.mark.once, pytest.mark.django_db]
# What each column was answered, for the columns that are held against others.
KNOWN: dict[str, dict[str, Answers]] = {}


@pytest.fixture(scope="module")
def questions(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Question]]:
    """Tell the story once for all columns: a walk undoes whatever it changed, and the end undoes the story."""
    with override_settings(), django_db_blocker.unblock(), transaction.atomic():
        yield all_questions(tell_story(settings, tmp_path_factory.mktemp("story")))
        transaction.set_rollback(True)


def answers_of(column: str, questions: list[Question]) -> dict[str, Answers]:
    if column not in KNOWN:
        KNOWN[column] = walk_as_all(questions, column)
    return KNOWN[column]


@pytest.mark.parametrize("column", FIXED)
def test_every_answer_is_the_one_in_the_table(column: str, questions: list[Question]) -> None:
    table, wrong = read_table(), []
    found = answers_of(column, questions)
    here = {role: answers_of(role, questions)[""] for role in ROLES} if column == "elsewhere" else {}
    for question in questions:
        row = row_of(question.key, table)
        said = cell_of(question.key, column, found, here.__getitem__)
        if row is None:
            wrong.append(f"{question.name} {question.method} has no line")
        elif row[column] != said:
            wrong.append(f"{question.name} {question.method} answers {said}, the table says {row[column]}")
    assert not wrong, "\n".join([*wrong, ADVICE])


def test_no_line_is_of_an_address_that_is_gone(questions: list[Question]) -> None:
    table = read_table()
    used = [row_of(question.key, table) for question in questions]
    assert [key for key, row in table.items() if not any(row is other for other in used)] == []


def test_an_address_without_an_example_fails_with_a_sentence() -> None:
    with pytest.raises(KeyError, match="rooms:room takes <room_id>, and nobody gave an example of it"):
        Story({}, {}).of("rooms:room", "room_id")
