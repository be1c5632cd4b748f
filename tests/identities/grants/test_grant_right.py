"""Grants: who may give which, what a signature is worth without one, and for which project and environment it counts."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from attestations.models import Attestation, Verdict
from attestations.queries import verdict_document
from attestations.reverify import spread_reverifications
from identities.grants.grant_right import end_grant, grant_right
from identities.grants.held import find_grants_to_attest, list_grants
from identities.lifecycle.change_status import retire_identity
from identities.models import Environment, Grant, Identity, Project
from identities.register import register_nonhuman, register_signer
from ledger.models import Entry
from proofs.errors import Refusal
from proofs.keys import key_id_of
from tests import cast
from tests.make_attestations import NOW, Signer, make_attestation, make_signer, make_statement, verify_now

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
CHECK_TYPE = "https://example.test/check/v1"


def service_with(signer: Signer, *, name: str = "scan service") -> Identity:
    """A registered service without any right."""
    service = register_nonhuman(
        kind="service", name=name, issuer="https://ci.example", subject=name, owner=cast.bob(), team=cast.payments(), by=None, now=NOW
    )
    register_signer(identity=service, public_key_pem=signer.pem, by=None, now=NOW)
    return service


def give(identity: Identity, what: str = CHECK_TYPE, **more: Any) -> Grant:
    return grant_right(**{"identity": identity, "right": "attest", "object": what, "reason": "its job", "by": None, "now": NOW, **more})


def newest_verdict(attestation: Attestation) -> Verdict:
    while spread_reverifications(now=timezone.now()):
        pass
    return verify_now(attestation)


def said_of(attestation: Attestation) -> tuple[str, str, Identity | None]:
    verdict = newest_verdict(attestation)
    finding = verdict.findings.get(check_name="signer")
    return str(finding.outcome), str(finding.code), verdict.signer


class TestActs:
    def test_each_is_in_the_ledger_once_and_given_twice_is_one_grant(self) -> None:
        service = service_with(make_signer())
        first, second = give(service, by=cast.dave()), give(service, by=cast.dave())
        assert first == second and Grant.objects.count() == 1
        for _ in range(2):
            end_grant(grant=first, reason="no longer", by=cast.dave(), now=NOW + DAY)
        events = list(Entry.objects.filter(event__startswith="grant.").order_by("index").values_list("event", flat=True))
        assert events == ["grant.given", "grant.ended"]
        assert give(service, now=NOW + 2 * DAY) != first

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"right": "fly"}, "grant.right"),
            ({"object": " "}, "grant.object"),
            ({"object": "https://example.test/*"}, "grant.object"),
            ({"object": "a\nb"}, "grant.object"),
            ({"object": "x" * 301}, "grant.object"),
            ({"reason": ""}, "identity.reason"),
            ({"valid_until": NOW}, "grant.expiry"),
        ],
    )
    def test_what_is_wrong_is_refused_and_nothing_is_written(self, change: dict[str, Any], code: str) -> None:
        service = service_with(make_signer())
        with pytest.raises(Refusal) as refused:
            give(service, **change)
        assert refused.value.code == code
        assert not Grant.objects.exists()

    def test_only_a_steward_of_its_team_gives_and_ends_and_nobody_to_oneself(self) -> None:
        service = service_with(make_signer())
        held = give(service)
        other = cast.Team.objects.create(slug="other", name="Other")
        elsewhere = cast.person("eve", "Eve", "identity-steward", team=other)
        for by in (cast.alice(), cast.bob(), elsewhere, service):
            for act in (
                lambda by=by: give(service, "https://example.test/other", by=by),
                lambda by=by: end_grant(grant=held, reason="x", by=by, now=NOW),
            ):
                with pytest.raises(Refusal) as refused:
                    act()
                assert refused.value.code == "permission.missing"

    def test_never_for_people_for_the_retired_or_for_another_teams_places(self) -> None:
        service = service_with(make_signer())
        other = cast.Team.objects.create(slug="other", name="Other")
        places = {
            "project": Project.objects.create(slug="their-api", name="Their API", team=other),
            "environment": Environment.objects.create(slug="their-production", name="Their production", team=other),
        }
        for name, place in places.items():
            with pytest.raises(Refusal) as refused:
                give(service, **{name: place})
            assert refused.value.code == "grant.other_team"
        with pytest.raises(Refusal) as refused:
            give(cast.alice())
        assert refused.value.code == "grant.people"
        retire_identity(identity=service, reason="replaced", by=None, now=NOW)
        with pytest.raises(Refusal) as refused:
            give(service)
        assert refused.value.code == "identity.not_active"


class TestWhatASignatureIsWorth:
    def test_without_a_grant_for_this_type_it_counts_for_nobody_and_says_so(self) -> None:
        signer = make_signer()
        service = service_with(signer)
        give(service, "https://example.test/another/v1")
        give(service, CHECK_TYPE, right="tool")
        sent = make_attestation(signer.sign(make_statement()), now=NOW)
        assert said_of(sent) == ("fail", "signer.not_granted", None)
        sentence = sent.verdicts.get().findings.get(check_name="signer").sentence
        assert sentence == f"The signer is registered as scan service, and has no grant to attest {CHECK_TYPE}."
        assert sent.verdicts.get().result == "verified"

    @pytest.mark.parametrize("what", [CHECK_TYPE, "*"])
    def test_once_granted_it_is_looked_at_again_and_counts(self, what: str) -> None:
        signer = make_signer()
        service = service_with(signer)
        sent = make_attestation(signer.sign(make_statement()), now=NOW)
        assert said_of(sent)[1] == "signer.not_granted"
        give(service, what, now=NOW + DAY)
        assert said_of(sent) == ("pass", "signer.registered", service)
        assert verdict_document(newest_verdict(sent))["identity"]["grants"] == [{"project": None, "environment": None}]

    @pytest.mark.parametrize("how", ["ended", "ran out"])
    def test_what_was_signed_before_the_end_stays_and_what_comes_later_never_counts(self, how: str) -> None:
        signer = make_signer()
        service = service_with(signer)
        grant = give(service, valid_until=NOW + DAY if how == "ran out" else None)
        if how == "ended":
            end_grant(grant=grant, reason="no longer", by=None, now=NOW + DAY)
        before, after = (make_attestation(signer.sign(make_statement(name)), now=at) for name, at in (("a", NOW), ("b", NOW + DAY)))
        assert (said_of(before)[1], said_of(after)[1]) == ("signer.registered", "signer.not_granted")

    def test_it_counts_within_the_second_it_was_given_in(self) -> None:
        signer = make_signer()
        service = service_with(signer)
        moment = NOW.replace(microsecond=700_000)
        give(service, now=moment)
        assert find_grants_to_attest(service, predicate_type=CHECK_TYPE, signed_at=NOW, at=NOW)

    def test_a_co_signer_without_a_grant_counts_for_nobody(self) -> None:
        first, second = sorted([make_signer(), make_signer()], key=lambda signer: key_id_of(signer.spki))
        service, other = service_with(first), service_with(second, name="other")
        give(service)
        envelopes = [json.loads(signer.sign(make_statement())) for signer in (first, second)]
        together = {**envelopes[0], "signatures": [envelope["signatures"][0] for envelope in envelopes]}
        sent = make_attestation(json.dumps(together).encode(), now=NOW)
        verdict = newest_verdict(sent)
        assert verdict.signer == service
        assert verdict.findings.get(check_name="co_signers").code == "signer.co_signer_unknown"
        give(other)
        assert newest_verdict(sent).findings.get(check_name="co_signers").code == "signer.co_signers"

    def test_where_it_holds_stands_in_the_verdict(self) -> None:
        signer = make_signer()
        service = service_with(signer)
        give(service, project=cast.payments_api())
        give(service, environment=cast.production())
        document = verdict_document(newest_verdict(make_attestation(signer.sign(make_statement()), now=NOW)))
        assert document["identity"]["grants"] == [
            {"project": None, "environment": "production"},
            {"project": "payments-api", "environment": None},
        ]

    def test_a_grant_that_is_given_later_counts_only_once_it_is_given(self) -> None:
        service = service_with(make_signer())
        give(service, now=NOW + DAY)
        asked = {"predicate_type": CHECK_TYPE, "signed_at": NOW}
        assert not find_grants_to_attest(service, at=NOW, **asked)
        assert find_grants_to_attest(service, at=NOW + DAY, **asked)
        assert [str(grant) for grant in list_grants(service)] == [f"Attest {CHECK_TYPE}"]


class TestCommands:
    def test_give_and_end(self) -> None:
        service = service_with(make_signer())
        assert cast.payments_api().team == cast.production().team
        out = StringIO()
        call_command(
            "grant_right",
            service.name,
            "attest",
            CHECK_TYPE,
            reason="its job",
            project="payments-api",
            environment="production",
            stdout=out,
        )
        grant = Grant.objects.get()
        assert out.getvalue() == f"{grant.pk}: scan service may attest {CHECK_TYPE} for payments-api in production\n"
        call_command("end_grant", grant.pk, reason="no longer", stdout=out)
        assert Grant.objects.get().ended_at is not None
        for unknown in ({"project": "nowhere"}, {"environment": "nowhere"}):
            with pytest.raises(CommandError, match=r"^(project|environment)\.unknown: "):
                call_command("grant_right", service.name, "attest", CHECK_TYPE, reason="x", stdout=out, **unknown)
        with pytest.raises(CommandError, match=r"^grant\.unknown: "):
            call_command("end_grant", "grt_nothing", reason="x", stdout=out)
