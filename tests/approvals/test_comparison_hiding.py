"""Whoever sends evidence would rather not have a change seen: silence, long lists, two statements of which the kind one is last, another's word."""

from __future__ import annotations

from typing import Any

import pytest

from approvals.models import Request
from portal.demo.instance import Workload, build_provenance
from proofs.comparison.deployment import DEPLOYMENT_TYPE, MAX_NAMED, MAX_SCOPES
from proofs.statement import STATEMENT_V1
from tests import cast
from tests import make_approvals as make
from tests import make_releases as of

pytestmark = pytest.mark.django_db

EXPORTER = {**of.RUNNER, "subject": "payments-exporter", "name": "payments-exporter", "scopes": ["read a", "read b", "read c"]}
SECRET = {"path": "secret/payments/db", "access": "read", "rotationDays": 30}
COSIGN_SCAN = "https://cosign.sigstore.dev/attestation/vuln/v1"
FORK = "https://github.com/intern/fork"


def second(*, stage: make.Stage | None = None, **said: dict[str, Any]) -> Request:
    """Approve the first release with `before`, and ask for the second with the rest."""
    stage = stage or make.set_stage()
    of.approved(stage, **said.pop("before", {}))
    return of.release(stage, of.SECOND, now=of.later(), **said)


def asked_about(request: Request) -> dict[str, str]:
    """What an approver has to tick, by id: the sentences."""
    return {signal["id"]: signal["sentence"] for signal in of.comparison_of(request)["signals"] if signal["level"] == "ack"}


def shown(request: Request) -> str:
    """Everything the page says of what changed."""
    compared = of.comparison_of(request)
    return " | ".join(
        [
            *(signal["sentence"] for signal in compared["signals"]),
            *(words for area in compared["areas"] for words in [area["sentence"], *(change["words"] for change in area["changes"])]),
        ]
    )


def send_as_stranger(stage: make.Stage, predicate_type: str, predicate: dict[str, Any], *, tag: str) -> None:
    """The team's own release workflow hands in what a workflow signed that nobody registered."""
    stranger = Workload(identity=f"{FORK}/.github/workflows/b.yml@refs/heads/main", repository=FORK, commit="9" * 40, ref="refs/heads/main")
    subject = [{"name": f"payments/api:{tag}", "digest": {"sha256": make.image(tag).partition(":")[2]}}]
    statement = {"_type": STATEMENT_V1, "subject": subject, "predicateType": predicate_type, "predicate": predicate}
    at = make.NOW if tag == of.FIRST else of.later()
    make.send(stage.instance.sign_as(stranger, statement, at=at), now=at)


class TestSilence:
    def test_about_identities_is_no_lack_of_change(self) -> None:
        request = second(
            before={"rollout": of.rollout(identities=[of.RUNNER], secrets=[SECRET])},
            rollout=of.rollout(changes={"create": 0, "update": 1, "destroy": 0}),
        )
        assert "which identities act for it and which secrets it reads or writes" in asked_about(request)["EVID_MISSING"]
        assert (of.area_of(request, "identities")["state"], of.area_of(request, "identities")["severity"]) == ("changed", "high")

    def test_about_commits(self) -> None:
        commit = {"id": "d4" * 20, "author": "bob", "reviewedBy": ["kim"]}
        request = second(before={"rollout": of.rollout(commits=[commit])}, rollout=of.rollout(since=of.COMMIT[of.FIRST]))
        assert "does not: which commits are in it." in asked_about(request)["EVID_MISSING"]

    @pytest.mark.parametrize(("now", "words"), [({"specVersion": "1.6"}, "what is in it"), (of.cyclonedx(), "names no package any more")])
    def test_of_a_bill_of_materials_that_lists_nothing(self, now: dict[str, Any], words: str) -> None:
        request = second(before={"cyclonedx": of.cyclonedx("pkg:npm/lodash@4.17.21")}, cyclonedx=now)
        assert words in asked_about(request)["EVID_MISSING"]
        assert of.area_of(request, "packages")["severity"] == "high"

    def test_of_evidence_that_does_not_verify_at_all(self) -> None:
        stage = make.set_stage()
        of.approved(stage)
        make.send_lie(stage, tag=of.SECOND, now=of.later())
        request = make.ask(tag=of.SECOND, now=of.later())
        assert "provenance" in asked_about(request)["EVID_MISSING"]

    def test_of_provenance_does_not_hide_the_commits_that_nobody_reviewed(self) -> None:
        stage = make.set_stage()
        of.send_about(stage, DEPLOYMENT_TYPE, of.rollout(commits=[{"id": "d4" * 20, "author": "bob"}]), tag=of.FIRST)
        assert "SRC_UNREVIEWED" in asked_about(make.ask(tag=of.FIRST))


class TestLongLists:
    def test_an_identity_behind_too_many_others_is_asked_about(self) -> None:
        many = [{**EXPORTER, "subject": f"job-{number:03}", "name": f"job-{number:03}"} for number in range(MAX_NAMED)]
        request = second(before={"rollout": of.rollout(identities=many)}, rollout=of.rollout(identities=[*many, EXPORTER]))
        assert "1 identity in the deployment statement cannot be read" in asked_about(request)["EVID_UNVERIFIABLE"]

    def test_a_scope_behind_three_others_is_named(self) -> None:
        wide = {**EXPORTER, "scopes": [*EXPORTER["scopes"], "zone admin *"]}
        request = second(before={"rollout": of.rollout(identities=[])}, rollout=of.rollout(identities=[wide]))
        assert "zone admin *" in asked_about(request)["NHI_NEW_IDENTITY"]
        assert "it can zone admin *, read a, read b and 1 more" in asked_about(request)["NHI_NEW_IDENTITY"]
        assert "read c" in shown(request)

    def test_a_scope_behind_very_many_others_is_not_left_out_unseen(self) -> None:
        wide = {**EXPORTER, "scopes": [*(f"read {number}" for number in range(MAX_SCOPES)), "zone admin *"]}
        request = second(before={"rollout": of.rollout(identities=[])}, rollout=of.rollout(identities=[wide]))
        assert "do 1 thing more that cannot be read" in asked_about(request)["NHI_NEW_IDENTITY"]

    def test_a_long_name_does_not_push_out_what_it_may_do(self) -> None:
        wide = {**EXPORTER, "name": "exporter " * 60, "scopes": ["admin"]}
        request = second(before={"rollout": of.rollout(identities=[])}, rollout=of.rollout(identities=[wide]))
        (signal,) = [item for item in of.comparison_of(request)["signals"] if item["id"] == "NHI_NEW_IDENTITY"]
        assert "it can admin" in signal["sentence"] and "may admin" in signal["agree"]

    def test_a_file_behind_very_many_others_is_looked_at(self) -> None:
        commit = {
            "id": "d4" * 20,
            "author": "bob",
            "reviewedBy": ["kim"],
            "paths": [*(f"a/{number}.py" for number in range(200)), "z/iam.tf"],
        }
        assert "SRC_SENSITIVE_PATH" in of.signals_of(second(rollout=of.rollout(commits=[commit])))

    def test_a_finding_behind_very_many_others_is_asked_about(self) -> None:
        low = {f"CVE_2025_{number:05}": "low" for number in range(600)}
        request = second(before={"scan": of.scan(**low)}, scan=of.scan(**low, CVE_2025_99999="critical"))
        assert "CVE-2025-99999" in asked_about(request)["VUL_NEW"]

    def test_the_gravest_finding_is_named_first(self) -> None:
        high = {f"CVE_2024_{number:05}": "high" for number in range(80)}
        request = second(before={"scan": of.scan()}, scan=of.scan(**high, CVE_2025_99999="critical"))
        assert "CVE-2025-99999" in asked_about(request)["VUL_NEW"]
        assert of.area_of(request, "vulnerabilities")["changes"][0]["words"] == "CVE-2025-99999 (critical)"

    def test_what_nobody_can_compare_is_not_the_same(self) -> None:
        bill = of.cyclonedx("pkg:npm/lodash@4.17.21")
        hidden = {**bill, "components": [*bill["components"], {"bom-ref": "x", "name": "event-stream"}]}
        request = second(before={"cyclonedx": bill}, cyclonedx=hidden)
        assert "1 entry of the bill of materials has no package URL" in asked_about(request)["EVID_UNVERIFIABLE"]
        assert of.area_of(request, "packages")["state"] == "changed"


class TestTwice:
    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_an_identity_that_is_named_twice_may_do_both(self, order: tuple[int, int]) -> None:
        said = [EXPORTER, {**EXPORTER, "scopes": ["delete"]}]
        request = second(
            before={"rollout": of.rollout(identities=[EXPORTER])}, rollout=of.rollout(identities=[said[number] for number in order])
        )
        assert "may now delete" in asked_about(request)["NHI_SCOPE_GROWN"]

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_a_commit_that_is_listed_twice_is_as_unreviewed_as_once(self, order: tuple[int, int]) -> None:
        said = [{"id": "d4" * 20, "author": "bob"}, {"id": "d4" * 20, "author": "bob", "reviewedBy": ["kim"]}]
        request = second(rollout=of.rollout(commits=[said[number] for number in order]))
        assert "SRC_UNREVIEWED" in asked_about(request)

    def test_a_suite_that_failed_did_not_pass_when_it_ran_again(self) -> None:
        stage = make.set_stage()
        of.approved(stage)
        make.send_tests(stage, tag=of.SECOND, result="FAILED", now=of.later())
        make.send_tests(stage, tag=of.SECOND, result="PASSED", now=of.later(31))
        assert "did not pass" in asked_about(of.release(stage, of.SECOND, now=of.later(32)))["TST_FAILED"]

    def test_a_plan_that_names_more_than_it_counts_destroys_it(self) -> None:
        changes = {"create": 0, "update": 0, "destroy": 0, "destroyed": ["db-main"]}
        assert "PLN_DESTROYS" in of.signals_of(second(rollout=of.rollout(changes=changes)))

    def test_a_secret_that_is_changed_less_often_is_a_change(self) -> None:
        request = second(before={"rollout": of.rollout(secrets=[SECRET])}, rollout=of.rollout(secrets=[{**SECRET, "rotationDays": None}]))
        assert "NHI_LONG_LIVED_SECRET" in of.signals_of(request)
        assert of.area_of(request, "secrets")["state"] == "changed"


class TestOthersWord:
    def test_a_report_of_trivy_in_cosigns_predicate_is_read(self) -> None:
        stage = make.set_stage()
        report = {
            "SchemaVersion": 2,
            "Results": [{"Target": "app", "Vulnerabilities": [{"VulnerabilityID": "CVE-2025-1", "Severity": "CRITICAL"}]}],
        }
        of.send_about(stage, COSIGN_SCAN, {"scanner": {"uri": "trivy", "result": report}}, tag=of.FIRST)
        request = of.release(stage, of.FIRST)
        assert "CVE-2025-1" in asked_about(request)["VUL_NEW"]
        assert "None open" not in of.area_of(request, "vulnerabilities")["sentence"]

    def test_vex_of_a_stranger_silences_nothing(self) -> None:
        stage = make.set_stage()
        of.approved(stage, scan=of.scan())
        send_as_stranger(stage, of.VEX, of.vex(CVE_2025_2="not_affected"), tag=of.SECOND)
        request = of.release(stage, of.SECOND, now=of.later(), scan=of.scan(CVE_2025_2="critical"))
        assert "CVE-2025-2" in asked_about(request)["VUL_NEW"]

    def test_a_deployment_statement_of_a_stranger_is_not_heard(self) -> None:
        stage = make.set_stage()
        of.approved(stage)
        commits = [{"id": "d4" * 20, "author": "bob", "reviewedBy": ["kim"], "signed": True}]
        send_as_stranger(stage, DEPLOYMENT_TYPE, of.rollout(commits=commits, identities=[]), tag=of.SECOND)
        request = of.release(stage, of.SECOND, now=of.later())
        assert "reviewed" not in of.area_of(request, "source")["sentence"]
        assert of.area_of(request, "identities")["state"] == "unknown"

    def test_a_stranger_does_not_stand_in_for_the_scanner_that_is_gone(self) -> None:
        stage = make.set_stage()
        send_as_stranger(stage, of.SCAN, of.scan(), tag=of.FIRST)
        of.approved(stage, scan=of.scan(CVE_2025_1="low"))
        send_as_stranger(stage, of.SCAN, of.scan(), tag=of.SECOND)
        request = of.release(stage, of.SECOND, now=of.later())
        assert "only somebody less known does: vulnerability scan." in asked_about(request)["EVID_MISSING"]

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_what_is_said_of_a_rollout_elsewhere_is_not_heard_here(self, order: tuple[int, int]) -> None:
        stage = make.set_stage()
        of.approved(
            stage, rollout=of.rollout(environment="production", identities=[EXPORTER], changes={"create": 1, "update": 0, "destroy": 0})
        )
        said = [("production", ["delete"], 2), ("staging", ["read everything"], 40)]
        for minutes, (place, scopes, number) in enumerate(said[each] for each in order):
            told = of.rollout(
                environment=place, identities=[{**EXPORTER, "scopes": scopes}], changes={"create": number, "update": 0, "destroy": 0}
            )
            of.send_about(stage, DEPLOYMENT_TYPE, told, tag=of.SECOND, now=of.later(minutes))
        request = of.release(stage, of.SECOND, now=of.later(2))
        assert asked_about(request)["NHI_SCOPE_GROWN"].endswith("may now delete, which it could not before.")
        assert of.area_of(request, "plan")["token"] == "2 new"

    def test_a_program_is_called_by_what_it_is_and_not_only_by_the_name_somebody_gave_it(self) -> None:
        fake = {**EXPORTER, "name": "release workflow"}
        request = second(before={"rollout": of.rollout(identities=[of.RUNNER])}, rollout=of.rollout(identities=[of.RUNNER, fake]))
        assert (
            "release workflow (payments-exporter) acts in deploy, and did not for the last release"
            in asked_about(request)["NHI_NEW_IDENTITY"]
        )


class TestSameName:
    def test_a_package_from_another_place_is_not_the_same(self) -> None:
        before = of.cyclonedx("pkg:npm/lodash@4.17.21")
        now = of.cyclonedx("pkg:npm/lodash@4.17.21?repository_url=https://evil.example/npm")
        request = second(before={"cyclonedx": before}, cyclonedx=now)
        assert (
            asked_about(request)["DEP_OTHER_ORIGIN"]
            == "lodash (npm) comes from https://evil.example/npm, and came from the usual place before."
        )

    def test_an_old_version_beside_the_new_one_is_a_downgrade(self) -> None:
        before, now = of.cyclonedx("pkg:npm/lodash@4.17.21"), of.cyclonedx("pkg:npm/lodash@4.17.21", "pkg:npm/lodash@4.17.4")
        assert "DEP_DOWNGRADE" in asked_about(second(before={"cyclonedx": before}, cyclonedx=now))

    def test_inputs_that_are_called_like_the_source_are_inputs(self) -> None:
        stage = make.set_stage()
        of.approved(stage)
        self.built_with(stage, {"uri": f"git+{repository_of(stage)}-evil@refs/heads/main", "digest": {"gitCommit": "e" * 40}})
        assert "-evil" in of.area_of(make.ask(tag=of.SECOND, now=of.later()), "inputs")["sentence"]

    def test_of_two_versions_of_one_input_neither_hides_the_other(self) -> None:
        stage = make.set_stage()
        images = [{"uri": f"pkg:docker/python@{tag}", "digest": {"sha256": digit * 64}} for tag, digit in (("3.11", "1"), ("3.12", "2"))]
        self.built_with(stage, *images, tag=of.FIRST)
        request = make.ask(tag=of.FIRST)
        make.approve(request, cast.alice())
        self.built_with(stage, {**images[0], "digest": {"sha256": "0" * 64}}, images[1])
        assert of.area_of(make.ask(tag=of.SECOND, now=of.later()), "inputs")["state"] == "changed"

    def built_with(self, stage: make.Stage, *inputs: dict[str, Any], tag: str = of.SECOND) -> None:
        statement = build_provenance(stage.workload, ((f"payments/api:{tag}", make.image(tag).partition(":")[2]),))
        statement["predicate"]["buildDefinition"]["resolvedDependencies"] += inputs
        at = make.NOW if tag == of.FIRST else of.later()
        make.send(stage.instance.sign_as(stage.workload, statement, at=at), now=at)


def repository_of(stage: make.Stage) -> str:
    return stage.workload.repository
