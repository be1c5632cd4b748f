"""The pages of rights: what a program may do, a right given, a right ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from identities.grants.known_objects import list_known_types
from identities.lifecycle.change_status import retire_identity
from identities.models import Environment, Grant, Identity, Project, Team
from tests import cast
from tests.make_attestations import NOW, make_attestation, make_signer, make_statement, register_key, verify_now

pytestmark = [pytest.mark.django_db, pytest.mark.once]
DAY = timedelta(days=1)
PROVENANCE = "https://slsa.dev/provenance/v1"


@pytest.fixture
def steward(client: Client) -> Client:
    cast.let_in(client, cast.dave())
    return client


def page(client: Client, path: str, **posted: Any) -> tuple[int, str]:
    answer = client.post(path, posted) if posted else client.get(path)
    return answer.status_code, answer.content.decode()


def service() -> Identity:
    """A service that holds a grant to attest everything."""
    return register_key(make_signer(), now=timezone.now() - DAY)


class TestProfile:
    def test_says_which_grants_are_in_force_where_until_and_why(self, steward: Client) -> None:
        program = service()
        until = timezone.now() + 3 * DAY
        cast.grant_right(
            identity=program,
            right="secret",
            object="payments/signing",
            reason="Signs releases",
            project=cast.payments_api(),
            environment=cast.production(),
            valid_until=until,
            by=cast.dave(),
            now=timezone.now(),
        )
        shown = page(steward, f"/identities/{program.pk}")[1]
        for expected in (
            "any of them, also those nobody knows yet",
            "Read the secret",
            "payments/signing",
            "Payments API",
            "Signs releases",
        ):
            assert expected in shown
        assert "nothing it signs counts" not in shown and "Ended:" not in shown

    def test_without_a_right_to_attest_it_says_what_that_means_and_what_to_do(self, steward: Client) -> None:
        program = service()
        Grant.objects.update(ended_at=timezone.now())
        shown = page(steward, f"/identities/{program.pk}")[1]
        assert "nothing it signs counts" in shown and f"/identities/{program.pk}/grants/add" in shown and "Ended: 1" in shown
        other = Client()
        cast.let_in(other, cast.alice())
        shown = page(other, f"/identities/{program.pk}")[1]
        assert "Ask an identity steward of Payments" in shown and "/grants/add" not in shown and "/rotate" not in shown

    def test_a_person_has_none(self, steward: Client) -> None:
        assert "What it may do" not in page(steward, f"/identities/{cast.alice().pk}")[1]


class TestAdd:
    def test_gives_what_was_asked_through_the_end_of_the_day(self, steward: Client) -> None:
        program = service()
        where = f"/identities/{program.pk}/grants/add"
        other = Team.objects.create(slug="other", name="Other")
        Project.objects.create(slug="their-api", name="Their API", team=other)
        Environment.objects.create(slug="their-production", name="Their production", team=other)
        project, place = cast.payments_api(), cast.production()
        asked = page(steward, where)[1]
        assert f'<option value="{PROVENANCE}">' in asked and "payments-api" in asked and "their-" not in asked
        assert "also those nobody knows yet" in asked
        posted = {"right": "attest", "object": PROVENANCE, "project": project.pk, "environment": place.pk, "reason": "Builds"}
        assert page(steward, where, valid_until="2099-03-04", **posted)[0] == 302
        grant = Grant.objects.get(object=PROVENANCE)
        assert (grant.project, grant.environment, grant.granted_by) == (project, place, cast.dave())
        assert grant.valid_until == datetime(2099, 3, 4, 23, 59, 59, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"object": "https://example.test/*"}, "to the letter, or * for any"),
            ({"valid_until": "2020-01-01"}, "expected a time that is yet to come"),
            ({"right": "fly"}, "Select a valid choice"),
            ({"reason": ""}, "This field is required"),
            ({"project": "prj_other"}, "Select a valid choice"),
        ],
    )
    def test_says_at_the_field_what_is_wrong(self, steward: Client, change: dict[str, str], sentence: str) -> None:
        program = service()
        posted = {"right": "attest", "object": PROVENANCE, "reason": "Builds", **change}
        status, shown = page(steward, f"/identities/{program.pk}/grants/add", **posted)
        assert status == 422 and sentence in shown and 'class="error"' in shown
        assert Grant.objects.count() == 1

    def test_is_for_stewards_and_for_programs_that_may_act(self, steward: Client) -> None:
        program = service()
        assert page(steward, f"/identities/{cast.alice().pk}/grants/add")[0] == 302
        retire_identity(identity=program, reason="x", by=None, now=timezone.now())
        assert page(steward, f"/identities/{program.pk}/grants/add", right="attest", object="*", reason="x")[0] == 302
        assert page(steward, "/identities/idn_nobody/grants/add")[0] == 404
        cast.let_in(steward, cast.bob())
        assert page(steward, f"/identities/{program.pk}/grants/add")[0] == 403
        assert Grant.objects.count() == 1


class TestEnd:
    def test_says_what_it_is_and_ends_it(self, steward: Client) -> None:
        program = service()
        grant = program.grants.get()
        where = f"/identities/{program.pk}/grants/{grant.pk}/end"
        status, shown = page(steward, where)
        assert status == 200 and "satisfies no policy" in shown and "It is what it is for" in shown
        assert page(steward, where, reason="")[0] == 422
        assert page(steward, where, reason="not needed")[0] == 302
        assert Grant.objects.get().ended_at is not None
        # Said twice, as by a second click, it leads back.
        assert page(steward, where, reason="not needed")[0] == 302

    def test_another_programs_grant_is_not_found_and_others_may_not(self, steward: Client) -> None:
        program, other = service(), register_key(make_signer(), name="other")
        grant = other.grants.get()
        assert page(steward, f"/identities/{program.pk}/grants/{grant.pk}/end", reason="x")[0] == 404
        cast.let_in(steward, cast.bob())
        assert page(steward, f"/identities/{other.pk}/grants/{grant.pk}/end", reason="x")[0] == 403
        assert Grant.objects.filter(ended_at__isnull=False).count() == 0


def test_types_to_choose_from_are_those_we_read_and_those_of_verified_evidence() -> None:
    signer = make_signer()
    register_key(signer)
    assert PROVENANCE in list_known_types() and "https://example.test/check/v1" not in list_known_types()
    verify_now(make_attestation(signer.sign(make_statement()), now=NOW))
    verify_now(make_attestation(make_signer().sign(make_statement(predicate_type="https://example.test/forged")), now=NOW))
    assert "https://example.test/check/v1" in list_known_types()
    assert "https://example.test/forged" not in list_known_types()
