"""A portal that shows the person one thing and asks for a signature over another: request, snapshot, roles and moments.

Everything here is really signed by the person's passkey and re-signed by the portal. The numbers are the steps of `proofs.pack.verify`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proofs.approval.approval_parts import EnvironmentReference, MissingEvidence
from proofs.canonical import canonical_bytes, parse_json
from proofs.errors import Refusal
from proofs.pack.check_policy import check_same_question
from tests.passkey import SoftPasskey
from tests.proofs.factory import bundle
from tests.proofs.pack.lies import DAY, HOUR, MINUTE, WORLD, check, code_of, code_when_signed, policy_of
from tests.proofs.pack.world import ARTIFACT, BOB, NOON, ORIGIN, Signing, World, alice

Change = Callable[[dict[str, Any]], object]
ALICE = {"kind": "person", "issuer": ORIGIN, "subject": "01ALICE"}
RUNNER = {"kind": "workflow", "issuer": "https://ci.example", "subject": "repo:payments/api"}
OTHER = "sha256:" + "cd" * 32


def world_whose_request_says(change: Change, *, world: World | None = None) -> World:
    """Return a world whose portal keeps another request than the statement tells the person about."""
    world = world or World()
    request = parse_json(world.request)
    change(request)
    world.request = canonical_bytes(request)
    return world


def world_whose_page_says(change: Change) -> World:
    """Return a world in which the person's page was drawn from something else than what is decided."""
    world = World()
    snapshot = parse_json(world.snapshot)
    change(snapshot)
    world.snapshot = canonical_bytes(snapshot)
    return world


class TestStep13EnvironmentNames:
    """An environment's name that looks like another one's id."""

    @pytest.mark.parametrize(("identifier", "name"), [("production", "staging"), ("env_1", "env_production"), ("env_", "production")])
    def test_refuses_an_id_that_is_a_name_and_a_name_that_is_an_id(self, identifier: str, name: str) -> None:
        environment = EnvironmentReference(identifier, name, 1)
        with pytest.raises(Refusal) as refused:
            World().pack(alice(changes={"environment": environment}))
        assert refused.value.code == "approval.malformed"


class TestStep15OneMoment:
    def late(self, **more: Any) -> Signing:
        """Carol, who signs a week after alice's approval has run out."""
        issued = NOON + 7 * DAY
        world = WORLD.approval(alice())
        changes = {
            "validity": replace(world.validity, issued_at=issued, not_before=issued, not_after=issued + 72 * HOUR),
            **more,
        }
        return Signing(SoftPasskey(), subject="01CAROL", username="carol", checked_at=issued + MINUTE, changes=changes)

    def test_refuses_two_approvals_that_were_never_valid_together(self) -> None:
        world = World(policy=policy_of(count=2))
        issued = NOON + 7 * DAY
        ceremony = replace(world.approval(alice()).ceremony, expires_at=issued + 5 * MINUTE)
        assert code_of(world.pack(alice(), self.late(ceremony=ceremony)), trust=world.trust, at=None) == "validity.not_together"

    def test_refuses_a_moment_before_the_signature_was_checked(self) -> None:
        world = World()
        validity = replace(world.approval(alice()).validity, not_before=NOON)
        ceremony = replace(world.approval(alice()).ceremony, expires_at=NOON + 4 * MINUTE)
        late = alice(checked_at=NOON + 3 * MINUTE, changes={"validity": validity, "ceremony": ceremony})
        assert code_of(world.pack(late), trust=world.trust, at=NOON + MINUTE) == "validity.not_yet_given"

    def test_without_a_moment_it_is_when_the_last_signature_was_checked(self) -> None:
        world = World(policy=policy_of(count=2))
        carol = Signing(SoftPasskey(), subject="01CAROL", username="carol", checked_at=NOON + 3 * MINUTE)
        assert check(world.pack(alice(), carol), trust=world.trust, at=None).at == NOON + 3 * MINUTE


class TestStep20Owner:
    def test_refuses_the_person_who_answers_for_the_program_that_asked(self) -> None:
        assert code_when_signed(alice(), World(requester=RUNNER, owner=ALICE)) == "sod.violation"

    def test_the_owner_stands_among_the_excluded_and_others_may_approve(self) -> None:
        world = World(requester=RUNNER, owner=BOB)
        assert check(world.pack(), trust=world.trust).approvals[0].username == "alice"
        excluded = world.approval(alice()).separation_of_duties.excluded
        assert (excluded[0].subject, excluded[0].because) == ("01BOB", ("owner",))

    def test_refuses_a_statement_that_leaves_the_owner_of_the_request_out(self) -> None:
        labels = {"name": "alice", "id": "idn_2"}
        world = world_whose_request_says(lambda request: request.update(owner={**ALICE, **labels}), world=World(requester=RUNNER))
        assert code_when_signed(alice(), world) == "request.mismatch"


class TestStep21Request:
    def test_refuses_a_requester_who_approves_behind_a_statement_that_names_somebody_else(self) -> None:
        """The request says alice asked; the statement says bob did, and alice signs it."""
        world = world_whose_request_says(lambda request: request["requester"].update(subject="01ALICE"))
        assert code_when_signed(alice(), world) == "request.mismatch"

    @pytest.mark.parametrize(
        "change",
        [
            lambda request: request.update(id="req_2"),
            lambda request: request.update(revision=2),
            lambda request: request.update(kind="rotation"),
            lambda request: request.update(project="ledger"),
            lambda request: request.update(team="platform"),
            lambda request: request["environment"].update(name="staging"),
            lambda request: request["environment"].update(tier=1),
            lambda request: request["artifacts"][0].update(digest=OTHER),
            lambda request: request["artifacts"].append({"digest": OTHER, "name": "more"}),
            lambda request: request.update(onBehalfOf={**ALICE, "name": "alice", "id": "idn_2"}),
            lambda request: request["policy"].update(sha256="ab" * 32),
            lambda request: request["evidence"].clear(),
            lambda request: request["evidence"][0]["verdictDigest"].update(sha256="ab" * 32),
            lambda request: request.update(schema="countersign-request/v2"),
            lambda request: request.update(more=1),
            lambda request: request.pop("title"),
            lambda request: request.update(requester=None),
            lambda request: request["requester"].pop("name"),
            lambda request: request.update(frozenAt="2098-01-01T00:00:00Z"),
        ],
    )
    def test_refuses_a_request_that_asks_something_else(self, change: Change) -> None:
        assert code_when_signed(alice(), world_whose_request_says(change)) == "request.mismatch"

    @pytest.mark.parametrize("content", [b"\xff not json", b"GIF89a", b'{"id": "req_1"}', b"[]", b"{}"])
    def test_refuses_a_request_or_a_snapshot_that_is_none(self, content: bytes) -> None:
        world = World()
        world.request = content
        assert code_when_signed(alice(), world).partition(".")[0] in ("json", "request")
        page = World()
        page.snapshot = content
        assert code_when_signed(alice(), page).partition(".")[0] in ("json", "snapshot")


class TestStep21Snapshot:
    @pytest.mark.parametrize(
        "change",
        [
            lambda page: page["request"].update(revision=2),
            lambda page: page["request"]["digest"].update(sha256="ab" * 32),
            lambda page: page["request"].update(title="something harmless"),
            lambda page: page["project"].update(slug="ledger"),
            lambda page: page["environment"].update(slug="staging"),
            lambda page: page["environment"].update(tier=1),
            lambda page: page["requester"].update(subject="01CAROL"),
            lambda page: page.update(owner=page["requester"]),
            lambda page: page["artifacts"][0].update(digest=OTHER),
            lambda page: page["policy"].update(minimumAssurance="H0"),
            lambda page: page["policy"]["inputDigest"].update(sha256="ab" * 32),
            lambda page: page["policy"]["rules"][0].update(outcome="fail"),
            lambda page: page["policy"]["excluded"].clear(),
            lambda page: page["evidence"][0].update(result="rejected"),
            lambda page: page["evidence"][0].update(reason="All is well."),
            lambda page: page["evidence"][0]["findings"].clear(),
            lambda page: page["evidence"][0]["signer"].update(identity="https://github.com/trusted/x"),
            lambda page: page["evidence"][0].update(format="dsse"),
            lambda page: page["evidence"].append(page["evidence"][0]),
            lambda page: page["trails"][0].update(artifact=OTHER),
            lambda page: page["note"].update(checked=True),
            lambda page: page.update(more=1),
        ],
    )
    def test_refuses_a_page_drawn_from_something_else(self, change: Change) -> None:
        assert code_when_signed(alice(), world_whose_page_says(change)) == "snapshot.mismatch"


class TestStep21Words:
    """The snapshot is right, and the statement beside it words it differently."""

    @pytest.mark.parametrize(
        "change",
        [
            {"name": "https://slsa.dev/verification_summary/v1"},
            {"signer": "https://github.com/trusted/x/.github/workflows/y.yml@refs/heads/main"},
            {"signer": ""},
            {"media_type": "text/plain"},
            {"shown": False},
        ],
    )
    def test_refuses_evidence_named_differently_or_not_shown(self, change: dict[str, Any]) -> None:
        world = World()
        reference = replace(world.approval(alice()).evidence[0], **change)
        assert code_when_signed(alice(changes={"evidence": (reference,)}), world) == "review.mismatch"

    @pytest.mark.parametrize(
        "change",
        [
            {"summary": "Approve a harmless change for staging."},
            {"channel": "cli"},
            {"locale": "de"},
            {"acknowledged": (("NEW_BUILDER", "ab" * 32),)},
        ],
    )
    def test_refuses_another_summary_or_page(self, change: dict[str, Any]) -> None:
        world = World()
        review = replace(world.approval(alice()).review, **change)
        assert code_when_signed(alice(changes={"review": review}), world) == "review.mismatch"

    def test_refuses_evidence_said_to_be_missing_that_is_not(self) -> None:
        missing = (MissingEvidence("Build provenance", "warning"),)
        assert code_when_signed(alice(changes={"missing_evidence": missing})) == "review.mismatch"


class TestStep22Roles:
    @pytest.mark.parametrize("scope", ["team:platform", "project:ledger", "project:payments", "team:payments-api", "payments"])
    def test_refuses_a_role_held_somewhere_else(self, scope: str) -> None:
        assert code_when_signed(alice(scope=scope)) == "signer.role_scope"

    @pytest.mark.parametrize("scope", ["team:payments", "project:payments-api"])
    def test_accepts_a_role_held_in_the_project_or_its_team(self, scope: str) -> None:
        world = World()
        assert check(world.pack(alice(scope=scope)), trust=world.trust).approvals[0].username == "alice"

    def test_refuses_approvals_of_different_questions(self) -> None:
        one = WORLD.approval(alice())
        check_same_question([one, replace(one, policy=replace(one.policy, engine_version="0.2.0"))])
        for change in (
            {"request": replace(one.request, revision=2)},
            {"policy": replace(one.policy, digest="ab" * 32)},
            {"evidence": ()},
        ):
            with pytest.raises(Refusal) as refused:
                check_same_question([one, replace(one, **change)])
            assert refused.value.code == "approval.other_question"


def test_rejected_evidence_keeps_its_place_in_the_documents() -> None:
    world = World(evidence=(b'{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AAAA"}]}', bundle()))
    report = check(world.pack(), trust=world.trust, digest=ARTIFACT)
    assert [item.name for item in report.evidence] == ["unreadable claim", "https://slsa.dev/provenance/v1"]
