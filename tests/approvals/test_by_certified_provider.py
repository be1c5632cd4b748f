"""The whole way of an answer by sign-in with a certified OpenID provider (npm `oidc-provider`): asked again, recorded, the gate opens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.models import Approval, Ceremony
from approvals.packs.build import build_pack
from approvals.trust import current_trust
from gates.decide import decide
from ledger.publish import publish_checkpoint
from proofs.pack.verify import verify_pack
from tests import cast, make_sign_ins
from tests import make_approvals as make
from tests.oidc_provider import Browser, certified

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_what_a_certified_provider_confirms_opens_the_gate_and_is_proved_offline() -> None:
    then = timezone.now() - timedelta(minutes=10)
    make.send_provenance(make.set_stage(now=then), now=then)
    with certified() as corp:
        erin = make_sign_ins.known_at(make_sign_ins.provider_at(corp.url))
        request = make.ask(now=then)
        client = Client()
        client.force_login(erin.user)
        # Somebody who is signed in at the provider already is asked again all the same.
        browser = Browser()
        revision = request.revisions.get()
        for amr, status in ((("pwd",), 422), (("hwk", "mfa"), 200)):
            corp.steer("s-erin", amr=amr, name="Erin Malik", preferred_username="erin", groups=["releases"])
            given = {
                "snapshot": revision.snapshot_id,
                "decision": "approve",
                "reason": "",
                "way": "sign-in",
                "digest_tail": make.tail_of(revision),
            }
            assert client.post(reverse("approvals:sign", args=[request.pk]), given).status_code == 302
            ceremony = Ceremony.objects.latest("begun_at", "pk")
            url = make_sign_ins.way_out(client, reverse("approvals:ceremony_confirm", args=[ceremony.pk]))
            answer = client.get("/sign-in/bound", corp.authorize(url, browser=browser), follow=True)
            assert answer.status_code == status, answer.content.decode()[:2000]
    assert Approval.objects.get().level == "H2"
    now = timezone.now()
    publish_checkpoint(now=now)
    assert decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=now).outcome == "allow"
    files = build_pack(request=request, now=now, with_private=True)
    report = verify_pack(files, trust=current_trust(), digest=make.image(), environment="production", at=now)
    assert (report.approvals[0].level, report.approvals[0].signed_in_at) == ("H2", corp.url)
