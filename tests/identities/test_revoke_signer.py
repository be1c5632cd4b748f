"""Ending one way an identity signs evidence: said once, with a reason, from a time that is not in the future."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from identities.models import EvidenceSigner, Identity
from identities.revoke_signer import revoke_signer
from ledger.models import Entry
from proofs.errors import Conflict, Malformed, NotAllowed
from tests import cast
from tests.make_attestations import NOW, make_signer, register_key

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def revoke(identity: Identity, since: datetime) -> EvidenceSigner:
    signer = EvidenceSigner.objects.get(identity=identity)
    return revoke_signer(signer=signer, revoked_from=since, reason="stolen", by=None, now=timezone.now())


class TestRevokeSigner:
    def test_is_in_the_ledger_and_the_same_again_changes_nothing(self) -> None:
        identity = register_key(make_signer(), now=NOW)
        for _ in range(2):
            revoke(identity, NOW)
        assert Entry.objects.filter(event="evidence_signer.revoked").count() == 1

    @pytest.mark.parametrize("other", [NOW, NOW + 2 * DAY])
    def test_the_time_is_said_once(self, other: datetime) -> None:
        identity = register_key(make_signer(), now=NOW)
        revoke(identity, NOW + DAY)
        with pytest.raises(Conflict) as again:
            revoke(identity, other)
        assert again.value.code == "signer.already_revoked"
        assert EvidenceSigner.objects.get(identity=identity).revoked_at == NOW + DAY

    def test_refuses_the_future_no_reason_and_no_right(self) -> None:
        signer = EvidenceSigner.objects.get(identity=register_key(make_signer(), now=NOW))
        late = timezone.now()
        with pytest.raises(Malformed) as future:
            revoke_signer(signer=signer, revoked_from=late + DAY, reason="x", by=None, now=late)
        with pytest.raises(Malformed) as silent:
            revoke_signer(signer=signer, revoked_from=late, reason="", by=None, now=late)
        with pytest.raises(NotAllowed) as powerless:
            revoke_signer(signer=signer, revoked_from=late, reason="x", by=cast.alice(), now=late)
        assert [refused.value.code for refused in (future, silent)] == ["signer.revoked_in_future", "signer.reason"]
        assert powerless.value.code == "permission.missing"
        signer.refresh_from_db()
        assert signer.revoked_at is None
