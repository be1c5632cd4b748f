"""The third question's answer: yes only for what was seen lately and as approved, and a reason for everything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from proofs.path import FRESH_FOR, Approved, Seen, check_place
from proofs.tell_path import MAX_REASONS, PathAnswer, PlaceStands, tell_path

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ONE, TWO = (f"sha256:{digit * 64}" for digit in "12")
YES = Approved(ONE, "payments/api:1.4.2", "production", AT - timedelta(hours=1), approval_id="apr_1")
TAG = Seen("registry", "registry.example/payments/api", "1.4.2", ONE, AT)


def stands(*seen: Seen, approved: tuple[Approved, ...] = (YES,)) -> PlaceStands:
    return PlaceStands(check_place(seen, approved=approved), "registry watcher", "Bob Ruiz", AT)


def ask(*places: PlaceStands, digest: str = ONE, later: timedelta = timedelta(minutes=5), settled: tuple[str, ...] = ()) -> PathAnswer:
    return tell_path(digest, places, settled=settled, at=AT + later)


def test_seen_lately_and_as_approved_is_a_yes_with_place_observer_and_what_was_not_looked_at() -> None:
    told = ask(stands(TAG))
    assert (told.answer, told.tone, told.code) == ("yes", "ok", "path.as_approved")
    assert "registry.example/payments/api:1.4.2" in told.words
    assert "Seen by registry watcher, owned by Bob Ruiz." in told.reasons[0]
    assert any("told the truth" in reason for reason in told.reasons)


def test_seen_too_long_ago_is_not_a_yes() -> None:
    assert ask(stands(TAG), later=FRESH_FOR).answer == "yes"
    told = ask(stands(TAG), later=FRESH_FOR + timedelta(seconds=1))
    assert (told.answer, told.code) == ("unknown", "path.stale")


def test_one_place_that_contradicts_is_a_no_however_many_agree_and_however_old_it_is() -> None:
    wrong = stands(replace(TAG, location="mirror.example/payments/api", digest=TWO))
    told = ask(stands(TAG), wrong, stands(TAG), later=timedelta(days=90))
    assert (told.answer, told.tone, told.code) == ("no", "bad", "path.digest_differs")
    assert "sha256:111111111111… was approved" in told.words and "has sha256:222222222222…," in told.words
    assert ask(wrong, digest=TWO).answer == "no"


def test_what_was_seen_and_nobody_approved_is_unknown_in_a_registry_and_no_in_an_environment() -> None:
    assert ask(stands(TAG, approved=())).code == "path.not_compared"
    assert ask(stands(TAG, approved=())).answer == "unknown"
    told = ask(stands(replace(TAG, environment="production"), approved=()))
    assert (told.answer, told.code) == ("no", "path.unapproved")


def test_seen_by_an_observer_that_is_suspended_now_settles_nothing() -> None:
    told = ask(stands(replace(TAG, observer_counts=False)))
    assert (told.answer, told.code) == ("unknown", "path.observer_suspended")
    assert "suspended" in told.reasons[0]


def test_a_place_that_went_on_to_another_approved_digest_is_no_contradiction_and_no_yes() -> None:
    next_one = replace(YES, digest=TWO, name="payments/api:1.4.3")
    runs = Seen("cluster", "cluster-1/api", "payments/api:1.4.3", TWO, AT, "production")
    told = ask(stands(runs, replace(runs, digest=ONE, observed_at=AT - timedelta(minutes=1)), approved=(YES, next_one)))
    assert (told.answer, told.code) == ("unknown", "path.gone")


def test_nothing_seen_is_unknown_with_its_reason() -> None:
    told = ask()
    assert (told.answer, told.code) == ("unknown", "path.not_observed")
    assert "No observation" in told.words


def test_what_was_settled_stays_visible() -> None:
    assert "Settled since: It differed." in ask(stands(TAG), settled=("It differed.",)).reasons


def test_many_reasons_are_cut_and_counted() -> None:
    places = [stands(replace(TAG, location=f"mirror-{number}.example/payments/api")) for number in range(20)]
    told = ask(*places)
    assert len(told.reasons) == MAX_REASONS + 1
    assert told.reasons[-1].startswith("And ")
