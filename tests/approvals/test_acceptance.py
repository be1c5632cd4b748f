"""What a project accepts, shown item by item, is not for others to fill."""

from __future__ import annotations

from datetime import timedelta

import pytest

from approvals.policies.acceptance import MAX_ITEMS, list_acceptances
from approvals.policies.expectations import activate_expectations
from tests import cast
from tests import make_approvals as make
from tests.gates.test_evidence_today import results_by
from tests.make_attestations import make_signer, register_key

pytestmark = pytest.mark.django_db


class TestListAcceptances:
    def test_looks_at_the_own_and_the_named_before_what_others_sent_first(self) -> None:
        stage = make.set_stage()
        make.expect()
        make.register_stranger()
        make.copy_evidence(make.send_of_a_stranger(stage, by=make.other_teams_bot()), count=MAX_ITEMS + 20)
        named = make.send_provenance(stage, by=make.other_teams_bot(), now=make.NOW + timedelta(minutes=1))
        (found,) = list_acceptances(make.image(), projects=[cast.payments_api()])
        assert (found.accepted, len(found.items)) == (True, MAX_ITEMS)
        assert found.items[0].verdict.attestation == named

    def test_is_told_where_inputs_are_to_be_verified_and_more_than_one_signed(self) -> None:
        stage = make.set_stage()
        source = make.EXPECTATIONS.format(version=1, workflow="release") + "    inputs:\n      verified: true\n"
        activate_expectations(source=source, project=cast.payments_api(), by=make.erin(), now=make.NOW)
        sent, other = make.send_provenance(stage), make_signer()
        register_key(other)
        make.send(results_by(other, predicate_type=make.SLSA))
        (found,) = list_acceptances(make.image(), projects=[cast.payments_api()])
        assert {item.verdict.attestation_id: item.accepted for item in found.items}[sent.pk]
        assert len(found.items) == 2
