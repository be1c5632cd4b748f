"""The page on which another key or name takes over from one a program signs with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from identities.models import EvidenceSigner, Identity
from identities.revoke_signer import revoke_signer
from tests import cast
from tests.make_attestations import make_signer, register_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward(client: Client) -> Client:
    cast.let_in(client, cast.dave())
    return client


def page(client: Client, path: str, **posted: Any) -> tuple[int, str]:
    answer = client.post(path, posted) if posted else client.get(path)
    return answer.status_code, answer.content.decode()


def where(identity: Identity) -> str:
    return f"/identities/{identity.pk}/signers/{identity.evidence_signers.order_by('pk')[0].pk}/rotate"


def test_says_what_happens_when_and_takes_a_new_key(steward: Client) -> None:
    service = register_key(make_signer())
    assert where(service) in page(steward, f"/identities/{service.pk}")[1]
    status, asked = page(steward, where(service))
    assert status == 200 and "only the new one counts" in asked and "Both count" in asked
    assert page(steward, where(service), public_key=make_signer().pem.decode(), overlap_days="3", reason="yearly")[0] == 302
    old, new = EvidenceSigner.objects.filter(identity=service).order_by("pk")
    assert new.replaces == old and old.valid_until is not None
    assert timedelta(days=2) < old.valid_until - timezone.now() <= timedelta(days=3)
    shown = page(steward, f"/identities/{service.pk}")[1]
    assert where(service) not in shown and f"/signers/{new.pk}/rotate" in shown and f"{old} counts until" in shown


def test_takes_a_new_certificate_name_of_the_same_issuer(steward: Client) -> None:
    runner = cast.runner()
    status, asked = page(steward, where(runner))
    assert status == 200 and "on any branch or tag" in asked and cast.GITHUB_ISSUER in asked
    name = cast.WORKFLOW.replace("release", "publish")
    assert page(steward, where(runner), certificate_identity=name, overlap_days="0", reason="moved")[0] == 302
    assert EvidenceSigner.objects.get(certificate_identity=name).any_ref


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"public_key": "-----BEGIN PRIVATE KEY-----"}, "expected"),
        ({"overlap_days": "91"}, "less than or equal to 90"),
        ({"overlap_days": "-1"}, "greater than or equal to 0"),
        ({"reason": ""}, "This field is required"),
    ],
)
def test_says_at_the_field_what_is_wrong(steward: Client, change: dict[str, str], sentence: str) -> None:
    service = register_key(make_signer())
    posted = {"public_key": make_signer().pem.decode(), "overlap_days": "3", "reason": "yearly", **change}
    status, shown = page(steward, where(service), **posted)
    assert status == 422 and sentence in shown and 'class="error"' in shown
    assert service.evidence_signers.count() == 1


def test_an_end_that_stays_is_said_at_the_overlap(steward: Client) -> None:
    service = register_key(make_signer())
    EvidenceSigner.objects.update(valid_until=timezone.now() + timedelta(days=30))
    posted = {"public_key": make_signer().pem.decode(), "reason": "yearly"}
    status, shown = page(steward, where(service), overlap_days="3", **posted)
    assert status == 422 and "which stays" in shown
    assert page(steward, where(service), overlap_days="40", **posted)[0] == 302


def test_what_cannot_be_rotated_offers_no_form_and_others_may_not(steward: Client) -> None:
    service, other = register_key(make_signer()), register_key(make_signer(), name="other")
    foreign = other.evidence_signers.get().pk
    assert page(steward, f"/identities/{service.pk}/signers/{foreign}/rotate")[0] == 404
    revoke_signer(signer=service.evidence_signers.get(), revoked_from=timezone.now(), reason="stolen", by=None, now=timezone.now())
    posted = {"public_key": make_signer().pem.decode(), "overlap_days": "3", "reason": "yearly"}
    for status, shown in (page(steward, where(service)), page(steward, where(service), **posted)):
        assert status == 422 and "signer.already_revoked" in shown and "<textarea" not in shown
    cast.let_in(steward, cast.bob())
    assert page(steward, where(other), **posted)[0] == 403
    assert EvidenceSigner.objects.count() == 2
