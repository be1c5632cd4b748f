"""Which tests may be left out on a second backend follows from what they make the portal ask, and goes stale with a failure."""

from __future__ import annotations

import pytest
from django.db import connection

from identities.models import Team
from identities.providers import active_providers
from tests.asked import ASKED, LIST, ROOT, Asked, asked_by_nobody_else, choose, first_lane_only


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
