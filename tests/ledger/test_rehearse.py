"""A rehearsal keeps nothing, whatever happens in it, and is over when it ends."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from identities.lifecycle.change_status import suspend_identity
from identities.models import Identity
from ledger.append import hold_ledger
from ledger.models import Entry
from ledger.rehearse import is_rehearsed, rehearsal
from tests import cast

pytestmark = pytest.mark.django_db


def suspend() -> None:
    suspend_identity(identity=cast.runner(), reason="x", by=None, now=cast.NOW)


def test_what_is_rehearsed_is_taken_back_and_has_no_entry() -> None:
    cast.runner()
    size = Entry.objects.count()
    with rehearsal(), CaptureQueriesContext(connection) as asked:
        hold_ledger()
        suspend()
        assert Identity.objects.get(pk=cast.runner().pk).status == Identity.Status.SUSPENDED
    assert not [query["sql"] for query in asked if "ledger_" in query["sql"]]
    assert (cast.runner().status, Entry.objects.count()) == (Identity.Status.ACTIVE, size)


def test_what_fails_in_a_rehearsal_is_taken_back_as_well() -> None:
    cast.runner()

    def fail() -> None:
        with rehearsal():
            suspend()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (cast.runner().status, is_rehearsed()) == (Identity.Status.ACTIVE, False)


def test_after_a_rehearsal_acts_have_entries_again() -> None:
    cast.runner()
    size = Entry.objects.count()
    with rehearsal():
        suspend()
    suspend()
    assert Entry.objects.count() == size + 1
