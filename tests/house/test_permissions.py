"""Who is answered what at every address, held against the one table in docs/permissions.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings

from tests.house import walk
from tests.house.url_examples import Story, tell_story
from tests.house.walk import FIXED, Answers, Question, all_questions, cell_of, read_table, row_of

pytestmark = pytest.mark.once
ADVICE = "If the answer is meant, write it into docs/permissions.md; `python -m tests.house.print_permissions` prints the whole table"


@dataclass
class Walked:
    """The questions, and what each asker was answered, once it was asked."""

    questions: list[Question]
    known: dict[str, dict[str, Answers]] = field(default_factory=dict)

    def of(self, column: str) -> dict[str, Answers]:
        if column not in self.known:
            self.known[column] = walk.walk_as_all(self.questions, column)
        return self.known[column]

    def here(self, role: str) -> Answers:
        return self.of(role)[""]


@pytest.fixture(scope="module")
def walked(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    with override_settings(), django_db_blocker.unblock(), transaction.atomic():
        yield Walked(all_questions(tell_story(settings, tmp_path_factory.mktemp("keys"))))
        transaction.set_rollback(True)


@pytest.mark.parametrize("column", FIXED)
def test_every_answer_is_the_one_in_the_table(column: str, walked: Walked) -> None:
    table, wrong = read_table(), []
    found = walked.of(column)
    for question in walked.questions:
        row = row_of(question.key, table)
        said = cell_of(question.key, column, found, walked.here)
        if row is None:
            wrong.append(f"{question.name} {question.method} has no line")
        elif row[column] != said:
            wrong.append(f"{question.name} {question.method} answers {said}, the table says {row[column]}")
    assert not wrong, "\n".join([*wrong, ADVICE])


def test_no_line_is_of_an_address_that_is_gone(walked: Walked) -> None:
    table = read_table()
    used = [row_of(question.key, table) for question in walked.questions]
    assert [key for key, row in table.items() if not any(row is other for other in used)] == []


def test_an_address_without_an_example_fails_with_a_sentence() -> None:
    with pytest.raises(KeyError, match="rooms:room takes <room_id>, and nobody gave an example of it"):
        Story({}, {}).of("rooms:room", "room_id")
