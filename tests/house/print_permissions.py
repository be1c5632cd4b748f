"""`python -m tests.house.print_permissions`: print the table of docs/permissions.md as the portal answers now, to be looked at and pasted."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import groupby
from pathlib import Path

import tests.environment as environment


def print_table() -> None:
    """Set up a throw-away database, walk as everybody, and print a line for each address and method."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import transaction
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    from tests.conftest import pytest_configure
    from tests.house.url_examples import tell_story
    from tests.house.walk import all_questions

    pytest_configure(None)  # type: ignore[arg-type]  # it reads nothing of it
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    try:
        with transaction.atomic():
            story = tell_story(settings, Path(tempfile.mkdtemp(dir=environment.FOLDER)))
            sys.stdout.write("\n".join([*_lines(all_questions(story)), ""]))
            transaction.set_rollback(True)
    finally:
        teardown_databases(made, verbosity=0)


def _lines(questions: list) -> Iterator[str]:  # type: ignore[type-arg]  # its type is known only once Django is set up
    from tests.house.walk import FIXED, GROUPED, HEAD, cell_of, walk_as_all

    known = {column: walk_as_all(questions, column) for column in FIXED}
    rows = []
    for question in questions:
        cells = [cell_of(question.key, column, known[column], lambda role: known[role][""]) for column in FIXED]
        group = next((group for group in GROUPED if fnmatch(question.name, group)), "")
        rows.append((bool(group), group or question.name, "any" if group else question.method, question, cells))
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---|' * len(HEAD)}"
    for (is_grouped, name, method), same in groupby(sorted(rows, key=lambda row: row[:3]), key=lambda row: row[:3]):
        lines = list(same)
        usual = max((line[4] for line in lines), key=[line[4] for line in lines].count)
        for line in lines:
            if is_grouped and line[4] != usual:
                yield f"| `{line[3].name}` | {line[3].method} | {' | '.join(line[4])} |"
        yield f"| `{name}` | {method} | {' | '.join(usual)} |"


if __name__ == "__main__":
    print_table()
