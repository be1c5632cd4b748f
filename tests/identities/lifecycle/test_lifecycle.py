"""Suspend, resume, retire, hand over: each a ledger entry, each with what the identity's signatures are worth from then on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from attestations.models import Attestation, Reverification, Verdict
from attestations.reverify import spread_reverifications
from identities.lifecycle.change_owner import change_owner
from identities.lifecycle.change_status import resume_identity, retire_identity, suspend_identity
from identities.models import Identity
from ledger.models import Entry
from proofs.errors import Conflict, Malformed, NotAllowed
from tests import cast
from tests.make_attestations import (
    NOW,
    make_attestation,
    make_signer,
    make_statement,
    register_key,
    runner_workload,
    trust_instance,
    verify_now,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ACTS = [suspend_identity, resume_identity, retire_identity]


def current(identity: Identity) -> Identity:
    return Identity.objects.get(pk=identity.pk)


def suspend(identity: Identity) -> Identity:
    return suspend_identity(identity=identity, reason="token in a public log", by=None, now=timezone.now())


def events() -> list[str]:
    return [event for event in Entry.objects.order_by("index").values_list("event", flat=True) if event.startswith("identity.")]


def signed() -> tuple[Identity, Attestation]:
    """A verified statement by a service's key, and the service."""
    signer = make_signer()
    service = register_key(signer, now=NOW)
    attestation = make_attestation(signer.sign(make_statement()), now=NOW)
    assert verify_now(attestation).signer == service
    return service, attestation


def looked_at_again(attestation: Attestation) -> str:
    """Return the code of what is said about the signer once whatever was ordered has been done."""
    assert spread_reverifications(now=timezone.now())
    while spread_reverifications(now=timezone.now()):
        pass
    verdict: Verdict = verify_now(attestation)
    finding = verdict.findings.get(check_name="signer")
    assert (verdict.signer is None) == (finding.outcome != "pass")
    return str(finding.code)


class TestActs:
    def test_each_is_in_the_ledger_once(self) -> None:
        service, _ = signed()
        for act in (suspend_identity, suspend_identity, resume_identity, resume_identity, retire_identity, retire_identity):
            act(identity=service, reason="because", by=cast.dave(), now=timezone.now())
        assert [event for event in events() if event != "identity.registered"] == [
            "identity.suspended",
            "identity.resumed",
            "identity.retired",
        ]

    def test_retired_is_for_ever(self) -> None:
        service, _ = signed()
        retire_identity(identity=service, reason="replaced", by=None, now=timezone.now())
        for act in (suspend_identity, resume_identity):
            with pytest.raises(Conflict) as refused:
                act(identity=service, reason="please", by=None, now=timezone.now())
            assert refused.value.code == "identity.retired"
        with pytest.raises(Conflict) as refused:
            change_owner(identity=service, owner=cast.carol(), reason="please", by=None, now=timezone.now())
        assert refused.value.code == "identity.retired"
        assert current(service).status == Identity.Status.RETIRED

    @pytest.mark.parametrize("act", ACTS)
    @pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
    def test_a_reason_is_asked_for(self, act: Callable[..., Identity], reason: str) -> None:
        service, _ = signed()
        with pytest.raises(Malformed) as refused:
            act(identity=service, reason=reason, by=None, now=timezone.now())
        assert refused.value.code == "identity.reason"
        assert events()[-1] == "identity.registered"

    @pytest.mark.parametrize("act", ACTS)
    def test_only_a_steward_of_its_team_and_never_oneself(self, act: Callable[..., Identity]) -> None:
        service, dave = signed()[0], cast.dave()
        elsewhere = cast.person("eve", "Eve", "identity-steward", team=cast.Team.objects.create(slug="other", name="Other"))
        homeless = Identity.objects.get(pk=cast.person("hal", "Hal").pk)
        Identity.objects.filter(pk=homeless.pk).update(team=None)
        for identity, by, code in (
            (service, cast.alice(), "permission.missing"),
            (service, elsewhere, "permission.missing"),
            (service, service, "permission.missing"),
            (current(homeless), dave, "permission.missing"),
            (dave, dave, "identity.oneself"),
        ):
            with pytest.raises(NotAllowed) as refused:
                act(identity=identity, reason="because", by=by, now=timezone.now())
            assert refused.value.code == code

    def test_an_owner_is_an_active_person(self) -> None:
        service, _ = signed()
        suspended = suspend(cast.carol())
        for owner in (cast.runner(), suspended):
            with pytest.raises(Conflict) as refused:
                change_owner(identity=service, owner=owner, reason="because", by=None, now=timezone.now())
            assert refused.value.code == "identity.owner"
        with pytest.raises(Malformed) as person:
            change_owner(identity=cast.alice(), owner=cast.bob(), reason="because", by=None, now=timezone.now())
        assert person.value.code == "identity.person"
        assert current(service).owner == cast.bob()


class TestWhatItsSignaturesAreWorth:
    def test_suspended_it_answers_for_nothing_until_it_is_resumed(self) -> None:
        service, attestation = signed()
        suspend(service)
        assert looked_at_again(attestation) == "signer.suspended"
        resume_identity(identity=service, reason="false alarm", by=None, now=timezone.now())
        assert looked_at_again(attestation) == "signer.registered"

    def test_retired_it_answers_for_what_was_signed_before_and_for_nothing_later(self) -> None:
        instance, runner = trust_instance(), cast.runner()
        content = [
            instance.sign_as(runner_workload(), json.loads(make_statement(name)), at=at) for name, at in (("a", NOW), ("b", NOW + DAY))
        ]
        before, after = (make_attestation(item, now=NOW + 2 * DAY) for item in content)
        assert verify_now(before).signer == verify_now(after).signer == runner
        retire_identity(identity=runner, reason="replaced", by=None, now=NOW + DAY)
        assert looked_at_again(before) == "signer.registered"
        assert "retired since" in before.verdicts.latest("number").findings.get(check_name="signer").sentence
        assert after.verdicts.latest("number").findings.get(check_name="signer").code == "signer.retired"

    @pytest.mark.parametrize(
        ("end", "meanwhile"), [(retire_identity, "signer.retired"), (resume_identity, "signer.registered")], ids=["retired", "resumed"]
    )
    def test_what_was_signed_while_suspended_counts_when_it_was_a_false_alarm_and_never_when_it_was_not(
        self, end: Callable[..., Identity], meanwhile: str
    ) -> None:
        instance, runner = trust_instance(), cast.runner()
        content = [
            instance.sign_as(runner_workload(), json.loads(make_statement(name)), at=at) for name, at in (("a", NOW), ("b", NOW + 2 * DAY))
        ]
        suspend_identity(identity=runner, reason="token in a public log", by=None, now=NOW + DAY)
        before, while_suspended = (make_attestation(item, now=NOW + 3 * DAY) for item in content)
        verify_now(before)
        end(identity=runner, reason="looked into it", by=None, now=NOW + 4 * DAY)
        while spread_reverifications(now=timezone.now()):
            pass
        verify_now(before)
        found = [row.verdicts.latest("number").findings.get(check_name="signer") for row in (before, while_suspended)]
        assert [finding.code for finding in found] == ["signer.registered", meanwhile]
        assert ("retired from there" in found[1].sentence) == (end is retire_identity)

    def test_suspended_again_it_is_retired_since_the_last_time(self) -> None:
        service, _ = signed()
        for act, day in ((suspend_identity, 1), (resume_identity, 2), (suspend_identity, 3), (suspend_identity, 4), (retire_identity, 5)):
            act(identity=service, reason="because", by=None, now=NOW + day * DAY)
        assert (current(service).suspended_at, current(service).retired_at) == (NOW + 3 * DAY, NOW + 3 * DAY)

    @pytest.mark.parametrize("act", [suspend_identity, retire_identity])
    def test_an_orphan_answers_for_nothing_until_somebody_answers_for_it(self, act: Callable[..., Identity]) -> None:
        service, attestation = signed()
        act(identity=cast.bob(), reason="left", by=cast.dave(), now=timezone.now())
        assert current(service).is_orphaned and current(service).standing == "orphaned"
        assert looked_at_again(attestation) == "signer.orphaned"
        assert "Bob Ruiz is" in attestation.verdicts.latest("number").findings.get(check_name="signer").sentence
        change_owner(identity=service, owner=cast.carol(), reason="took over", by=cast.dave(), now=timezone.now())
        assert not current(service).is_orphaned
        assert looked_at_again(attestation) == "signer.registered"

    def test_nobody_elses_evidence_is_looked_at_again(self) -> None:
        signed()
        other = register_key(make_signer(), name="other", now=NOW)
        before = Reverification.objects.count()
        suspend(other)
        (order,) = Reverification.objects.order_by("pk")[before:]
        assert order.value == other.evidence_signers.get().key_id


class TestPages:
    def page(self, client: Client, path: str, **posted: Any) -> tuple[int, str]:
        answer = client.post(path, posted) if posted else client.get(path)
        return answer.status_code, answer.content.decode()

    @pytest.fixture
    def steward(self, client: Client) -> Client:
        cast.let_in(client, cast.dave())
        return client

    def test_offer_what_fits_and_do_it(self, steward: Client) -> None:
        service, _ = signed()
        where = f"/identities/{service.pk}"
        status, shown = self.page(steward, where)
        assert [name for name in ("suspend", "resume", "owner", "retire") if f"{where}/{name}" in shown] == ["suspend", "owner", "retire"]
        status, asked = self.page(steward, f"{where}/suspend")
        assert status == 200 and "gates deny what rests on a signature" in asked
        assert self.page(steward, f"{where}/suspend", reason="stolen")[0] == 302
        assert current(service).status == Identity.Status.SUSPENDED
        assert f"{where}/resume" in self.page(steward, where)[1]
        # Said twice, as by a second click, it leads back.
        assert self.page(steward, f"{where}/suspend", reason="stolen")[0] == 302
        assert self.page(steward, f"{where}/owner", reason="took over", owner=cast.carol().pk)[0] == 302
        assert current(service).owner == cast.carol()

    def test_say_what_is_wrong(self, steward: Client) -> None:
        service, _ = signed()
        where = f"/identities/{service.pk}"
        assert self.page(steward, f"{where}/suspend", reason="")[0] == 422
        assert self.page(steward, f"{where}/owner", reason="x", owner=cast.runner().pk)[0] == 422
        assert self.page(steward, f"{where}/explode")[0] == 404
        assert self.page(steward, f"/identities/{cast.dave().pk}/suspend")[0] == 403
        assert current(service).status == Identity.Status.ACTIVE

    def test_are_not_for_others(self, client: Client) -> None:
        service, _ = signed()
        cast.let_in(client, cast.alice())
        where = f"/identities/{service.pk}"
        assert f"{where}/suspend" not in self.page(client, where)[1]
        assert self.page(client, f"{where}/suspend", reason="x")[0] == 403
        assert current(service).status == Identity.Status.ACTIVE

    def test_an_orphan_says_so_on_its_page_and_in_the_list(self, steward: Client) -> None:
        service, _ = signed()
        suspend(cast.bob())
        assert "Nobody answers for it" in self.page(steward, "/identities?kind=service")[1]
        shown = self.page(steward, f"/identities/{service.pk}")[1]
        assert "Its owner Bob Ruiz is suspended" in shown


class TestCommands:
    def said(self, *words: str) -> str:
        out = StringIO()
        call_command(*words, stdout=out)
        return out.getvalue().strip()

    def test_do_what_the_pages_do(self) -> None:
        service, _ = signed()
        assert self.said("suspend_identity", service.pk, "--reason", "stolen") == "scan service is suspended"
        assert (
            self.said("resume_identity", "scan service", "--reason", "found", "--by", cast.dave().user.username) == "scan service is active"
        )
        cast.carol()
        assert self.said("change_owner", "scan service", "carol", "--reason", "moved") == "Carol Idris answers for scan service"
        assert self.said("retire_identity", "scan service", "--reason", "replaced") == "scan service is retired"
        with pytest.raises(CommandError, match=r"identity\.retired"):
            self.said("resume_identity", "scan service", "--reason", "back")
