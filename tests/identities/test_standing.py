"""What the database finds about who answers is what is said of each identity."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from attestations.models import Observation
from identities.models import Identity
from identities.standing import answers_for, why_not_answering
from tests import cast
from tests.make_observations import NOW, observe, said, watcher

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
MOMENTS = (None, NOW - SECOND, NOW, NOW + SECOND)


@pytest.mark.parametrize("owned", Identity.Status.values)
@pytest.mark.parametrize("status", Identity.Status.values)
def test_the_database_and_the_row_agree(status: str, owned: str) -> None:
    for number, (suspended, retired, compromised) in enumerate(product(MOMENTS[:3], MOMENTS[1:], MOMENTS[::2])):
        who = watcher(name=f"watcher {number}")
        observe(said(at=NOW), by=who, now=NOW)
        Identity.objects.filter(pk=who.pk).update(status=status, suspended_at=suspended, retired_at=retired, compromised_from=compromised)
    Identity.objects.filter(pk=cast.bob().pk).update(status=owned)
    rows = Observation.objects.select_related("identity__owner")
    found = set(rows.filter(answers_for("identity", signed_at="received_at")))
    assert found == {row for row in rows if not why_not_answering(row.identity, signed_at=row.received_at)}
    assert len(rows) == 18
