"""Each answer is judged again from what was signed; what was altered since is UNKNOWN, whatever the columns say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from approvals.models import Approval, Request, Revision
from approvals.requests.delta import last_signers, since_signed
from approvals.requests.verdicts import judge_answers
from approvals.requests.withdraw import withdraw_request
from identities.keys.enrol import revoke_signing_key
from identities.models import Identity
from ledger.models import Entry
from tests import cast, make_requests
from tests import make_approvals as make
from tests.make_requests import LATER

pytestmark = pytest.mark.django_db


def newest_of(request: Request) -> Revision | None:
    return request.revisions.order_by("-number").first()


def verdicts(request: Request, now: Any = LATER) -> list[str]:
    return [judged.weighed.verdict.value for judged in judge_answers(request, now=now)]


def tamper(table: str, column: str, value: Any, where: str) -> None:
    """Change a row as somebody with the database would, past the triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        cursor.execute(f'UPDATE "{table}" SET "{column}" = %s WHERE {where}', [value])
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = DEFAULT")


class TestJudgeAnswers:
    def test_valid_and_then_expired(self) -> None:
        request = make_requests.approved()
        assert verdicts(request) == ["VALID"]
        assert verdicts(request, make.NOW + timedelta(hours=72)) == ["EXPIRED"]

    def test_stale_with_exactly_what_changed(self) -> None:
        request = make_requests.stale()
        judged = judge_answers(request, now=LATER)[0]
        assert judged.weighed.verdict == "STALE"
        assert [change.code for change in judged.weighed.delta] == ["evidence.added"]
        since = since_signed(newest_of(request), cast.alice())
        assert since is not None and since.changes == judged.weighed.delta
        assert (since_signed(newest_of(request), cast.bob()), [person for person, _ in last_signers(request)]) == (None, [cast.alice()])
        make.approve(request, cast.alice(), now=LATER)
        assert verdicts(request) == ["STALE", "VALID"]
        assert since_signed(newest_of(request), cast.alice()) is None

    def test_superseded_with_its_request(self) -> None:
        request = make_requests.in_review()
        newer = make.ask(tag="1.4.3", now=LATER)
        assert (verdicts(request), verdicts(newer)) == (["SUPERSEDED"], [])

    def test_withdrawn_with_its_request(self) -> None:
        request = make_requests.approved()
        withdraw_request(request=request, reason="No.", by=cast.bob(), now=LATER)
        assert verdicts(request) == ["WITHDRAWN"]

    def test_a_key_that_somebody_else_may_have_had(self) -> None:
        request = make_requests.approved()
        key = Approval.objects.get().signing_key
        assert key is not None
        revoke_signing_key(key=key, by=cast.alice(), reason="stolen", compromised_from=make.NOW, now=LATER)
        assert verdicts(request) == ["REVOKED_KEY"]

    def test_a_key_revoked_later_takes_nothing_back(self) -> None:
        request = make_requests.approved()
        key = Approval.objects.get().signing_key
        assert key is not None
        revoke_signing_key(key=key, by=cast.alice(), reason="old", now=LATER)
        assert verdicts(request, LATER) == ["VALID"]

    def test_somebody_who_took_the_program_over_since(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask(by=cast.runner())
        make.approve(request, cast.alice())
        Identity.objects.filter(pk=cast.runner().pk).update(owner=cast.alice())
        assert verdicts(Request.objects.get(pk=request.pk)) == ["SOD_VIOLATION"]

    @pytest.mark.parametrize(
        ("table", "column"), [("approvals_record", "envelope"), ("identities_signingkey", "enrollment"), ("ledger_entry", "body")]
    )
    def test_what_was_altered_is_unknown(self, table: str, column: str) -> None:
        request = make_requests.approved()
        row = Approval.objects.get().record
        where = f'"index" = {row.entry_id}' if table == "ledger_entry" else "1 = 1"
        tamper(table, column, b"{}", where)
        assert verdicts(Request.objects.get(pk=request.pk)) == ["UNKNOWN"]

    def test_no_column_of_the_approval_is_believed(self) -> None:
        request = make_requests.approved()
        tamper("approvals_approval", "not_after", make.NOW + timedelta(days=999), "1 = 1")
        tamper("approvals_approval", "level", "H4", "1 = 1")
        assert verdicts(request, make.NOW + timedelta(hours=72)) == ["EXPIRED"]

    def test_an_answer_kept_with_another_request_is_unknown(self) -> None:
        request = make_requests.approved()
        other = make.ask(tag="1.4.3", now=LATER)
        answer = Approval.objects.get()
        judged = judge_answers(other, now=LATER, answers=[answer])
        assert [item.weighed.verdict for item in judged] == ["UNKNOWN"]
        assert Entry.objects.exists() and verdicts(request) == ["VALID"]


class TestWhereItIsShown:
    def test_the_api_tells_it_for_each_answer(self) -> None:
        request = make_requests.stale()
        headers = {"authorization": f"Bearer {cast.token_of(cast.runner(), 'read')}"}
        body = Client().get(reverse("approvals:api_request", args=[request.pk]), headers=headers).json()
        answer = body["approvals"][0]
        assert (answer["verdict"], answer["revision"], body["revision"]) == ("STALE", 1, 2)
        assert [change["code"] for change in answer["delta"]] == ["evidence.added"]

    def test_the_record_page_and_the_request_page_tell_it(self, client: Client) -> None:
        request = make_requests.stale()
        client = cast.let_in(client, cast.alice())
        record = client.get(reverse("approvals:record", args=[Approval.objects.get().record.digest])).content.decode()
        assert "How it stands now" in record and "New evidence" in record
        page = client.get(reverse("approvals:request", args=[request.pk])).content.decode()
        assert "Since you answered revision 1" in page and "New evidence" in page
