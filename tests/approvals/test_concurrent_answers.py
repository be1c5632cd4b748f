"""Two people answer at the same moment, or one answers while the request changes: one defined end, on both databases.

Each pair starts from one barrier, several times, and whichever comes first, what is kept fits together.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.live import live_portal
from tests.throwaway import throwaway_database

pytestmark = pytest.mark.slow
ROUNDS = 2
RACES = """
import json, pathlib, threading
from datetime import timedelta
from django.db import connection
from approvals.models import Approval, OutcomeStatement, Record, Request, RequestState, Supersession, Withdrawal
from approvals.requests.follow_ground import follow_ground
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.revise import revise_request
from approvals.requests.withdraw import withdraw_request
from gates.decide import decide
from ledger.keys import create_portal_keys
from ledger.models import Entry
from ledger.publish import publish_checkpoint
from proofs.errors import Refusal
from tests import cast, make_approvals as make
from tests.make_observations import observe, said

create_portal_keys()
stage = make.set_stage()
alice, ivan, bob = cast.alice(), cast.person("ivan", "Ivan Petrov", "approver:release"), cast.bob()
keys = {person.pk: make.enrol(person) for person in (alice, ivan)}

def at_once(*acts):
    barrier, ends = threading.Barrier(len(acts)), [""] * len(acts)
    def run(which):
        barrier.wait()
        try:
            acts[which]()
            ends[which] = "kept"
        except Refusal as refusal:
            ends[which] = refusal.code
        except Exception as error:
            ends[which] = repr(error)
        finally:
            connection.close()
    threads = [threading.Thread(target=run, args=(which,)) for which in range(len(acts))]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return ends

def offered(request, person, decision="approve"):
    passkey, key = keys[person.pk]
    ceremony = make.begin(request, person, key, decision=decision, reason="" if decision == "approve" else "It is not tested.")
    return lambda: make.complete(ceremony, passkey)

def entry_of(request, event):
    return max(Entry.objects.filter(event=event, ref_digest=request.revisions.latest("number").snapshot_id).values_list("pk", flat=True), default=0)

def ask_for_two():
    policy = make.store_policy(source=make.POLICY.format(version=2, count=2), by=make.erin(), now=make.NOW)
    make.activate_policy(policy=policy, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=make.NOW)

def race(kind, number):
    if (kind, number) == ("approve", 0):
        ask_for_two()
    tag = f"{kind}-{number}"
    make.send_provenance(stage, tag=tag)
    request = make.ask(tag=tag, name=f"payments/{kind}-{number}", by=bob)
    second = {
        "approve": lambda: offered(request, ivan),
        "reject": lambda: offered(request, ivan, "reject"),
        "revise": lambda: lambda: revise_request(request=request, by=None, now=make.NOW),
        "withdraw": lambda: lambda: withdraw_request(request=request, reason="Not now.", by=bob, now=make.NOW),
        "supersede": lambda: lambda: make.ask(tag=tag + "-newer", name=f"payments/{kind}-{number}", by=bob),
    }[kind]()
    ends = at_once(offered(request, alice), second)
    publish_checkpoint(now=make.NOW)
    of_alice = Record.objects.filter(approval__revision__request=request, approval__identity=alice).first()
    return {
        "ends": ends,
        "status": RequestState.objects.get(request=request).status,
        "approvals": Approval.objects.filter(revision__request=request).count(),
        "records": Record.objects.filter(approval__revision__request=request).count(),
        "outcomes": OutcomeStatement.objects.filter(revision__request=request, type="svr").count(),
        "revisions": request.revisions.count(),
        "superseded": Supersession.objects.filter(request=request).count(),
        "approved_first": of_alice is not None and of_alice.entry_id < entry_of(request, "request.revised"),
        "gate": decide(digest=make.image(tag), environment_slug="production", by=cast.runner(), now=make.NOW).outcome,
    }

def follow(kind, number):
    tag = f"ground-{kind}-{number}"
    name, soon = f"payments/{tag}", make.NOW + timedelta(minutes=3)
    there = {"location": f"registry.example/{name}", "tag": tag}
    observe(said(**there))
    make.send_provenance(stage, tag=tag)
    request = make.ask(tag=tag, name=name, by=bob, now=make.NOW + timedelta(minutes=1))
    observe(said(**there, digest="sha256:" + "ee" * 32, at=make.NOW + timedelta(minutes=2)), now=make.NOW + timedelta(minutes=2))
    worker = lambda: follow_ground(now=soon)
    ends = at_once(worker, worker if kind == "twice" else lambda: withdraw_request(request=request, reason="Not now.", by=bob, now=soon))
    follow_ground(now=soon)
    return {
        "ends": ends,
        "status": RequestState.objects.get(request=request).status,
        "revisions": request.revisions.count(),
        "revised": Entry.objects.filter(event="request.revised", ref_digest__in=request.revisions.values("snapshot")).count(),
        "after": Withdrawal.objects.filter(request=request, entry__lt=entry_of(request, "request.revised")).exists(),
    }

found = {f"follow-{kind}": [follow(kind, number) for number in range(ROUNDS)] for kind in ("twice", "withdraw")}
found |= {kind: [race(kind, number) for number in range(ROUNDS)] for kind in ("reject", "revise", "withdraw", "supersede", "approve")}
pathlib.Path(FOUND).write_text(json.dumps(found))
"""


Races = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def races(tmp_path_factory: pytest.TempPathFactory) -> Races:
    """Let Alice approve while each of these things happens, and tell what came of every race, by what happened."""
    folder = tmp_path_factory.mktemp("races")
    found = folder / "found.json"
    chosen = f"ROUNDS, FOUND = {ROUNDS}, {str(found)!r}\n"
    with throwaway_database() as url, live_portal(folder, database_url=url) as portal:
        portal.manage("shell", "-v0", "-c", chosen + RACES)
    told: Races = json.loads(found.read_text())
    assert [len(each) for each in told.values()] == [ROUNDS] * 7
    return told


def answers(one: dict[str, Any], *names: str) -> tuple[Any, ...]:
    assert one["approvals"] == one["records"]
    return tuple(one[name] for name in names)


def test_two_who_approve_at_once_both_count(races: Races) -> None:
    for one in races["approve"]:
        assert answers(one, "ends", "status", "approvals", "outcomes", "gate") == (["kept", "kept"], "approved", 2, 1, "allow")


def test_an_approval_beside_a_no_does_not_stand(races: Races) -> None:
    for one in races["reject"]:
        first = one["ends"][0] == "kept"
        assert one["ends"] == ["kept" if first else "request.closed", "kept"]
        assert answers(one, "status", "approvals", "gate") == ("rejected", 1 + first, "deny")


def test_an_approval_is_of_the_revision_before_or_of_none(races: Races) -> None:
    for one in races["revise"]:
        first = one["ends"][0] == "kept"
        assert one["ends"] == ["kept" if first else "request.stale_snapshot", "kept"]
        assert answers(one, "status", "revisions", "gate") == ("stale" if first else "ready", 2, "deny")
        assert one["approved_first"] == first


def test_a_withdrawal_at_once_with_an_approval_is_the_end(races: Races) -> None:
    for one in races["withdraw"]:
        first = one["ends"][0] == "kept"
        assert one["ends"] == ["kept" if first else "request.withdrawn", "kept"]
        assert answers(one, "status", "approvals", "gate") == ("withdrawn", int(first), "deny")


def test_a_newer_request_supersedes_what_is_not_approved_yet(races: Races) -> None:
    for one in races["supersede"]:
        # What people decided is not undone by asking for something else.
        first = one["ends"][0] == "kept"
        assert one["ends"] == ["kept" if first else "request.superseded", "kept"]
        expected = ("approved", 1, 0, "allow") if first else ("superseded", 0, 1, "deny")
        assert answers(one, "status", "approvals", "superseded", "gate") == expected


def test_two_workers_freeze_once_what_a_tag_moved_away_from(races: Races) -> None:
    for one in races["follow-twice"]:
        assert one["ends"] == ["kept", "kept"]
        assert (one["revisions"], one["revised"]) == (2, 1)


def test_nothing_that_was_withdrawn_is_frozen_anew(races: Races) -> None:
    for one in races["follow-withdraw"]:
        assert one["ends"] == ["kept", "kept"]
        assert one["status"] == "withdrawn"
        assert not one["after"]
        assert one["revisions"] == 1 + one["revised"] <= 2
