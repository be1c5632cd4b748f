"""What the parts of a passport say agrees: banner, picture, table and comparison with the sentence on top."""

from __future__ import annotations

from datetime import timedelta

import pytest

from approvals.models import RequestState
from identities.models import Identity
from reports.passport.build import Passport, build_passport
from reports.passport.chain_graph import tell_graph
from reports.passport.rows import list_banners, list_environments
from reports.passport.sentence import GONE, Downstream, Facts, tell_sentence
from reports.passport.side_by_side import compare_artifacts
from tests import cast
from tests import make_approvals as make
from tests import make_observations as seen

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def stage() -> make.Stage:
    made = make.set_stage()
    make.send_provenance(made)
    return made


def passport(*, after: timedelta) -> Passport:
    return build_passport(make.image(), reader=cast.carol(), now=make.NOW + after)


def told(found: Passport) -> str:
    return "; ".join(clause.words for clause in found.sentence)


def words_of(found: Passport) -> dict[str, tuple[str, str]]:
    """The word and state of each node of the picture, by its title."""
    return {node.title: (node.word, node.state) for node in tell_graph(found).nodes}


def compared(*, after: timedelta) -> tuple[str, ...]:
    both = compare_artifacts(make.image(), make.image("other"), reader=cast.carol(), now=make.NOW + after)
    lines = next(row.left for row in both.rows if row.words == "Approvals")
    return tuple(f"{line.name}: {line.said.lower()}{', by ' + ', '.join(line.people) if line.people else ''}" for line in lines)


def test_what_happens_after_it_was_replaced_is_not_held_against_it(stage: make.Stage) -> None:
    make.approve(make.ask(), cast.alice())
    seen.observe(seen.runs(), seen.said())
    make.send_provenance(stage, tag="1.5.0")
    make.approve(make.ask(tag="1.5.0", now=make.NOW + MINUTE), cast.alice(), now=make.NOW + 2 * MINUTE)
    seen.observe(seen.runs(tag="1.5.0", at=make.NOW + 3 * MINUTE))
    seen.observe(seen.runs(tag="1.5.0", digest=make.image("swapped"), at=make.NOW + 5 * MINUTE))
    found = passport(after=7 * MINUTE)
    assert told(found).endswith("unmodified at")
    assert list_banners(found) == []
    assert words_of(found)[seen.CLUSTER] == ("Replaced", "claimed")


def test_what_was_replaced_says_when_it_was_last_seen(stage: make.Stage) -> None:
    seen.observe(seen.said())
    seen.observe(seen.said(digest=make.image("1.5.0"), at=make.NOW + 3 * MINUTE))
    last = passport(after=5 * MINUTE).sentence[-1]
    assert (last.words, last.at) == ("replaced in the places that had it, last seen at", make.NOW)


def test_what_was_never_in_any_place_was_not_replaced_there() -> None:
    place = Downstream(GONE)
    assert [clause.words for clause in tell_sentence(Facts(downstream=place))][-1] == "whether it was modified since is not known"


def test_a_no_on_another_request_takes_the_approval_back_everywhere(stage: make.Stage) -> None:
    older = make.ask()
    newer = make.ask(note="Again.", now=make.NOW + MINUTE)
    make.approve(newer, cast.alice(), now=make.NOW + 2 * MINUTE)
    assert compared(after=3 * MINUTE) == ("Production: approved, by Alice Chen",)
    passkey, key = make.enrol(cast.alice(), now=make.NOW + 3 * MINUTE)
    ceremony = make.begin(older, cast.alice(), key, decision="reject", reason="it leaks", now=make.NOW + 4 * MINUTE)
    make.complete(ceremony, passkey, now=make.NOW + 4 * MINUTE)
    found = passport(after=5 * MINUTE)
    assert "not approved for Production: somebody answered no" in told(found)
    (row,) = list_environments(found)
    assert row.target is not None and (row.target.status, row.target.named) == ("rejected", ())
    assert compared(after=5 * MINUTE) == ("Production: rejected",)


def test_an_approval_that_ran_out_is_shown_so_before_the_worker_looks(stage: make.Stage) -> None:
    make.approve(make.ask(), cast.alice())
    found = passport(after=timedelta(days=3))
    assert "its approval for Production ran out" in told(found)
    (row,) = list_environments(found)
    assert row.target is not None and (row.target.status, row.target.named) == ("expired", ())
    assert compared(after=timedelta(days=3)) == ("Production: expired",)


def test_an_approval_that_ran_out_is_none_where_the_worker_could_not_look(stage: make.Stage) -> None:
    make.approve(make.ask(), cast.alice())
    later = timedelta(days=3)
    # What a look that failed leaves behind: the moment, and the status as it was.
    RequestState.objects.update(computed_at=make.NOW + later)
    assert "its approval for Production ran out" in told(passport(after=later))
    assert compared(after=later) == ("Production: expired",)


def test_it_stands_by_whoever_approved_besides_and_later(stage: make.Stage) -> None:
    request = make.ask()
    make.approve(request, cast.alice())
    make.approve(request, cast.person("nora", "Nora Lind", "approver:release"), now=make.NOW + 60 * MINUTE)
    assert "approved for Production by 2 people" in told(passport(after=61 * MINUTE))
    later = timedelta(days=3) + MINUTE
    assert "ran out" in told(passport(after=later)), "nobody has looked at it since"
    make.refresh(now=make.NOW + later)
    assert "approved for Production by 1 person" in told(passport(after=later))
    assert compared(after=later) == ("Production: approved, by Nora Lind",)


@pytest.mark.parametrize(
    ("changes", "program", "evidence"),
    [
        ({"status": "suspended", "suspended_at": make.NOW}, ("Suspended", "claimed"), ("Nobody answers", "claimed")),
        ({"status": "retired", "retired_at": make.NOW + MINUTE}, ("Retired", "verified"), ("Verified", "verified")),
        (
            {"status": "retired", "retired_at": make.NOW + MINUTE, "compromised_from": make.NOW + MINUTE},
            ("Compromised", "broken"),
            ("Verified", "verified"),
        ),
    ],
)
def test_the_picture_says_how_a_signer_stands_today(
    stage: make.Stage, changes: dict[str, object], program: tuple[str, str], evidence: tuple[str, str]
) -> None:
    Identity.objects.filter(pk=cast.runner().pk).update(**changes)
    found = words_of(passport(after=2 * MINUTE))
    assert (found[cast.runner().name], found["provenance/v1"]) == (program, evidence)


def test_a_program_whose_owner_is_gone_is_answered_for_by_nobody(stage: make.Stage) -> None:
    Identity.objects.filter(pk=cast.bob().pk).update(status="suspended")
    found = words_of(passport(after=MINUTE))
    assert found[cast.runner().name] == found["provenance/v1"] == ("Nobody answers", "claimed")
