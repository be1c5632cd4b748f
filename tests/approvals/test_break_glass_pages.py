"""The pages of breaking the glass: what they show is what is signed, and everybody sees it until others have reviewed it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.models import BreakGlassEnd, StatementCeremony
from ledger.publish import publish_checkpoint
from tests import cast, make_break_glass, make_statements
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


def test_from_the_request_to_the_signature_and_back(client: Client) -> None:
    now = timezone.now()
    make.set_stage(source=make_break_glass.POLICY, now=now)
    asked, person = make.ask(now=now), make_break_glass.declarer(now=now)
    key = make_break_glass.key_of(person, now=now)
    cast.let_in(client, person)
    request_page = reverse("approvals:request", args=[asked.pk])
    new = reverse("approvals:break_glass_new", args=[make.image()])
    assert new in client.get(reverse("approvals:request_live", args=[asked.pk])).content.decode()
    assert "Where?" in client.get(new).content.decode()
    link = f"{new}?project={asked.project_id}&environment={asked.environment_id}"
    assert "This is no approval" in client.get(link).content.decode()
    given = {"incident": "INC-7", "justification": "Payments are down.", "hours": 2, "max_uses": 1, "key": key.pk}
    assert client.post(link, {**given, "hours": 9}).status_code == 400
    began = client.post(link, given)
    ceremony = StatementCeremony.objects.get()
    page = client.get(began["Location"]).content.decode()
    for shown in ("Break the glass", "Payments are down.", make.image(), "ceremony-offer"):
        assert shown in page
    assertion = make.posted(make._PASSKEYS[key.pk], bytes(ceremony.payload))
    done = client.post(reverse("approvals:statement_complete", args=[ceremony.pk]), {"assertion": assertion}, follow=True)
    assert "Waits for its review" in done.content.decode()
    for seen in (request_page, reverse("approvals:queue"), reverse("reports:artifact", args=[make.image()])):
        assert "Break-glass: waits for its review." in client.get(seen).content.decode()
    row = ceremony.signed.break_glass
    review = client.get(reverse("approvals:request", args=[row.review_id])).content.decode()
    assert "This is its review." in review and 'class="notice glass"' in review
    end = reverse("approvals:break_glass_end", args=[row.pk])
    assert end in client.get(reverse("approvals:break_glasses")).content.decode()
    client.get(end)
    client.post(end, {"reason": "It is up again."})
    assert BreakGlassEnd.objects.get().reason == "It is up again."


def test_whoever_signs_about_it_sees_the_banner_until_it_is_cleared(client: Client) -> None:
    now = timezone.now()
    make.set_stage(source=make_break_glass.POLICY, now=now)
    make.ask(now=now)
    row = make_break_glass.declare(now=now)
    sally, sven = (cast.person(name, name.title(), "approver:security", now=now) for name in ("sally", "sven"))
    revision = row.review.revisions.get()
    sign = reverse("approvals:sign", args=[row.review_id])
    cast.let_in(client, sally)
    key = make_statements.passkey_of(sally)[1]
    page = client.get(sign, {"snapshot": revision.snapshot_id}).content.decode()
    assert 'class="notice glass"' in page and "It may go to" not in page and "It lets nothing through." in page
    assert "request_changes" not in page + client.get(reverse("approvals:request", args=[row.review_id])).content.decode()
    began = client.post(sign, {"snapshot": revision.snapshot_id, "decision": "reject", "reason": "No outage.", "key": key.pk})
    page = client.get(began["Location"]).content.decode()
    assert 'class="notice glass"' in page and "card statement reject" in page
    for person, decision in ((sally, "reject"), (sven, "approve")):
        assert 'class="notice glass"' in client.get(reverse("reports:artifact", args=[make.image()])).content.decode()
        passkey, key = make_statements.passkey_of(person)
        make.complete(make.begin(row.review, person, key, decision=decision, reason="I looked.", now=now), passkey, now=now)
        publish_checkpoint(now=now)
    for seen in (reverse("reports:artifact", args=[make.image()]), reverse("approvals:request", args=[row.review_id])):
        assert 'class="notice glass"' not in client.get(seen).content.decode()


def test_a_late_review_is_overdue(client: Client) -> None:
    make.set_stage(source=make_break_glass.POLICY)
    make.ask()
    make_break_glass.declare()
    cast.let_in(client, cast.carol())
    assert "Review overdue" in client.get(reverse("approvals:break_glasses")).content.decode()
