"""An approved action of an agent is let through once, to who carries it out, and to no agent that asked for it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from approvals.models import ApprovalUse, Request
from approvals.requests.open_request import AskedArtifact, open_request
from gates.decide import decide
from gates.models import Decision
from gates.read_status import read_status
from identities.models import Identity
from ledger.models import Entry
from proofs.approval.status_statement import parse_status
from proofs.approval.subjects import build_agent_action
from proofs.dsse import parse_envelope
from tests import cast, make_changes
from tests import make_approvals as make
from tests.live import live_portal
from tests.throwaway import throwaway_database

LATER = make.NOW + timedelta(minutes=1)


def agent(name: str = "fixer", kind: str = "agent") -> Identity:
    return cast.register_nonhuman(
        name=name, issuer="https://agents.example", subject=name, kind=kind, owner=cast.bob(), team=cast.payments(), by=None, now=make.NOW
    )


def approved_action(executor: Identity | None = None, by: Identity | None = None) -> tuple[Request, Identity]:
    """An action that an agent asked for and alice approved, and the agent."""
    make.set_stage(source=make.NO_EVIDENCE)
    fixer = agent()
    subject = build_agent_action(
        tool="kubectl",
        arguments={"replicas": 3},
        target="cluster-1",
        plan_digest=None,
        agent={"issuer": fixer.issuer, "subject": fixer.subject},
        executor={"issuer": executor.issuer, "subject": executor.subject} if executor else None,
    )
    request = open_request(
        project=cast.payments_api(),
        environment=cast.production(),
        title="Scale up",
        artifacts=[],
        kind="agent-action",
        subject=subject,
        by=by or fixer,
        now=LATER,
    )
    make.approve(request, cast.alice(), now=LATER)
    return request, fixer


def ask_gate(request: Request, by: Identity | None = None) -> Decision:
    digest = request.artifacts.get().artifact_id
    return decide(digest=digest, environment_slug="production", by=by or cast.runner(), now=LATER)


def codes(decision: Decision) -> list[str]:
    return [reason["code"] for reason in decision.reasons]


@pytest.mark.django_db
class TestOneUse:
    def test_the_first_gate_is_told_yes_and_the_second_that_it_is_used(self) -> None:
        request, _ = approved_action()
        first, second = ask_gate(request), ask_gate(request)
        assert (first.outcome, second.outcome, codes(second)) == ("allow", "deny", ["approval.used"])
        use = ApprovalUse.objects.get()
        assert (use.request, use.decision_id, use.by, use.n) == (request, first.pk, cast.runner(), 1)
        assert Entry.objects.filter(event="request.claimed").count() == 1

    def test_a_release_of_the_same_document_brings_no_second_use(self) -> None:
        request, _ = approved_action()
        assert ask_gate(request).outcome == "allow"
        digest = request.artifacts.get().artifact_id
        release = open_request(
            project=cast.payments_api(),
            environment=cast.production(),
            title="A release",
            artifacts=[AskedArtifact(digest, "")],
            by=cast.bob(),
            now=LATER,
        )
        make.approve(release, cast.person("kim", "Kim Osei", "approver:release"), now=LATER)
        again = ask_gate(request)
        assert (again.outcome, codes(again)) == ("deny", ["scope.kind"])
        status = parse_status(parse_envelope(read_status(release, now=LATER)).payload)
        assert (status.state, ApprovalUse.objects.count()) == ("unknown", 1)

    def test_a_status_of_what_was_used_is_not_valid(self) -> None:
        request, _ = approved_action()
        valid = json.loads(parse_envelope(json.dumps(read_status(request, now=LATER)).encode()).payload)["predicate"]["state"]
        ask_gate(request)
        used = json.loads(parse_envelope(json.dumps(read_status(request, now=LATER)).encode()).payload)["predicate"]["state"]
        assert (valid, used) == ("valid", "unknown")

    def test_the_agent_that_asked_may_not_claim_and_uses_nothing_up(self) -> None:
        request, fixer = approved_action()
        assert codes(ask_gate(request, by=fixer)) == ["approval.not_executor"]
        assert codes(ask_gate(request, by=agent("other"))) == ["approval.not_executor"]
        assert not ApprovalUse.objects.exists()
        assert ask_gate(request).outcome == "allow"

    def test_the_program_the_document_names_may_claim(self) -> None:
        hands = agent("hands")
        request, _ = approved_action(executor=hands)
        assert ask_gate(request, by=hands).outcome == "allow"

    def test_the_program_that_asked_for_the_agent_may_not_claim(self) -> None:
        platform = agent("platform", kind="service")
        request, _ = approved_action(by=platform)
        assert codes(ask_gate(request, by=platform)) == ["approval.not_executor"]

    def test_a_release_has_no_uses_to_count(self) -> None:
        make.send_provenance(make.set_stage())
        request = make.ask()
        make.approve(request, cast.alice())
        assert [ask_gate(request).outcome for _ in range(2)] == ["allow", "allow"]

    def test_a_decision_that_takes_effect_in_the_portal_opens_no_gate(self) -> None:
        make.set_stage()
        request = make_changes.propose(make_changes.version(2))
        assert codes(ask_gate(request)) == ["scope.kind"]


PREPARE = """
import pathlib
from ledger.keys import create_portal_keys
from tests.gates import test_one_use
create_portal_keys()
request, _ = test_one_use.approved_action()
pathlib.Path({about!r}).write_text(request.pk)
"""
ASK = """
import pathlib, time
from approvals.models import Request
from tests.gates import test_one_use
request = Request.objects.get(pk=pathlib.Path({about!r}).read_text())
pathlib.Path({ready!r} + str(time.monotonic_ns())).touch()
while len(list(pathlib.Path({ready!r}).parent.glob("ready-*"))) < 2:
    time.sleep(0.001)
decision = test_one_use.ask_gate(request)
print(decision.outcome, *test_one_use.codes(decision))
"""


@pytest.mark.slow
def test_of_two_gates_at_once_one_is_told_yes(tmp_path: Path) -> None:
    about, ready = str(tmp_path / "about"), str(tmp_path / "ready-")
    with throwaway_database() as url, live_portal(tmp_path, database_url=url) as portal:
        portal.manage("shell", "-v0", "-c", PREPARE.format(about=about))
        script = ASK.format(about=about, ready=ready)
        with ThreadPoolExecutor(2) as pool:
            ends = list(pool.map(lambda one: portal.manage("shell", "-v0", "-c", one).stdout.strip(), [script, script]))
    assert sorted(ends) == ["allow", "deny approval.used"]
