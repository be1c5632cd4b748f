"""An approval in staging is revoked in the moment in which a gate to production rests on it, or somebody signs there: one defined end, on both
databases.

Each pair starts from one barrier, several times, and whichever comes first, what is kept fits together.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.live import live_portal
from tests.throwaway import throwaway_database

pytestmark = pytest.mark.slow
ROUNDS = 3
RACES = """
import json, pathlib, threading
from django.db import connection
from approvals.models import Approval, ApprovalEnd, Record, RequestState
from gates.decide import decide
from gates.models import Decision
from ledger.keys import create_portal_keys
from ledger.publish import publish_checkpoint
from proofs.errors import Refusal
from tests import cast, make_approvals as make, make_statements

create_portal_keys()
NOW = make.NOW
make.set_stage(source=make.NO_EVIDENCE + "  - {{id: staging, kind: approved-in, title: Staging first, environment: staging}}\\n")
place = make.staging()
alice, ivan, bob = cast.alice(), cast.person("ivan", "Ivan Petrov", "approver:release"), cast.bob()
keys = {person.pk: make_statements.passkey_of(person) for person in (alice, ivan)}

def at_once(*acts):
    barrier, ends = threading.Barrier(len(acts)), [""] * len(acts)
    def run(which):
        barrier.wait()
        try:
            ends[which] = str(acts[which]() or "kept")
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

def offered(request, person):
    passkey, key = keys[person.pk]
    ceremony = make.begin(request, person, key)
    return lambda: make.complete(ceremony, passkey) and None

def gate(tag):
    return decide(digest=make.image(tag), environment_slug="production", by=cast.runner(), now=NOW).outcome

def race(kind, number):
    tag = f"{kind}-{number}"
    first = make.ask(tag=tag, name=f"payments/{tag}", by=bob, environment=place)
    offered(first, ivan)()
    request = make.ask(tag=tag, name=f"payments/{tag}", by=bob)
    approve = offered(request, alice)
    if kind == "gate":
        approve()
    publish_checkpoint(now=NOW)
    approval = first.revisions.get().approvals.get()
    begun = make_statements.begin(approval, ivan)
    revoke = lambda: make_statements.complete(begun) and None
    ends = at_once(revoke, (lambda: gate(tag)) if kind == "gate" else approve)
    publish_checkpoint(now=NOW)
    asked = Decision.objects.filter(artifact_digest=make.image(tag)).first()
    told = {
        "ends": ends,
        "revoked": ApprovalEnd.objects.filter(approval=approval).count(),
        "asked_first": asked is not None and asked.entry_id < ApprovalEnd.objects.get(approval=approval).entry_id,
        "approvals": Approval.objects.filter(revision__request=request).count(),
        "records": Record.objects.filter(approval__revision__request=request).count(),
        "gate": gate(tag),
    }
    make.refresh()
    return {**told, "status": RequestState.objects.get(request=request).status, "gate_later": gate(tag)}

found = {kind: [race(kind, number) for number in range(ROUNDS)] for kind in ("gate", "sign")}
pathlib.Path(FOUND).write_text(json.dumps(found))
"""

Races = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def races(tmp_path_factory: pytest.TempPathFactory) -> Races:
    """Let Ivan revoke in staging while each of these things happens, and tell what came of every race, by what happened."""
    folder = tmp_path_factory.mktemp("races")
    found = folder / "found.json"
    chosen = f"ROUNDS, FOUND = {ROUNDS}, {str(found)!r}\n"
    with throwaway_database() as url, live_portal(folder, database_url=url) as portal:
        portal.manage("shell", "-v0", "-c", chosen + RACES)
    told: Races = json.loads(found.read_text())
    assert [len(each) for each in told.values()] == [ROUNDS] * 2
    return told


def test_a_gate_answered_before_the_revocation_or_answers_no(races: Races) -> None:
    for one in races["gate"]:
        assert one["ends"] == ["kept", "allow" if one["asked_first"] else "deny"]
        assert (one["revoked"], one["gate"], one["gate_later"]) == (1, "deny", "deny")


def test_who_signs_in_that_moment_signs_before_it_or_not_at_all_and_no_gate_opens(races: Races) -> None:
    for one in races["sign"]:
        assert one["ends"][0] == "kept"
        assert one["approvals"] == one["records"] == (one["ends"][1] == "kept")
        assert (one["revoked"], one["gate"], one["status"], one["gate_later"]) == (1, "deny", "blocked", "deny")
