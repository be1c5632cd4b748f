"""The cast stands where the stories say it does."""

from __future__ import annotations

import pytest

from identities.permissions import may
from tests import cast

pytestmark = pytest.mark.django_db


def test_only_alice_may_approve() -> None:
    project = cast.payments_api()
    everybody = [cast.alice(), cast.bob(), cast.carol(), cast.dave(), cast.mallory(), cast.runner()]
    assert [person.name for person in everybody if may(person, "requests.decide", project=project).allowed] == ["Alice Chen"]


def test_the_cast_is_made_once() -> None:
    assert cast.runner() == cast.runner()
    assert cast.runner().owner == cast.bob()
