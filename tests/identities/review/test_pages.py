"""The page on which a program is looked at again, and what its own page says about that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from identities.lifecycle.change_status import retire_identity
from identities.models import Grant, Identity, Recertification
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def page(client: Client, path: str, **posted: Any) -> tuple[int, str]:
    answer = client.post(path, posted) if posted else client.get(path)
    return answer.status_code, answer.content.decode()


def signed_in(client: Client, person: Identity) -> Client:
    cast.let_in(client, person)
    return client


def runner() -> tuple[Identity, Grant, Grant]:
    """The release workflow, registered lately, with two grants."""
    now = timezone.now() - timedelta(days=2)
    program = cast.runner(now=now)
    return program, program.grants.get(), cast.let_attest(program, "https://example.test/a", now=now)


def where(program: Identity) -> str:
    return f"/identities/{program.pk}/recertify"


class TestPage:
    def test_shows_purpose_owner_and_each_grant_unticked(self, client: Client) -> None:
        program, *grants = runner()
        status, shown = page(signed_in(client, cast.dave()), where(program))
        assert status == 200 and "Builds and attests the images" in shown and "Bob Ruiz" in shown
        assert all(f'value="{grant.pk}" id="needed_{grant.pk}"' in shown for grant in grants) and " checked" not in shown

    def test_everything_still_needed_is_one_step_also_for_the_owner(self, client: Client) -> None:
        program, *grants = runner()
        ids = [grant.pk for grant in grants]
        assert page(signed_in(client, cast.bob()), where(program), looked_at=ids, needed=ids, note="all in use")[0] == 302
        made = Recertification.objects.get()
        assert (made.by, {grant["id"] for grant in made.grants}) == (cast.bob(), set(ids))
        shown = page(client, f"/identities/{program.pk}")[1]
        assert "all in use" in shown and "2 grants kept" in shown

    def test_what_stays_unticked_ends_once_it_was_named(self, client: Client) -> None:
        program, kept, gone = runner()
        posted = {"looked_at": [kept.pk, gone.pk], "needed": [kept.pk], "note": "trimmed"}
        status, shown = page(signed_in(client, cast.dave()), where(program), **posted)
        assert status == 200 and "1 grant ends now" in shown and f'name="ending" value="{gone.pk}"' in shown
        assert not Recertification.objects.exists()
        # Another tick since then is asked about anew.
        assert page(client, where(program), **posted | {"needed": [gone.pk]}, ending=[gone.pk])[0] == 200
        assert page(client, where(program), **posted, ending=[gone.pk])[0] == 302
        assert list(Grant.objects.filter(ended_at__isnull=False)) == [gone]
        assert [grant["id"] for grant in Recertification.objects.get().grants] == [kept.pk]

    def test_an_owner_who_is_no_steward_is_told_who_ends_grants(self, client: Client) -> None:
        program, kept, gone = runner()
        asked = page(signed_in(client, cast.bob()), where(program))[1]
        assert "Only an identity steward ends a grant" in asked
        posted = {"looked_at": [kept.pk, gone.pk], "needed": [kept.pk], "note": "trimmed"}
        status, shown = page(client, where(program), **posted)
        assert status == 422 and "permission.missing" in shown
        assert not Recertification.objects.exists() and not Grant.objects.filter(ended_at__isnull=False).exists()

    def test_a_grant_that_came_meanwhile_is_looked_at_first(self, client: Client) -> None:
        program, first, second = runner()
        status, shown = page(signed_in(client, cast.dave()), where(program), looked_at=[first.pk], needed=[first.pk], note="x")
        assert status == 422 and "grant.changed" in shown and second.pk in shown
        assert page(client, where(program), looked_at=[first.pk, second.pk], needed=[first.pk, second.pk], note=" ")[0] == 422
        assert not Recertification.objects.exists()

    def test_is_for_owner_and_stewards_and_for_programs_that_may_act(self, client: Client) -> None:
        program, *_ = runner()
        for person in (cast.alice(), cast.carol()):
            assert page(signed_in(client, person), where(program), note="x")[0] == 403
            assert where(program) not in page(client, f"/identities/{program.pk}")[1]
        signed_in(client, cast.dave())
        assert page(client, f"/identities/{cast.dave().pk}/recertify", note="x")[0] == 403
        assert page(client, f"/identities/{cast.alice().pk}/recertify", note="x")[0] == 302
        retire_identity(identity=program, reason="x", by=None, now=timezone.now())
        assert page(client, where(program), note="x")[0] == 302
        assert not Recertification.objects.exists()

    def test_a_credential_does_not_reach_it(self, client: Client) -> None:
        program, *_ = runner()
        token = cast.token_of(program)
        answer = client.get(where(program), headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 403 and b"approval.human_required" in answer.content


class TestProfile:
    @pytest.mark.parametrize(
        ("age", "said"), [(1, "in 29 days"), (30, "Due today"), (31, "Overdue since 1 day"), (50, "Overdue since 20 days")]
    )
    def test_says_when_the_next_review_is_and_that_it_is_overdue(self, client: Client, age: int, said: str) -> None:
        program, *_ = runner()
        Identity.objects.filter(pk=program.pk).update(reviewed_at=timezone.now() - timedelta(days=age, minutes=1), review_every_days=30)
        shown = page(signed_in(client, cast.bob()), f"/identities/{program.pk}")[1]
        assert said in shown and "every 30 days" in shown

    def test_stewards_change_how_often(self, client: Client) -> None:
        program, *_ = runner()
        path = f"/identities/{program.pk}/interval"
        asked = page(signed_in(client, cast.dave()), path)[1]
        assert 'value="90"' in asked
        assert page(client, path, days="400", reason="x")[0] == 422
        assert page(client, path, days="30", reason="acts in production")[0] == 302
        assert Identity.objects.get(pk=program.pk).review_every_days == 30
        assert page(signed_in(client, cast.bob()), path, days="60", reason="x")[0] == 403
