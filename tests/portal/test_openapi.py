"""The API's own description is valid, complete, and says how it refuses."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from tests.house.url_map import all_addresses

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    written = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=written)
    described: dict[str, Any] = yaml.safe_load(written.getvalue())
    return described


def test_it_describes_every_address_of_the_api(schema: dict[str, Any]) -> None:
    # SCIM describes itself, at addresses of its own.
    addresses = [address for address in all_addresses() if address.route.startswith(("api/v1/", "signers/allowed_", "signers/revoked."))]
    assert addresses
    assert len(schema["paths"]) == len(addresses)


def test_every_operation_names_its_refusals_as_problem_documents(schema: dict[str, Any]) -> None:
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            for status in ("400", "401", "403"):
                assert status in operation["responses"], f"{method} {path} does not say {status}"
    problem = schema["components"]["schemas"]["Problem"]
    assert set(problem["required"]) == {"type", "title", "status", "detail", "code", "instance"}


def test_its_page_loads_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/api/docs").content.decode()
    assert "swagger-ui" in page
    assert "//cdn" not in page
    assert client.get("/api/schema").status_code == 200
