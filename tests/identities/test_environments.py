"""An environment's slug and its id can be told apart, as whoever checks a pack may name it by either."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from identities.models import Environment
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("values", [{"slug": "env_production"}, {"slug": "production", "id": "production"}])
def test_a_slug_that_looks_like_an_id_and_an_id_that_does_not_are_kept_out(values: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Environment.objects.create(name="Production", team=cast.payments(), **values)


def test_others_are_kept() -> None:
    assert cast.production().pk.startswith("env_")
