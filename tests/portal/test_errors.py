"""Refusals become the right page or problem document."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_healthz_answers(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readyz_answers_when_every_migration_is_there(client: Client) -> None:
    assert client.get("/readyz").json() == {"status": "ok"}
