"""What `tests.retell` tells is what the makers acted, and whatever it cannot know makes them act."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current
from django.db import transaction
from django.utils import timezone

from approvals.models import Approval, RequestState
from attestations.models import Verdict
from identities.models import Team
from ledger.rehearse import rehearsal
from proofs.errors import Refusal
from tests import cast, make_break_glass, make_changes, make_delegations, make_releases, make_statements
from tests import make_approvals as make
from tests.kept_rows import read_rows, table_names
from tests.make_ledger import KEY_FILES, use_own_keys
from tests.retell import ALWAYS_ACT, BESIDE, TELLER, retold

pytestmark = [pytest.mark.django_db, pytest.mark.skipif(ALWAYS_ACT, reason="everything is acted")]


@pytest.fixture(autouse=True)
def nothing_was_told(settings: Any, tmp_path: Path) -> Any:
    """Begin without steps, and leave those of other tests as they were."""
    use_own_keys(settings, tmp_path)
    others, TELLER.steps = TELLER.steps, type(TELLER.steps)()
    yield
    TELLER.steps = others


def answered() -> Approval:
    stage = make.set_stage()
    make.send_provenance(stage)
    make.send_tests(stage)
    request = make.ask()
    passkey, key = make.enrol(cast.alice())
    return make.complete(make.begin(request, cast.alice(), key), passkey)


def compared() -> Any:
    stage = make.set_stage()
    make_releases.approved(stage, spdx=make_releases.spdx("pkg:npm/left@1"))
    return make_releases.release(stage, make_releases.SECOND, now=make_releases.later(), spdx=make_releases.spdx("pkg:npm/left@2"))


def changed() -> Any:
    make.set_stage(source=make_changes.WAIVABLE)
    request = make.ask()
    make_changes.change(make_changes.version(2, source=make_changes.WAIVABLE))
    return make_changes.waive(request)


def broken() -> Any:
    make.set_stage(source=make_break_glass.POLICY)
    make.ask()
    return make_break_glass.declare()


def given_away() -> Any:
    stage = make.set_stage(source=make_delegations.ALLOWED)
    make.send_provenance(stage)
    request, alice = make.ask(), cast.alice()
    row = make_delegations.give(alice, make_delegations.dana())
    return make_delegations.answer(request, row)


def revoked() -> Any:
    return make_statements.revoke(answered(), cast.alice())


STORIES: tuple[Callable[[], Any], ...] = (answered, compared, changed, broken, given_away, revoked)


def everything() -> dict[str, Any]:
    """Every row and every file of the portal."""
    # PostgreSQL lays a row elsewhere whenever it changes.
    rows = {name: sorted(read_rows(name), key=repr) for name in table_names() if name not in BESIDE}
    return {**rows, **{name: Path(getattr(current, name)).read_bytes() for name in KEY_FILES}}


def again(settings: Any, folder: Path, story: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """Tell a story from the empty database, and take it back."""
    use_own_keys(settings, folder)
    before = transaction.savepoint()
    TELLER.begin(TELLER.test)
    result = story()
    assert TELLER.at is not None, "an act was not kept"
    found = everything()
    transaction.savepoint_rollback(before)
    return result, found


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_what_is_told_is_what_was_acted(story: Callable[[], Any], settings: Any, tmp_path: Path) -> None:
    acted, rows_acted = again(settings, tmp_path / "acted", story)
    steps = len(TELLER.steps)
    assert steps > 2
    told, rows_told = again(settings, tmp_path / "told", story)
    assert len(TELLER.steps) == steps, "something was acted again"
    assert (type(told), told.pk) == (type(acted), acted.pk)
    assert told is not acted
    assert [name for name, found in rows_acted.items() if rows_told[name] != found] == []


def test_the_story_goes_on_from_what_was_told(settings: Any, tmp_path: Path) -> None:
    """The transparency log that signs evidence has grown, the passkey is the enrolled one, and the ledger goes on."""

    def begun() -> tuple[make.Stage, Any]:
        stage = make.set_stage()
        make.send_provenance(stage)
        return stage, make.ask()

    again(settings, tmp_path / "acted", begun)
    use_own_keys(settings, tmp_path / "told")
    TELLER.begin(TELLER.test)
    stage, request = begun()
    assert len(stage.instance._leaves) == 1
    make.send_provenance(stage, tag="1.4.3")
    assert [verdict.result for verdict in Verdict.objects.all()] == [Verdict.Result.VERIFIED] * 2
    Team.objects.create(slug="beside", name="Beside")
    make.approve(request, cast.alice())
    assert RequestState.objects.get(request=request).status == RequestState.Status.APPROVED


class TestActs:
    """Every one of these is told where nothing is in the way; what is in the way makes it act."""

    @pytest.fixture(autouse=True)
    def told_before(self, settings: Any, tmp_path: Path) -> None:
        again(settings, tmp_path / "acted", make.set_stage)
        use_own_keys(settings, tmp_path / "mine")
        TELLER.begin(TELLER.test)

    def is_told(self, **words: Any) -> bool:
        known = set(TELLER.steps)
        make.set_stage(**words)
        return TELLER.at is not None and set(TELLER.steps) == known

    def test_nothing_is_in_the_way(self) -> None:
        assert self.is_told()

    def test_after_another_write(self) -> None:
        Team.objects.create(slug="other", name="Other")
        assert not self.is_told()

    def test_where_the_database_is_not_empty(self) -> None:
        Team.objects.create(slug="other", name="Other")
        TELLER.begin(TELLER.test)
        assert not self.is_told()

    def test_with_other_words(self) -> None:
        assert not self.is_told(count=2)

    def test_today(self) -> None:
        assert not self.is_told(now=timezone.now())
        assert TELLER.at is None

    def test_under_another_setting(self, settings: Any) -> None:
        settings.KEY_COOLING_HOURS = 3
        assert not self.is_told()

    def test_with_other_keys(self, settings: Any, tmp_path: Path) -> None:
        settings.LOG_ORIGIN = "elsewhere.example/log"
        use_own_keys(settings, tmp_path / "elsewhere")
        assert not self.is_told()

    def test_where_the_code_is_bent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(make, "REPOSITORY", "https://github.com/payments/other")
        assert not self.is_told()
        assert TELLER.at is None

    def test_where_the_code_is_bent_for_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(make, "REPOSITORY", "https://github.com/payments/other")
            assert not self.is_told()

    def test_in_another_thread(self) -> None:
        known: list[bool] = []
        other = threading.Thread(target=lambda: known.append(TELLER.is_bent()))
        other.start()
        other.join()
        assert known == [True]

    def test_where_nothing_is_kept(self) -> None:
        with rehearsal():
            known = set(TELLER.steps)
            cast.alice()
        assert set(TELLER.steps) == known
        assert TELLER.at is None

    def test_what_is_gone_on_with_after_a_commit(self) -> None:
        @retold
        def calls_later() -> None:
            transaction.on_commit(lambda: None)

        calls_later()
        assert TELLER.at is None

    def test_after_something_was_taken_back(self) -> None:
        before = transaction.savepoint()
        make.set_stage()
        transaction.savepoint_rollback(before)
        assert TELLER.at is None


def test_what_is_refused_is_refused_again() -> None:
    make.set_stage()
    mallory = cast.mallory()
    for _ in range(2):
        with pytest.raises(Refusal):
            make.ask(by=mallory)


def test_a_moment_in_a_row_is_no_word_of_today() -> None:
    """What an act wrote with the clock belongs to the beginning; only what a test says is compared with today."""
    person = cast.alice()
    person.created_at = timezone.now() - timedelta(minutes=1)
    assert TELLER.at is not None
    make.enrol(person)
    assert TELLER.at is not None
