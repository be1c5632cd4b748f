"""What changed since the release that was approved last, from real signed evidence; the signals; and that nobody approves past them."""

from __future__ import annotations

from typing import Any

import pytest

from approvals.models import Approval, OutcomeStatement, Request
from approvals.packs.build import build_pack
from approvals.policies.versions import activate_policy
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.withdraw import withdraw_request
from approvals.signing.begin_signing import begin_signing
from approvals.trust import current_trust
from attestations.models import Place
from ledger.append import append_event
from ledger.publish import publish_checkpoint
from proofs.approval.human_approval import parse_human_approval
from proofs.errors import Refusal
from proofs.pack import layout
from proofs.pack.verify import verify_pack
from tests import cast
from tests import make_approvals as make
from tests import make_observations as seen
from tests import make_releases as of

pytestmark = pytest.mark.django_db


def second(**said: dict[str, Any]) -> Request:
    """Approve the first release with `before`, and ask for the second with the rest."""
    stage = make.set_stage()
    of.approved(stage, **said.pop("before", {}))
    return of.release(stage, of.SECOND, now=of.later(), **said)


class TestBaseline:
    def test_the_first_release_has_none_and_says_so(self) -> None:
        request = of.release(make.set_stage(), of.FIRST)
        assert of.comparison_of(request)["baseline"] is None
        assert of.signals_of(request) == ["REQ_FIRST_RELEASE"]

    def test_is_the_last_one_approved_here_with_who_approved_it(self) -> None:
        request = second()
        baseline = of.comparison_of(request)["baseline"]
        before = Request.objects.get(title=f"payments/api {of.FIRST}")
        assert (baseline["request"], baseline["approvedBy"], baseline["environment"]["isSame"]) == (before.pk, ["Alice Chen"], True)
        assert baseline["records"] == [{"sha256": Approval.objects.get().record.digest}]

    def test_is_not_one_that_nobody_approved_or_that_was_taken_back(self) -> None:
        stage = make.set_stage()
        of.release(stage, "1.4.0")
        first = of.approved(stage)
        withdraw_request(request=first, reason="not that one", by=cast.bob(), now=of.later(5))
        assert of.comparison_of(of.release(stage, of.SECOND, now=of.later()))["baseline"] is None

    def test_is_not_another_artifact(self) -> None:
        stage = make.set_stage()
        of.approved(stage)
        make.send_provenance(stage, tag=of.SECOND, now=of.later())
        request = make.ask(tag=of.SECOND, name="payments/worker", now=of.later())
        assert of.comparison_of(request)["baseline"] is None
        (signal,) = of.comparison_of(request)["signals"]
        # Who gives a thing another name is asked about it: under the old one it would have been compared.
        assert (signal["id"], signal["asked"]) == ("REQ_FIRST_RELEASE", True)
        assert "Nothing called payments/worker:1.4.2 was approved here before" in signal["sentence"]
        assert signal["sentence"].endswith("Approved here were other names, such as payments/api.")

    @pytest.mark.parametrize("name", ["registry.example/payments/api", "pkg:oci/api?repository_url=registry.example/payments"])
    def test_is_the_same_artifact_however_its_name_is_written(self, name: str) -> None:
        stage = make.set_stage()
        before = of.approved(stage)
        make.send_provenance(stage, tag=of.SECOND, now=of.later())
        request = open_request(
            project=cast.payments_api(),
            environment=cast.production(),
            title="the same",
            note="",
            artifacts=[AskedArtifact(make.image(of.SECOND), f"{name}:{of.SECOND}" if "pkg:" not in name else name)],
            by=cast.bob(now=of.later()),
            now=of.later(),
        )
        assert of.comparison_of(request)["baseline"]["request"] == before.pk

    def test_is_found_behind_however_many_others(self) -> None:
        stage = make.set_stage()
        before = of.approved(stage)
        make.send_provenance(stage, tag="9.9", now=of.later(1))
        other = make.approve(make.ask(tag="9.9", name="payments/worker", now=of.later(1)), cast.alice(), now=of.later(1))
        for number in range(61):
            digest = f"{number:064x}"
            entry = append_event(event="outcome.signed", ref_digest=digest, actor={"kind": "portal"}, now=of.later(2))
            OutcomeStatement.objects.create(
                revision=other.revision,
                type=OutcomeStatement.Type.SIMPLE_RESULT,
                envelope=b"{}",
                digest=digest,
                entry=entry,
                signed_at=of.later(2),
            )
        request = of.release(stage, of.SECOND, now=of.later(3))
        assert of.comparison_of(request)["baseline"]["request"] == before.pk


class TestAreas:
    def test_nothing_but_the_commit_changed(self) -> None:
        request = second()
        states = {row["area"]: row["state"] for row in of.comparison_of(request)["areas"]}
        assert states["source"] == "changed"
        assert (states["builder"], states["signer"], states["policy"]) == ("same", "same", "same")
        assert {states[name] for name in ("packages", "identities", "secrets", "vulnerabilities", "plan", "tests")} == {"unknown"}
        assert of.signals_of(request) == []

    def test_packages_by_their_urls(self) -> None:
        before = of.spdx("pkg:npm/lodash@4.17.20", "pkg:npm/left-pad@1.3.0", "pkg:npm/express@4.18.2")
        now = of.spdx("pkg:npm/lodash@4.17.21", "pkg:npm/express@4.17.0", "pkg:npm/fast-csv@5.0.2", direct=("pkg:npm/fast-csv@5.0.2",))
        request = second(before={"spdx": before}, spdx=now)
        row = of.area_of(request, "packages")
        assert (row["token"], row["severity"]) == ("+1 −1 ↑1 ↓1", "high")
        assert [(change["change"], change["words"]) for change in row["changes"]] == [
            ("downgraded", "express 4.18.2 → 4.17.0"),
            ("added", "fast-csv 5.0.2"),
            ("upgraded", "lodash 4.17.20 → 4.17.21"),
            ("removed", "left-pad 1.3.0"),
        ]
        assert of.signals_of(request) == ["DEP_DOWNGRADE", "DEP_NEW_DIRECT"]

    def test_a_name_that_is_almost_another(self) -> None:
        request = second(
            before={"cyclonedx": of.cyclonedx("pkg:pypi/requests@2.32.0")},
            cyclonedx=of.cyclonedx("pkg:pypi/requests@2.32.0", "pkg:pypi/reqeusts@1.0"),
        )
        assert of.signals_of(request) == ["DEP_TYPO"]
        assert "reqeusts (pypi) is called almost like requests" in of.comparison_of(request)["signals"][0]["sentence"]

    def test_another_kind_of_bill_compares_all_the_same(self) -> None:
        request = second(before={"spdx": of.spdx("pkg:npm/lodash@4.17.20")}, cyclonedx=of.cyclonedx("pkg:npm/lodash@4.17.20"))
        assert of.area_of(request, "packages")["state"] == "same"

    def test_identities_their_scopes_and_who_answers_for_them(self) -> None:
        exporter = {
            "issuer": "https://cluster.example",
            "subject": "payments-exporter",
            "name": "payments-exporter",
            "step": "deploy",
            "scopes": ["read secret/payments/*"],
        }
        wider = {**of.RUNNER, "scopes": ["deploy", "delete"]}
        request = second(before={"rollout": of.rollout(identities=[of.RUNNER])}, rollout=of.rollout(identities=[wider, exporter]))
        assert of.signals_of(request) == ["NHI_NEW_IDENTITY", "NHI_NO_OWNER", "NHI_SCOPE_GROWN"]
        assert of.area_of(request, "identities")["token"] == "1 new · 1 wider"

    def test_secrets_by_path(self) -> None:
        old = {"path": "secret/payments/db", "access": "read", "rotationDays": 30}
        now = [{**old, "access": "write"}, {"path": "secret/payments/export-key", "access": "read", "rotationDays": None}]
        request = second(before={"rollout": of.rollout(secrets=[old])}, rollout=of.rollout(secrets=now))
        assert of.signals_of(request) == ["SEC_WIDER_ACCESS", "NHI_LONG_LIVED_SECRET", "SEC_NEW_PATH"]

    def test_commits_reviewers_and_sensitive_paths(self) -> None:
        commits = [
            {"id": "d4" * 20, "author": "bob", "reviewedBy": ["kim"], "signed": True, "paths": ["src/csv.py"]},
            {
                "id": "e5" * 20,
                "author": "bob",
                "reviewedBy": ["bob"],
                "signed": True,
                "paths": ["deploy/iam.tf", ".github/workflows/release.yml"],
            },
        ]
        request = second(rollout=of.rollout(since=of.COMMIT[of.FIRST], commits=commits))
        assert of.signals_of(request) == ["SRC_UNREVIEWED", "SRC_SENSITIVE_PATH", "BLD_WORKFLOW_CHANGED"]
        assert of.area_of(request, "source")["token"] == "2 commits"

    def test_a_commit_that_does_not_follow_blocks(self) -> None:
        request = second(rollout=of.rollout(since="f" * 40, commits=[]))
        assert of.signals_of(request) == ["SRC_NOT_DESCENDANT"]
        with pytest.raises(Refusal, match="is not shown to follow from what was approved last") as refused:
            make.approve(request, cast.alice(), now=of.later())
        assert refused.value.code == "approval.signal_blocks"

    def test_vulnerabilities_with_what_vex_says(self) -> None:
        request = second(
            before={"scan": of.scan(CVE_2025_1="high")},
            scan=of.scan(CVE_2025_2="critical", CVE_2025_3="high"),
            vex=of.vex(CVE_2025_3="not_affected"),
        )
        assert of.signals_of(request) == ["VUL_NEW"]
        row = of.area_of(request, "vulnerabilities")
        assert row["token"] == "1 new · 1 no longer open"
        assert "VEX calls 1 finding not affected or fixed." in row["sentence"]

    def test_vulnerabilities_stay_open_where_vex_is_about_another_product(self) -> None:
        said = of.vex(CVE_2025_2="not_affected")
        said["statements"][0]["products"] = [{"@id": "pkg:oci/worker@sha256:" + "b" * 64}]
        request = second(before={"scan": of.scan()}, scan=of.scan(CVE_2025_2="critical"), vex=said)
        assert of.signals_of(request) == ["VUL_NEW"]
        assert (
            "VEX about another product than this artifact does not answer CVE-2025-2." in of.area_of(request, "vulnerabilities")["sentence"]
        )

    def test_vex_inside_a_bill_of_materials_calms_nothing(self) -> None:
        bill = {
            **of.cyclonedx(),
            "vulnerabilities": [{"id": "CVE-2025-2", "analysis": {"state": "not_affected"}, "affects": [{"ref": "x"}]}],
        }
        assert of.signals_of(second(before={"scan": of.scan()}, scan=of.scan(CVE_2025_2="critical"), cyclonedx=bill)) == ["VUL_NEW"]

    def test_a_plan_that_destroys(self) -> None:
        request = second(rollout=of.rollout(changes={"create": 1, "update": 0, "destroy": 1, "destroyed": ["db-main"]}))
        assert of.signals_of(request) == ["PLN_DESTROYS"]
        assert of.area_of(request, "plan")["token"] == "1 new · 1 destroyed"

    def test_a_kind_of_evidence_that_is_missing_now(self) -> None:
        request = second(before={"scan": of.scan()})
        assert of.signals_of(request) == ["EVID_MISSING"]

    def test_another_repository_and_another_runner(self) -> None:
        stage = make.set_stage()
        of.approved(stage)
        request = of.release(stage, of.SECOND, now=of.later(), workload={"runner_environment": "self-hosted"})
        assert of.signals_of(request) == ["BLD_NEW_BUILDER"]

    def test_what_strangers_say_is_not_heard_beside_our_own(self) -> None:
        stage = make.set_stage()
        of.approved(stage, spdx=of.spdx("pkg:npm/lodash@4.17.20"))
        make.register_stranger(now=of.later())
        make.send_of_a_stranger(stage, by=make.other_teams_bot(now=of.later()), tag=of.SECOND, now=of.later())
        request = of.release(stage, of.SECOND, now=of.later(), spdx=of.spdx("pkg:npm/lodash@4.17.20"))
        assert of.area_of(request, "builder")["state"] == "same"
        assert "intern/fork" not in str(of.area_of(request, "source"))


class TestRules:
    def test_a_no_that_gates_do_not_enforce_any_more_is_loosened(self) -> None:
        stage = make.set_stage()
        of.approved(stage)
        activate_policy(
            policy=stage.policy, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=of.later(1), mode="observe"
        )
        request = of.release(stage, of.SECOND, now=of.later())
        (signal,) = of.comparison_of(request)["signals"]
        assert (signal["id"], "mode enforce → observe" in signal["sentence"]) == ("POL_LOOSENED", True)
        assert of.area_of(request, "policy")["state"] == "changed"

    def test_other_expectations_are_told_although_the_policy_is_the_same(self) -> None:
        stage = make.set_stage(source=make.BY_PROJECT)
        make.expect()
        of.approved(stage)
        make.send_provenance(stage, tag=of.SECOND, now=of.later(1), commit=of.COMMIT[of.SECOND])
        assert of.signals_of(make.ask(tag=of.SECOND, now=of.later(2))) == []
        make.expect(version=2, workflow="nightly", now=of.later(3))
        request = make.ask(tag=of.SECOND, now=of.later(4))
        (signal,) = of.comparison_of(request)["signals"]
        assert (signal["id"], "expectations 1 → 2" in signal["sentence"]) == ("POL_LOOSENED", True)


class TestPlaces:
    OTHER = "sha256:" + "9" * 64

    def moved(self) -> None:
        """The registry had the image under its tag, and has another one now."""
        seen.observe(seen.said(tag=of.FIRST))
        seen.observe(seen.said(tag=of.FIRST, digest=self.OTHER, at=of.later(5)))

    def test_a_tag_that_moved_blocks(self) -> None:
        stage = make.set_stage()
        self.moved()
        assert "ART_RETAGGED" in of.signals_of(of.release(stage, of.FIRST, now=of.later()))

    def test_a_tag_that_moved_blocks_behind_many_places_that_are_called_alike(self) -> None:
        stage = make.set_stage()
        self.moved()
        alike = [
            Place(
                key=f"{number:064x}",
                team=cast.payments(),
                kind="registry",
                location="registry.example/payments/api-x",
                reference=of.FIRST + str(number),
                first_seen_at=make.NOW,
            )
            for number in range(60)
        ]
        Place.objects.bulk_create(alike)
        assert "ART_RETAGGED" in of.signals_of(of.release(stage, of.FIRST, now=of.later()))

    def test_a_date_ahead_of_its_time_does_not_hide_that_a_tag_moved(self) -> None:
        stage = make.set_stage()
        seen.observe(seen.said(tag=of.FIRST, at=of.later(2)), now=of.later(0))
        seen.observe(seen.said(tag=of.FIRST, digest=self.OTHER, at=of.later(1)), now=of.later(1))
        assert "ART_RETAGGED" in of.signals_of(of.release(stage, of.FIRST, now=of.later()))


class TestSinceItWasFrozen:
    def test_nobody_approves_against_a_baseline_that_was_taken_back(self) -> None:
        request = second()
        first = Request.objects.get(title=f"payments/api {of.FIRST}")
        withdraw_request(request=first, reason="it was malicious", by=cast.bob(), now=of.later(31))
        with pytest.raises(Refusal, match=r"compared with, payments/api 1\.4\.1, has been withdrawn since") as refused:
            make.approve(request, cast.alice(), now=of.later(32))
        assert refused.value.code == "approval.signal_blocks"
        # Asked anew it is compared with what stands as well, and can be approved.
        anew = make.ask(tag=of.SECOND, now=of.later(33))
        assert of.comparison_of(anew)["baseline"] is None
        make.approve(anew, cast.alice(), now=of.later(34))

    def test_nobody_approves_when_the_tag_moved_after_the_page_was_frozen(self) -> None:
        stage = make.set_stage()
        seen.observe(seen.said(tag=of.FIRST))
        request = of.release(stage, of.FIRST, now=of.later(2))
        passkey, key = make.enrol(cast.alice(), now=of.later(2))
        ceremony = make.begin(request, cast.alice(), key, now=of.later(3))
        seen.observe(seen.said(tag=of.FIRST, digest=TestPlaces.OTHER, at=of.later(3)))
        for sign in (
            lambda: make.complete(ceremony, passkey, now=of.later(5)),
            lambda: make.begin(request, cast.alice(), key, now=of.later(5)),
        ):
            with pytest.raises(Refusal, match="was seen after this page was frozen") as refused:
                sign()
            assert refused.value.code == "approval.signal_blocks"
        # A no can be said all the same.
        make.begin(request, cast.alice(), key, decision="reject", reason="it moved", now=of.later(6))


class TestAcknowledging:
    @pytest.fixture
    def request_(self) -> Request:
        return second(before={"cyclonedx": of.cyclonedx("pkg:npm/lodash@4.17.21")}, cyclonedx=of.cyclonedx("pkg:npm/lodash@4.17.20"))

    def begin(self, request: Request, acknowledged: list[str], decision: str = "approve") -> Any:
        _, key = make.enrol(cast.alice(), now=of.later())
        newest = request.revisions.order_by("-number").first()
        assert newest is not None
        return begin_signing(
            request=request,
            shown_snapshot=newest.snapshot_id,
            decision=decision,
            reason="no",
            reason_codes=["too-risky"] if decision != "approve" else [],
            key=key,
            session=make.session(now=of.later()),
            by=cast.alice(),
            acknowledged=acknowledged,
            digest_tails=[make.image(of.SECOND)],
            now=of.later(),
        )

    def test_is_needed_to_approve(self, request_: Request) -> None:
        with pytest.raises(Refusal) as refused:
            self.begin(request_, [])
        assert refused.value.code == "approval.not_acknowledged"
        assert "An older version goes in: lodash (npm) 4.17.21 → 4.17.20" in refused.value.reason

    def test_is_not_needed_to_say_no(self, request_: Request) -> None:
        statement = parse_human_approval(bytes(self.begin(request_, [], "reject").payload))
        assert statement.review.acknowledged == ()

    def test_of_something_that_is_not_on_the_page_is_refused(self, request_: Request) -> None:
        with pytest.raises(Refusal) as refused:
            self.begin(request_, ["0" * 64])
        assert refused.value.code == "approval.malformed"

    def test_stands_in_what_is_signed_with_the_baseline(self, request_: Request) -> None:
        first = Approval.objects.get()
        approval = make.approve(request_, cast.alice(), now=of.later())
        review = parse_human_approval(bytes(approval.payload)).review
        (signal,) = of.comparison_of(request_)["signals"]
        assert [name for name, _ in review.acknowledged] == [signal["id"]] == ["DEP_DOWNGRADE"]
        assert review.baseline == first.record.digest

    def test_at_most_three_are_asked_and_the_rest_is_told(self) -> None:
        names = [{**of.RUNNER, "subject": f"robot-{number}", "name": f"robot-{number}"} for number in range(3)]
        request = second(before={"rollout": of.rollout(identities=[])}, rollout=of.rollout(identities=names))
        signals = of.comparison_of(request)["signals"]
        assert [signal["asked"] for signal in signals] == [True] * 3 + [False] * 3
        assert {signal["level"] for signal in signals} == {"ack"}


class TestPack:
    def pack(self, **said: Any) -> tuple[dict[str, bytes], Request]:
        request = second(**said)
        make.approve(request, cast.alice(), now=of.later())
        publish_checkpoint(now=of.later())
        return build_pack(request=request, now=of.later()), request

    def verify(self, files: dict[str, bytes]) -> Any:
        return verify_pack(files, trust=current_trust(), digest=make.image(of.SECOND), environment="production", at=of.later())

    def test_lets_anybody_compare_again(self) -> None:
        files, _ = self.pack(before={"spdx": of.spdx("pkg:npm/lodash@4.17.21")}, spdx=of.spdx("pkg:npm/lodash@4.17.20"))
        assert layout.BASELINE in files
        assert len(self.verify(files).approvals) == 1

    def test_without_the_baseline_it_shows_nothing(self) -> None:
        files, _ = self.pack()
        del files[layout.BASELINE]
        files[layout.INDEX] = layout.build_index(files)
        with pytest.raises(Refusal, match=r"comparison/baseline\.json is not in the pack"):
            self.verify(files)
