"""What an order to verify again touches, asked from either side, and how many orders are done in one round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from attestations import reverify
from attestations.drain import drain
from attestations.models import Reverification, VerificationJob
from attestations.queries import latest_verdict, newest_verdicts
from attestations.reverify import ask_reverification, order_reverification, spread_reverifications
from portal.demo.instance import build_provenance
from proofs.assess import VERIFIER_VERSION
from proofs.keys import key_id_of
from tests import cast
from tests.make_attestations import (
    NOW,
    Signer,
    artifact_digest,
    make_attestation,
    make_signer,
    make_statement,
    register_key,
    runner_workload,
    trust_instance,
)
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


class TestWhatAnOrderTouches:
    """Spreading asks of an order which verdicts it touches, a gate asks of a verdict which orders touch it; both say the same."""

    def touched_by(self, kind: str, value: str, issuer: str = "") -> list[str]:
        Reverification.objects.filter(done_at__isnull=True).update(done_at=NOW)
        order = order_reverification(kind=kind, value=value, issuer=issuer, now=NOW)
        asked = newest_verdicts().filter(reverify._is_touched_by_open()).values_list("attestation_id", flat=True)
        touched = sorted(reverify._touched_by(order).values_list("attestation_id", flat=True))
        assert sorted(asked) == touched
        order.cursor = "att_~"
        order.save()
        assert not newest_verdicts().filter(reverify._is_touched_by_open()).exists()
        return touched

    def test_is_the_same_from_both_sides(self) -> None:
        one, two = sorted([make_signer(), make_signer()], key=lambda signer: key_id_of(signer.spki))
        for number, signer in enumerate((one, two)):
            register_key(signer, name=f"service {number}")

        def together(first: Signer, other: Signer, name: str) -> bytes:
            envelopes = [json.loads(signer.sign(make_statement(name))) for signer in (first, other)]
            return json.dumps({**envelopes[0], "signatures": [envelope["signatures"][0] for envelope in envelopes]}).encode()

        statement = build_provenance(runner_workload(), [("bundle", artifact_digest("bundle"))])
        rows = {
            "bundle": make_attestation(trust_instance().sign_as(runner_workload(), statement, at=NOW)),
            "two": make_attestation(two.sign(make_statement("two"))),
            "both": make_attestation(together(one, two, "both")),
            "half": make_attestation(together(one, make_signer(), "half")),
            "unknown": make_attestation(make_signer().sign(make_statement("unknown"))),
        }
        drain(clock=timezone.now, limit=100)
        name_of = {row.pk: name for name, row in rows.items()}
        bundle, everything = latest_verdict(rows["bundle"]), set(rows)
        assert bundle is not None
        key, workflow = key_id_of(two.spki), cast.WORKFLOW
        for kind, value, issuer, wanted in (
            ("root_added", "ab" * 32, "", {"unknown"}),
            ("root_removed", bundle.trust_root, "", {"bundle"}),
            ("root_removed", "ab" * 32, "", set()),
            ("key", key, "", {"two", "both", "half", "unknown"}),
            ("key", "SHA256:other", "", {"half", "unknown"}),
            ("certificate", workflow, cast.GITHUB_ISSUER, {"bundle"}),
            ("certificate", bundle.signer_name, cast.GITHUB_ISSUER, {"bundle"}),
            ("certificate", workflow[:-1], cast.GITHUB_ISSUER, set()),
            ("certificate", workflow, "https://other.example", set()),
            ("verifier", VERIFIER_VERSION, "", set()),
            ("verifier", "99", "", everything),
            ("asked", rows["two"].pk, "", {"two"}),
            ("asked", "", "", everything),
        ):
            assert {name_of[pk] for pk in self.touched_by(kind, value, issuer)} == wanted, (kind, value)

    def test_small_orders_are_done_together_within_one_limit(self) -> None:
        signer = make_signer()
        register_key(signer)
        rows = [make_attestation(signer.sign(make_statement(str(number)))) for number in range(5)]
        drain(clock=timezone.now, limit=100)
        while spread_reverifications(now=NOW):
            pass
        for row in rows:
            ask_reverification(attestation_id=row.pk, by=None, now=NOW)
        assert [spread_reverifications(now=NOW, limit=3) for _ in range(4)] == [3, 3, 1, 0]
        assert VerificationJob.objects.filter(state=VerificationJob.State.WAITING).count() == 5
