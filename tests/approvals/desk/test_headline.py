"""What changed, in three tokens and a sentence: from a snapshot alone."""

from __future__ import annotations

from typing import Any

import pytest

from approvals.models import RequestState
from approvals.requests.headline import rebuild_headlines, top_changes
from approvals.requests.snapshot import read_snapshot
from attestations.blobs import bytes_of
from tests import cast
from tests import make_approvals as make


def area(name: str, token: str, severity: str = "none", state: str = "changed") -> dict[str, Any]:
    return {"area": name, "state": state, "severity": severity, "token": token, "sentence": "", "changes": [], "more": 0}


def compared(*areas: dict[str, Any], signals: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"comparison": {"areas": list(areas), "signals": list(signals)}}


def test_three_at_most_and_the_gravest_first() -> None:
    areas = (
        area("packages", "+2", "notice"),
        area("identities", "1 new", "high", "new"),
        area("source", "7 commits"),
        area("policy", "Loosened", "medium"),
    )
    assert top_changes(compared(*areas)) == (["Identities 1 new", "Policy loosened", "Dependencies +2"], "")


def test_a_tool_is_called_as_it_is_called() -> None:
    assert top_changes(compared(area("agent", "DropTable"), area("builder", "Set otherwise"))) == (
        ["Agent DropTable", "Builder set otherwise"],
        "",
    )


def test_that_all_is_new_is_said_once() -> None:
    areas = (area("builder", "New", state="new"), area("source", "7 commits", state="new"))
    assert top_changes(compared(*areas)) == (["Source 7 commits"], "")


@pytest.mark.parametrize("state", ["same", "unknown"])
def test_not_what_is_as_before_or_unknown(state: str) -> None:
    assert top_changes(compared(area("builder", "Other builder", "high", state))) == ([], "")


def test_the_first_signal_says_the_sentence() -> None:
    signals = ({"id": "A", "level": "ack", "sentence": "New identity"}, {"id": "B", "level": "notice", "sentence": "Something else"})
    assert top_changes(compared(signals=signals)) == ([], "New identity")


@pytest.mark.parametrize("snapshot", [{}, {"comparison": None}, {"comparison": {}}])
def test_an_older_snapshot_says_nothing(snapshot: dict[str, Any]) -> None:
    assert top_changes(snapshot) == ([], "")


@pytest.mark.django_db
def test_a_revision_keeps_it_and_it_can_be_made_again() -> None:
    cast.alice()
    make.send_provenance(make.set_stage())
    request = make.ask()
    state = RequestState.objects.get(request=request)
    revision = request.revisions.get()
    tokens, sentence = top_changes(read_snapshot(bytes_of(revision.snapshot)))
    assert sentence
    assert (state.revision, state.headline["tokens"], state.headline["sentence"]) == (revision, tokens, sentence)
    RequestState.objects.update(headline=None, revision=None)
    assert rebuild_headlines() == 1
    rebuilt = RequestState.objects.get(request=request)
    assert (rebuilt.headline, rebuilt.revision) == (state.headline, revision)
