"""Somebody else's strict client tries every resource and operation of ours, and finds nothing wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests import make_scim

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Keep the test's connection over many requests, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_finds_no_error(one_connection: None) -> None:
    _, secret = make_scim.token_of()
    app: Any = get_wsgi_application()
    client = WSGISCIMClient(app, base_url=f"{settings.ORIGIN}/scim/v2", headers={"Authorization": f"Bearer {secret}"})
    results = check_server(client)
    wrong = [f"{found.title}: {found.reason}" for found in results if found.status not in (Status.SUCCESS, Status.SKIPPED)]
    assert wrong == []
    assert len([found for found in results if found.status == Status.SUCCESS]) > 40
