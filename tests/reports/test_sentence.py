"""The sentence on top of a passport, for each combination of what is known, merely claimed, wrong and not known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reports.passport.sentence import (
    ALTERED,
    APPROVED,
    AS_APPROVED,
    BAD,
    BLOCKED,
    CLAIMED,
    GLASS,
    GONE,
    LAPSED,
    MISPLACED,
    MISSING,
    NOT_COMPARED,
    OK,
    OVER,
    PROMOTED,
    PROVED,
    REFUSED,
    REVOKED,
    STALE,
    UNAPPROVED,
    UNKNOWN,
    WAITING,
    WARN,
    Answered,
    Downstream,
    Facts,
    Made,
    short_builder,
    short_source,
    tell_sentence,
)

pytestmark = pytest.mark.once

AT = datetime(2026, 3, 2, 10, 12, tzinfo=UTC)


def made(source_state: str = PROVED, builder_state: str = PROVED) -> Made:
    return Made("acme/payments-api@b7e2f4a", source_state, "release.yml", builder_state)


def said(facts: Facts) -> list[tuple[str, str]]:
    return [(clause.words, clause.tone) for clause in tell_sentence(facts)]


class TestWhole:
    def test_all_is_well(self) -> None:
        facts = Facts(made(), (Answered("Production", APPROVED, 2),), Downstream(AS_APPROVED, running=2, seen_at=AT, is_fresh=True))
        assert said(facts) == [
            ("Built from acme/payments-api@b7e2f4a by release.yml", OK),
            ("approved for Production by 2 people", OK),
            ("running in 2 places", OK),
            ("unmodified at", OK),
        ]
        assert tell_sentence(facts)[-1].at == AT

    def test_nothing_is_known(self) -> None:
        assert said(Facts()) == [
            ("What it was built from, and by what, is not known", UNKNOWN),
            ("nobody has been asked to approve it, as far as you may know", UNKNOWN),
            ("where it runs is not known", UNKNOWN),
            ("whether it was modified since is not known", UNKNOWN),
        ]

    def test_the_glass_is_told_until_it_is_reviewed(self) -> None:
        clauses = tell_sentence(Facts(glass=("Production", "Production", "Staging")))
        assert [(clause.words, clause.tone) for clause in clauses if clause.tone == GLASS] == [
            ("the glass was broken for Production and Staging and nobody has reviewed that yet", GLASS)
        ]

    def test_every_clause_has_a_symbol_and_leads_somewhere(self) -> None:
        assert all(clause.symbol and clause.anchor for clause in tell_sentence(Facts(glass=("Production",))))


@pytest.mark.parametrize(
    ("source", "builder", "words", "tone"),
    [
        (PROVED, PROVED, "Built from acme/payments-api@b7e2f4a by release.yml", OK),
        (CLAIMED, CLAIMED, "Said to be built from acme/payments-api@b7e2f4a by release.yml, which is only claimed", WARN),
        (CLAIMED, PROVED, "Built by release.yml, from acme/payments-api@b7e2f4a as is only claimed", WARN),
        (PROVED, CLAIMED, "Built from acme/payments-api@b7e2f4a, by release.yml as is only claimed", WARN),
        (MISSING, PROVED, "Built by release.yml; from what source is not known", UNKNOWN),
        (MISSING, CLAIMED, "Said to be built by release.yml, which nothing proves; from what source is not known", WARN),
        (PROVED, MISSING, "Built from acme/payments-api@b7e2f4a; by what is not known", UNKNOWN),
        (CLAIMED, MISSING, "Said to be built from acme/payments-api@b7e2f4a, which nothing proves; by what is not known", WARN),
        (MISSING, MISSING, "What it was built from, and by what, is not known", UNKNOWN),
    ],
)
def test_from_what_it_was_made(source: str, builder: str, words: str, tone: str) -> None:
    assert said(Facts(made(source, builder)))[0] == (words, tone)


@pytest.mark.parametrize(
    ("state", "people", "words", "tone"),
    [
        (APPROVED, 1, "approved for Production by 1 person", OK),
        (APPROVED, 0, "approved for Production by policy, without people", OK),
        (PROMOTED, 2, "approved for Production by 2 people and promoted", OK),
        (WAITING, 0, "not approved yet for Production", UNKNOWN),
        (WAITING, 1, "not approved yet for Production: 1 so far", UNKNOWN),
        (LAPSED, 1, "its approval for Production ran out", WARN),
        (STALE, 0, "its approval for Production is stale, because something changed since", BAD),
        (REVOKED, 1, "its approval for Production was revoked", BAD),
        (REFUSED, 1, "not approved for Production: somebody answered no", BAD),
        (BLOCKED, 0, "blocked for Production: a rule of the policy is not met", BAD),
        (OVER, 0, "no longer asked for Production", UNKNOWN),
    ],
)
def test_for_what_it_was_approved(state: str, people: int, words: str, tone: str) -> None:
    assert said(Facts(made(), (Answered("Production", state, people),)))[1] == (words, tone)


def test_many_environments_are_counted_after_the_third() -> None:
    answered = tuple(Answered(f"Place {number}", APPROVED, 1) for number in range(5))
    assert said(Facts(made(), answered))[4] == ("asked for 2 more environments, and approved for 2 of them", OK)
    assert said(Facts(made(), (*answered[:4], Answered("Place 9", REVOKED, 1))))[4][1] == UNKNOWN


@pytest.mark.parametrize(
    ("found", "where", "intact", "tone"),
    [
        (Downstream(AS_APPROVED, 1, 0, (), AT, True), "running in 1 place", "unmodified at", OK),
        (Downstream(AS_APPROVED, 0, 2, (), AT, True), "not seen running, and kept in 2 places", "unmodified at", OK),
        (
            Downstream(AS_APPROVED, 1, 0, (), AT, False, unseen_running=1, right=1, unseen_right=1),
            "last seen running in 1 place, where nobody has looked lately",
            "whether it was modified since is not known; it was not when anybody last looked, at",
            WARN,
        ),
        (
            Downstream(AS_APPROVED, 2, 1, (), AT, True, unseen_running=1, right=3, unseen_right=1),
            "running in 1 place, and last seen in 1 more where nobody has looked lately",
            "unmodified in 2 of 3 places, and not known in the others, where nobody has looked lately, at",
            WARN,
        ),
        (
            Downstream(ALTERED, 0, 0, ("shop/api:1",), AT),
            "running nowhere that anybody looked",
            "altered downstream: shop/api:1 has another digest in its place, seen at",
            BAD,
        ),
        (
            Downstream(ALTERED, 1, 0, ("a", "b", "c", "d"), AT),
            "running in 1 place",
            "altered downstream: a, b, c and 1 more have another digest in its place, seen at",
            BAD,
        ),
        (Downstream(MISPLACED, 1, 0, ("a",), AT), "running in 1 place", "found where another artifact was approved: a, seen at", BAD),
        (Downstream(UNAPPROVED, 1, 0, ("a", "b"), AT), "running in 1 place", "found where nobody approved it: a and b, seen at", BAD),
        (
            Downstream(GONE, 0, 0, (), AT),
            "running nowhere that anybody looked",
            "replaced in the places that had it, last seen at",
            UNKNOWN,
        ),
        (
            Downstream(NOT_COMPARED, 1, 0, (), AT),
            "running in 1 place",
            "whether it was modified is not known, because what was seen settles nothing, last at",
            UNKNOWN,
        ),
    ],
)
def test_what_became_of_it(found: Downstream, where: str, intact: str, tone: str) -> None:
    clauses = tell_sentence(Facts(made(), (), found))
    assert [clause.words for clause in clauses[-2:]] == [where, intact]
    assert (clauses[-1].tone, clauses[-1].at) == (tone, AT)


@pytest.mark.parametrize(
    ("repository", "commit", "words"),
    [
        ("https://github.com/acme/payments-api", "b7e2f4a0aa", "acme/payments-api@b7e2f4a"),
        ("git+https://gitlab.example/group/sub/app.git", "", "group/sub/app"),
        ("app", "c0ffee0123", "app@c0ffee0"),
    ],
)
def test_a_source_is_said_short(repository: str, commit: str, words: str) -> None:
    assert short_source(repository, commit) == words


@pytest.mark.parametrize(
    ("builder", "words"),
    [
        ("https://github.com/acme/api/.github/workflows/release.yml@refs/tags/v1", "release.yml"),
        ("https://cloudbuild.example/GoogleHostedWorker@v1", "cloudbuild.example/GoogleHostedWorker@v1"),
    ],
)
def test_a_builder_is_said_short(builder: str, words: str) -> None:
    assert short_builder(builder) == words
