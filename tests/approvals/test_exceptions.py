"""A rule is waived by whom the policy names, for what they named, until a moment; and never for anything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from approvals.exceptions.list_waivers import list_waivers
from approvals.exceptions.withdraw_waiver import withdraw_waiver
from approvals.models import Approval, Request, RequestState, Revision, Waiver, WaiverEnd
from approvals.packs.build import build_pack
from approvals.policies.versions import activate_policy
from approvals.policies.waivers import live_waivers
from approvals.requests.refresh import is_outdated
from approvals.requests.status import compute_standing
from approvals.requests.withdraw import withdraw_request
from approvals.revocation.revoke_by_portal import revoke_compromised
from approvals.trust import current_trust
from gates.decide import decide
from gates.models import Decision
from identities.keys.enrol import revoke_signing_key
from identities.models import Environment
from ledger.models import Entry
from proofs.approval.portal_statement import parse_portal_statement
from proofs.canonical import canonical_bytes, parse_canonical, parse_json
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.pack import layout
from proofs.pack.verify import verify_pack
from tests import cast, make_statements
from tests import make_approvals as make
from tests import make_changes as changes

pytestmark = pytest.mark.django_db
NOW = make.NOW
LATER = NOW + timedelta(minutes=5)


def refused(code: str) -> pytest.RaisesExc[Refusal]:
    return pytest.raises(Refusal, match=f"^{code}: ")


def newest(request: Request) -> Revision:
    revision = request.revisions.order_by("-number").first()
    assert revision is not None
    return revision


def outcome(request: Request) -> dict[str, str]:
    rules = parse_canonical(bytes(newest(request).policy_result.content))["rules"]
    return {rule["id"]: rule["outcome"] for rule in rules}


def gate(*, minutes: int = 10, digest: str | None = None) -> Decision:
    return decide(digest=digest or make.image(), environment_slug="production", by=cast.runner(), now=NOW + timedelta(minutes=minutes))


def codes(decision: Decision) -> list[str]:
    return [reason["code"] for reason in decision.reasons]


@pytest.fixture
def blocked() -> Request:
    """A request without the provenance that its policy asks for, which may be waived."""
    make.set_stage(source=changes.WAIVABLE)
    return make.ask()


@pytest.fixture
def waived(blocked: Request) -> tuple[Request, Waiver]:
    """The same with the rule waived, brought up to date, and approved."""
    waiver = changes.waive(blocked)
    make.refresh(now=LATER)
    make.approve(blocked, cast.alice(), now=LATER)
    return blocked, waiver


class TestGranted:
    def test_the_rule_is_waived_and_the_release_can_be_approved(self, blocked: Request) -> None:
        assert compute_standing(blocked, now=NOW).status == RequestState.Status.COLLECTING
        waiver = changes.waive(blocked)
        make.refresh(now=LATER)
        assert outcome(blocked)["provenance"] == "waived"
        rule = parse_canonical(bytes(newest(blocked).policy_result.content))["rules"][0]
        assert rule["waiver"] == waiver.pk
        assert rule["sentence"].startswith("Waived until 2026-03-09T09:00:00Z.")
        make.approve(blocked, cast.alice(), now=LATER)
        assert (gate().outcome, gate().enforced) == ("allow", None)

    def test_the_portal_states_which_records_did_it(self, blocked: Request) -> None:
        waiver = changes.waive(blocked)
        statement = parse_portal_statement(parse_envelope(parse_json(bytes(waiver.statement))).payload)
        assert statement.digest == waiver.pk
        assert statement.waiver.reason == "The runner is broken until Friday."
        assert waiver.entry.event == "waiver.granted"
        assert len(statement.records) == 1

    def test_the_statement_lists_it(self, waived: tuple[Request, Waiver]) -> None:
        request, waiver = waived
        payload = parse_canonical(bytes(newest(request).approvals.get().payload))
        assert payload["predicate"]["policy"]["exceptions"] == [{"sha256": waiver.pk}]
        assert payload["predicate"]["review"]["display"]["summary"].endswith(": pass, 1 rule waived.")

    def test_a_release_that_keeps_its_rules_needs_none(self, blocked: Request) -> None:
        changes.waive(blocked)
        assert (
            live_waivers(
                project=blocked.project,
                environment=blocked.environment,
                policy=newest(blocked).policy,
                artifacts={make.image("other")},
                now=NOW,
            )
            == []
        )


class TestWhoDecides:
    def test_neither_who_asks_nor_who_answers_for_it(self, blocked: Request) -> None:
        sam = changes.sam()
        asks = cast.person("rita", "Rita Sol", "requester", "approver:security")
        request = changes.ask_for_exception(blocked, by=asks, owner=sam)
        for person in (asks, sam):
            with refused("sod.violation"):
                changes.answer(request, person)
        changes.answer(request, cast.person("tara", "Tara Moss", "approver:security"))
        assert Waiver.objects.get().owner == sam

    def test_only_whom_the_policy_names_for_it(self, blocked: Request) -> None:
        request = changes.ask_for_exception(blocked)
        with refused("approval.wrong_role"):
            changes.answer(request, cast.alice())
        for person in (cast.carol(), cast.dave()):
            with refused("permission.missing"):
                changes.answer(request, person)

    def test_a_no_grants_nothing(self, blocked: Request) -> None:
        changes.answer(changes.ask_for_exception(blocked), changes.sam(), decision="reject", reason="Mend the runner.")
        assert not Waiver.objects.exists()
        make.refresh(now=LATER)
        assert outcome(blocked)["provenance"] == "fail"

    def test_what_was_granted_is_answered_no_more(self, blocked: Request) -> None:
        waiver = changes.waive(blocked)
        with refused("request.in_effect"):
            changes.answer(waiver.request, cast.person("tara", "Tara Moss", "approver:security"))


class TestRefusals:
    def test_of_who_may_not_ask(self, blocked: Request) -> None:
        for person in (cast.alice(), cast.mallory(), cast.runner()):
            with refused("permission.missing"):
                changes.ask_for_exception(blocked, by=person, owner=cast.bob())

    def test_of_rules_that_cannot_be_waived(self, blocked: Request) -> None:
        with refused("waiver.rule_unknown"):
            changes.ask_for_exception(blocked, rule="nothing")
        with refused("waiver.rule_kind"):
            changes.ask_for_exception(blocked, rule="approval")

    def test_of_a_policy_without_waivers(self) -> None:
        make.set_stage()
        with refused("waiver.not_possible"):
            changes.ask_for_exception(make.ask())

    @pytest.mark.parametrize("days", [0, 15])
    def test_of_an_end_that_the_policy_does_not_allow(self, blocked: Request, days: int) -> None:
        with refused("waiver.until"):
            changes.ask_for_exception(blocked, days=days)

    def test_of_an_owner_outside_the_team(self, blocked: Request) -> None:
        with refused("waiver.owner"):
            changes.ask_for_exception(blocked, owner=cast.mallory())
        with refused("waiver.owner"):
            changes.ask_for_exception(blocked, owner=cast.runner())

    @pytest.mark.parametrize("artifacts", [[], ["sha256:" + "0" * 64]])
    def test_of_artifacts_that_are_not_the_requests(self, blocked: Request, artifacts: list[str]) -> None:
        with refused("waiver.artifacts"):
            changes.ask_for_exception(blocked, artifacts=tuple(artifacts) or [])

    def test_of_an_exception_from_an_exception(self, blocked: Request) -> None:
        with refused("waiver.about"):
            changes.ask_for_exception(changes.ask_for_exception(blocked))

    def test_of_no_reason(self, blocked: Request) -> None:
        with refused("request.text"):
            changes.ask_for_exception(blocked, reason=" ")

    def test_of_the_same_again(self, blocked: Request) -> None:
        changes.waive(blocked)
        with refused("waiver.exists"):
            changes.ask_for_exception(blocked)

    def test_of_the_second_of_two_equal_ones(self, blocked: Request) -> None:
        first, second = changes.ask_for_exception(blocked), changes.ask_for_exception(blocked)
        changes.answer(first, changes.sam())
        with refused("waiver.exists"):
            changes.answer(second, changes.sam())

    def test_of_an_answer_after_the_end_that_was_asked_for(self, blocked: Request) -> None:
        request = changes.ask_for_exception(blocked, days=1)
        with refused("waiver.over"):
            changes.answer(request, changes.sam(), now=NOW + timedelta(days=2))

    def test_of_a_rule_that_changed_while_it_was_open(self, blocked: Request) -> None:
        request = changes.ask_for_exception(blocked)
        tighter = changes.version(2, source=changes.WAIVABLE.replace("registeredSigner: true", "registeredSigner: true\n    signers: 2"))
        activate_policy(policy=tighter, project=blocked.project, environment=blocked.environment, by=make.erin(), now=NOW)
        with refused("waiver.rule_changed"):
            changes.answer(request, changes.sam())


class TestWhatItDoesNotReach:
    def test_another_artifact(self, blocked: Request) -> None:
        changes.waive(blocked)
        other = make.ask(tag="1.4.3")
        make.refresh(now=LATER)
        assert outcome(other)["provenance"] == "fail"

    def test_a_whole_place_reaches_every_artifact_there_and_no_other_place(self, blocked: Request) -> None:
        staging = Environment.objects.create(slug="staging", name="Staging", tier=2, team=cast.payments())
        activate_policy(policy=newest(blocked).policy, project=blocked.project, environment=staging, by=make.erin(), now=NOW)
        changes.waive(blocked, artifacts=None)
        assert outcome(make.ask(tag="1.4.3", now=LATER))["provenance"] == "waived"
        for place, found in ((blocked.environment, 1), (staging, 0)):
            rows = live_waivers(
                project=blocked.project, environment=place, policy=newest(blocked).policy, artifacts={make.image()}, now=LATER
            )
            assert len(rows) == found

    def test_another_rule(self) -> None:
        second = changes.WAIVABLE.replace("  - id: approval", "{again}  - id: approval")
        block = make.POLICY[make.POLICY.index("  - id: provenance") : make.POLICY.index("  - id: approval")]
        make.set_stage(source=second.replace("{again}", block.replace("id: provenance", "id: again")))
        request = make.ask()
        changes.waive(request)
        make.refresh(now=LATER)
        assert (outcome(request)["provenance"], outcome(request)["again"]) == ("waived", "fail")

    def test_a_later_version_with_the_same_rule_and_not_one_with_another(self, blocked: Request) -> None:
        changes.waive(blocked)
        same = changes.version(2, source=changes.WAIVABLE, count=2)
        tighter = changes.version(3, source=changes.WAIVABLE.replace("registeredSigner: true", "registeredSigner: true\n    signers: 2"))
        other_people = changes.version(4, source=changes.WAIVABLE.replace('"approver:security"', '"approver:owner"'))
        none = changes.version(5)
        for policy, found in ((same, 1), (tighter, 0), (other_people, 0), (none, 0)):
            rows = live_waivers(
                project=blocked.project, environment=blocked.environment, policy=policy, artifacts={make.image()}, now=LATER
            )
            assert len(rows) == found, policy.version

    def test_a_place_beyond_its_end(self, waived: tuple[Request, Waiver]) -> None:
        request, _ = waived
        assert gate(minutes=10).outcome == "allow"
        after = 7 * 24 * 60 + 1
        assert is_outdated(newest(request), now=NOW + timedelta(minutes=after))
        assert gate(minutes=after).outcome == "deny"
        make.refresh(now=NOW + timedelta(minutes=after))
        assert outcome(request)["provenance"] == "fail"


class TestWithdraw:
    def test_never_turns_deny_into_allow_and_the_gate_says_why(self, waived: tuple[Request, Waiver]) -> None:
        request, waiver = waived
        assert gate().outcome == "allow"
        withdraw_waiver(waiver=waiver, reason="The runner works again.", by=cast.bob(), now=LATER)
        assert codes(gate()) == ["waiver.ended"]
        make.refresh(now=NOW + timedelta(minutes=6))
        assert outcome(request)["provenance"] == "fail"
        assert gate(minutes=11).outcome == "deny"
        assert Entry.objects.filter(event="waiver.withdrawn").count() == 1

    def test_the_request_is_not_taken_back_while_the_waiver_lives(self, waived: tuple[Request, Waiver]) -> None:
        """It would read as withdrawn, and go on opening gates."""
        _, waiver = waived
        with refused("request.in_effect"):
            withdraw_request(request=waiver.request, reason="No more.", by=cast.bob(), now=LATER)
        assert gate().outcome == "allow"

    @pytest.mark.parametrize("how", ["revoked", "stolen"])
    def test_an_agreement_that_is_taken_back_ends_it(self, waived: tuple[Request, Waiver], how: str) -> None:
        """By whom gave it, or because somebody else had the key: no gate opens for it, and nobody is asked to approve on it."""
        request, waiver = waived
        agreed = Approval.objects.get(revision__request=waiver.request)
        if how == "revoked":
            make_statements.revoke(agreed, changes.sam(), now=LATER)
        else:
            assert agreed.signing_key is not None
            revoke_signing_key(key=agreed.signing_key, reason="Lost", by=changes.sam(), now=LATER, compromised_from=NOW)
            assert revoke_compromised(now=LATER) == 1
        assert gate().outcome == "deny"
        make.refresh(now=LATER + timedelta(minutes=1))
        assert outcome(request)["provenance"] == "fail"
        assert gate(minutes=11).outcome == "deny"
        shown = list_waivers(cast.bob(), now=LATER)
        assert (shown.live, [item.state for item in shown.ended]) == ([], ["revoked"])

    def test_what_was_denied_stays_denied(self, blocked: Request) -> None:
        waiver = changes.waive(blocked)
        before = gate().outcome
        withdraw_waiver(waiver=waiver, reason="Not needed.", by=make.erin(), now=LATER)
        make.refresh(now=NOW + timedelta(minutes=6))
        assert (before, gate(minutes=11).outcome) == ("deny", "deny")

    def test_where_evidence_came_meanwhile_the_release_stays_allowed_after_a_new_look(self) -> None:
        stage = make.set_stage(source=changes.WAIVABLE)
        request = make.ask()
        waiver = changes.waive(request)
        make.send_provenance(stage, now=LATER)
        make.refresh(now=LATER)
        assert outcome(request)["provenance"] == "pass"
        make.approve(request, cast.alice(), now=LATER)
        withdraw_waiver(waiver=waiver, reason="Evidence came.", by=cast.bob(), now=LATER)
        assert gate().outcome == "allow"

    def test_is_for_who_answers_for_it_and_policy_owners(self, blocked: Request) -> None:
        waiver = changes.waive(blocked)
        for person in (cast.alice(), changes.sam(), cast.dave(), cast.runner()):
            with refused("waiver.not_yours"):
                withdraw_waiver(waiver=waiver, reason="No.", by=person, now=LATER)
        withdraw_waiver(waiver=waiver, reason="Enough.", by=make.erin(), now=LATER)
        with refused("waiver.ended"):
            withdraw_waiver(waiver=waiver, reason="Again.", by=cast.bob(), now=LATER)
        assert WaiverEnd.objects.count() == 1

    def test_refuses_without_a_reason_and_after_its_time(self, blocked: Request) -> None:
        waiver = changes.waive(blocked)
        with refused("request.text"):
            withdraw_waiver(waiver=waiver, reason="", by=cast.bob(), now=LATER)
        with refused("waiver.ended"):
            withdraw_waiver(waiver=waiver, reason="Late.", by=cast.bob(), now=NOW + timedelta(days=8))


class TestPack:
    def verify(self, files: dict[str, bytes], *, days: int = 0) -> object:
        return verify_pack(
            files, trust=current_trust(), digest=make.image(), environment="production", at=LATER + timedelta(days=days, minutes=1)
        )

    def test_shows_the_exception_with_a_pack_of_its_own(self, waived: tuple[Request, Waiver]) -> None:
        request, waiver = waived
        files = build_pack(request=request, now=LATER)
        assert layout.waiver_envelope_path(waiver.pk) in files
        assert layout.waiver_folder(waiver.pk) + layout.INDEX in files
        self.verify(files)

    @pytest.mark.parametrize(
        ("lie", "code"),
        [
            ("without", "waiver.missing"),
            ("altered", "pack.file_altered"),
            ("other statement", "dsse.key_unknown"),
            ("unlisted", "waiver.unlisted"),
        ],
    )
    def test_refuses_what_it_does_not_show(self, waived: tuple[Request, Waiver], lie: str, code: str) -> None:
        request, waiver = waived
        files = build_pack(request=request, now=LATER)
        path, folder = layout.waiver_envelope_path(waiver.pk), layout.waiver_folder(waiver.pk)
        if lie == "without":
            files = {name: content for name, content in files.items() if not name.startswith(layout.WAIVERS)}
        elif lie == "altered":
            files[folder + layout.REQUEST] = files[folder + layout.REQUEST].replace(b"exception", b"exceptiom")
        elif lie == "other statement":
            envelope = parse_json(files[path])
            envelope["signatures"][0]["sig"] = "A" * 94 + "=="
            files[path] = canonical_bytes(envelope)
        else:
            files[layout.waiver_envelope_path("0" * 64)] = files[path]
        if lie != "altered":
            files[layout.INDEX] = layout.build_index(files)
        with refused(code):
            self.verify(files)

    def test_refuses_where_the_waiver_is_over_and_the_approval_is_not(self, blocked: Request) -> None:
        changes.waive(blocked, days=1)
        make.refresh(now=LATER)
        make.approve(blocked, cast.alice(), now=LATER)
        files = build_pack(request=blocked, now=LATER)
        self.verify(files)
        with refused("waiver.over"):
            self.verify(files, days=2)


def test_terms_are_what_people_signed(blocked: Request) -> None:
    from approvals.exceptions.derive_policy import terms_asked
    from proofs.approval.waiver_terms import build_waiver

    request = changes.ask_for_exception(blocked)
    terms = terms_asked(request)
    assert request.subject is not None
    assert request.artifacts.get().artifact_id == f"sha256:{request.subject.digest}"
    assert build_waiver(replace(terms, reason="Another.")) != bytes(request.subject.content)
