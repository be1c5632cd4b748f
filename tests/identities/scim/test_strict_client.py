"""Somebody else's strict client tries every resource and operation of ours, and finds nothing wrong."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests import make_scim

pytestmark = pytest.mark.django_db


def test_finds_no_error() -> None:
    _, secret = make_scim.token_of()
    app: Any = get_wsgi_application()
    client = WSGISCIMClient(app, base_url=f"{settings.ORIGIN}/scim/v2", headers={"Authorization": f"Bearer {secret}"})
    results = check_server(client)
    wrong = [f"{found.title}: {found.reason}" for found in results if found.status not in (Status.SUCCESS, Status.SKIPPED)]
    assert wrong == []
    assert len([found for found in results if found.status == Status.SUCCESS]) > 40
