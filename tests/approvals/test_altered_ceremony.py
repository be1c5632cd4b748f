"""A ceremony whose stored row was changed behind the triggers' back: nothing is recorded for what was not offered."""

from __future__ import annotations

import pytest
from django.db import connection

from approvals.models import Approval, Ceremony
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from tests import cast
from tests import make_approvals as make
from tests.passkey import SoftPasskey

pytestmark = pytest.mark.django_db


def open_the_table() -> None:
    """Do what only the database's owner can: take the triggers off. The test's transaction puts them back."""
    on_table = " ON approvals_ceremony" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = 'approvals_ceremony'::regclass AND NOT tgisinternal")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'approvals_ceremony'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}"{on_table}')


@pytest.fixture
def offered() -> tuple[Ceremony, SoftPasskey]:
    stage = make.set_stage()
    make.send_provenance(stage)
    request = make.ask()
    passkey, key = make.enrol(cast.alice())
    ceremony = make.begin(request, cast.alice(), key)
    open_the_table()
    return ceremony, passkey


def code_of(ceremony: Ceremony, passkey: SoftPasskey, payload: bytes) -> str:
    with pytest.raises(Refusal) as refused:
        make.complete(ceremony, passkey, payload=payload)
    assert not Approval.objects.exists()
    return refused.value.code


def test_a_statement_that_no_longer_fits_its_digest_is_refused(offered: tuple[Ceremony, SoftPasskey]) -> None:
    ceremony, passkey = offered
    other = bytes(ceremony.payload).replace(b'"tier":3', b'"tier":1')
    Ceremony.objects.filter(pk=ceremony.pk).update(payload=other)
    assert code_of(ceremony, passkey, other) == "approval.altered"


def test_a_statement_swapped_together_with_its_digest_is_refused(offered: tuple[Ceremony, SoftPasskey]) -> None:
    ceremony, passkey = offered
    snapshot = ceremony.revision.snapshot_id
    other = bytes(ceremony.payload).replace(snapshot.encode(), b"ab" * 32)
    assert other != bytes(ceremony.payload)
    Ceremony.objects.filter(pk=ceremony.pk).update(payload=other, payload_digest=sha256_hex(other))
    assert code_of(ceremony, passkey, other) == "approval.altered"


def test_a_decision_that_is_not_the_statements_is_refused(offered: tuple[Ceremony, SoftPasskey]) -> None:
    ceremony, passkey = offered
    Ceremony.objects.filter(pk=ceremony.pk).update(decision="reject")
    assert code_of(ceremony, passkey, bytes(ceremony.payload)) == "approval.altered"
