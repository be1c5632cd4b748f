"""The portal's list of what counts no more: everything that somebody took back, and as far as the log was when it was written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from approvals.models import Approval, Request
from approvals.requests.withdraw import withdraw_request
from gates.list_revocations import list_revocations
from identities.keys.enrol import revoke_signing_key
from ledger.models import Checkpoint, Entry
from ledger.recorder import recorder_key
from proofs.approval.revocation_list import MAX_AGE, RevocationList, check_revocation_list, parse_revocation_list
from proofs.canonical import parse_json
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.keys import load_spki
from tests import cast, make_requests, make_statements
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
LATER = make.NOW + timedelta(minutes=1)


def listed() -> RevocationList:
    return parse_revocation_list(parse_envelope(list_revocations(now=LATER)).payload)


@pytest.fixture
def approval() -> Approval:
    request = make_requests.approved()
    return Approval.objects.get(revision__request=request)


def test_what_counts_is_not_in_it_and_it_names_the_newest_head(approval: Approval) -> None:
    head, before = Checkpoint.objects.latest("size"), Entry.objects.count()
    said = listed()
    assert (dict(said.revoked), said.size, said.root) == ({}, head.size, bytes(head.root).hex())
    assert (said.at, said.not_after) == (LATER, LATER + timedelta(hours=24))
    assert Entry.objects.count() == before


def test_what_was_taken_back_is_in_it_until_its_time_is_over(approval: Approval) -> None:
    make_statements.revoke(approval, cast.alice())
    assert listed().revoked == {approval.payload_digest: "revoked"}
    over = parse_revocation_list(parse_envelope(list_revocations(now=approval.not_after)).payload)
    assert over.revoked == {}


def test_a_withdrawn_request_and_a_lost_key_are_in_it(approval: Approval) -> None:
    request = Request.objects.get()
    key = approval.signing_key
    assert key is not None
    withdraw_request(request=request, reason="Not today.", by=request.requester, now=LATER)
    assert listed().revoked == {approval.payload_digest: "withdrawn"}
    # Before any worker has looked.
    revoke_signing_key(key=key, reason="Lost", by=cast.alice(), now=LATER, compromised_from=make.NOW)
    assert listed().revoked == {approval.payload_digest: "revoked_key"}


def test_an_answer_to_an_earlier_revision_is_in_it() -> None:
    request = make_requests.stale()
    assert set(listed().revoked.values()) == {"stale"}
    assert len(listed().revoked) == Approval.objects.filter(revision__request=request).count()


def test_a_program_of_another_team_gets_the_same_list_with_no_more_than_digests(client: Client) -> None:
    """Else its gate would take for good what its programs may not read."""
    now = timezone.now()
    make.send_provenance(make.set_stage(now=now), now=now)
    approval = make.approve(make.ask(now=now), cast.alice(now=now), now=now)
    make_statements.revoke(approval, cast.alice(), now=now)
    bearer = {"authorization": f"Bearer {cast.token_of(make.other_teams_bot())}"}
    answer = client.get("/api/v1/revocations", headers=bearer)
    assert answer.status_code == 200
    payload = parse_envelope(parse_json(answer.content)).payload
    for words in (approval.identity.name, approval.identity.subject, approval.revision.request_id, approval.pk):
        assert words.encode() not in payload
    with pytest.raises(Refusal) as refused:
        check_revocation_list(
            answer.content,
            keys=[load_spki(recorder_key().spki)],
            payloads={approval.payload_digest},
            log_size=1,
            now=timezone.now(),
            max_age=MAX_AGE[3],
        )
    assert refused.value.code == "approval.revoked"
    assert client.get("/api/v1/revocations").status_code == 401
