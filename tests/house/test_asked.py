"""Which tests may be left out on a second backend follows from what they make the portal ask today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.db import connection

from identities.models import Team
from identities.providers import active_providers
from tests.asked import ASKED, LIST, ROOT, Asked, asked_by_nobody_else, choose, first_lane_only, read_notes, still_left_out


def asked(everywhere: tuple[str, ...] = (), **files: tuple[float, str]) -> Asked:
    places = {f"{name}.py": set(places.split()) for name, (_, places) in files.items()}
    seconds = {f"{name}.py": seconds for name, (seconds, _) in files.items()}
    return Asked(places=places, seconds=seconds, everywhere=set(everywhere))


def test_what_others_ask_as_well_is_left_out() -> None:
    assert choose(asked(slow=(9, "a b"), quick=(1, "a b"), own=(5, "c"))) == ["slow.py"]


def test_what_asks_nothing_is_left_out() -> None:
    assert choose(asked(pure=(9, ""), own=(5, "c"))) == ["pure.py"]


def test_what_runs_everywhere_stays_and_spares_others() -> None:
    assert choose(asked(("races.py",), races=(9, "a b"), quick=(1, "a b"), own=(5, "c"))) == ["quick.py"]


def test_every_place_stays_asked() -> None:
    found = asked(one=(1, "a b"), two=(1, "b c"), three=(1, "c d"), four=(8, "a b c d"))
    assert asked_by_nobody_else(found, set(choose(found))) == {}


def test_a_place_that_only_listed_files_reach_is_named() -> None:
    found = asked(listed=(1, "a b"), other=(1, "a"))
    assert asked_by_nobody_else(found, {"listed.py", "gone.py"}) == {"b": ["listed.py"]}


def test_of_listed_files_as_few_are_taken_in_again_as_it_needs_and_the_quickest() -> None:
    found = asked(slow=(9, "a b c"), quick=(1, "a b"), same=(1, "a"), other=(1, "a"))
    assert still_left_out(found, {"slow.py", "quick.py", "same.py", "gone.py"}) == {"quick.py", "same.py", "gone.py"}
    assert still_left_out(found, {"quick.py", "same.py"}) == {"quick.py", "same.py"}
    assert still_left_out(asked(one=(2, "b"), two=(1, "b")), {"one.py", "two.py"}) == {"one.py"}


def test_notes_are_read_as_they_were_told_and_none_is_none(tmp_path: Path) -> None:
    notes = tmp_path / "notes.json"
    assert read_notes(notes).places == {}
    notes.write_text(json.dumps(asked(one=(2, "a b")).told()))
    assert read_notes(notes).places == {"one.py": {"a", "b"}}


@pytest.mark.django_db
def test_the_line_of_a_room_is_noted_and_not_the_tests_own() -> None:
    earlier, ASKED.now = ASKED.now, set()
    connection.execute_wrappers.append(ASKED.note)
    try:
        list(Team.objects.all())
        assert ASKED.now == set()
        active_providers()
        assert [place.rpartition(":")[0] for place in ASKED.now] == ["identities/providers.py"]
    finally:
        connection.execute_wrappers.remove(ASKED.note)
        ASKED.now = earlier


def test_the_list_names_files_that_are_there() -> None:
    assert LIST.read_text().startswith("# ")
    assert [name for name in first_lane_only() if not (ROOT / name).is_file()] == []
