"""The doorbell: rung after the commit where there is a broker, and never a reason to lose evidence."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import Celery, current_app
from django.test import Client

from attestations.models import Attestation
from tests import cast
from tests.make_attestations import make_signer, make_statement

pytestmark = pytest.mark.django_db
BROKER = os.environ.get("COUNTERSIGN_TEST_BROKER_URL", "")


@pytest.fixture
def own_app() -> Iterator[Celery]:
    """A Celery application of this test's own, current for as long as the test runs."""
    usual = current_app._get_current_object()
    app = Celery("doorbell", set_as_current=True)
    # A queue of our own: nobody's workers answer, and nobody's messages are counted.
    app.conf.task_default_queue = f"doorbell-{os.getpid()}"
    yield app
    app.close()
    usual.set_current()


def send() -> Any:
    token = cast.token_of(cast.runner())
    content = make_signer().sign(make_statement())
    return Client().post(
        "/api/v1/attestations", data=content, content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )


def test_no_broker_no_bell(settings: Any, django_capture_on_commit_callbacks: Any) -> None:
    settings.BROKER_URL = ""
    with django_capture_on_commit_callbacks() as callbacks:
        assert send().status_code == 202
    assert callbacks == []


def test_a_broker_that_is_down_loses_nothing(settings: Any, own_app: Celery, django_capture_on_commit_callbacks: Any) -> None:
    settings.BROKER_URL = own_app.conf.broker_url = "redis://127.0.0.1:1/0"
    with django_capture_on_commit_callbacks(execute=True):
        answer = send()
    assert answer.status_code == 202
    assert Attestation.objects.get().pk == answer.json()["id"]


@pytest.mark.skipif(not BROKER, reason="no broker in this lane")
def test_rings_once_the_evidence_is_committed(settings: Any, own_app: Celery, django_capture_on_commit_callbacks: Any) -> None:
    settings.BROKER_URL = own_app.conf.broker_url = BROKER
    queue = own_app.conf.task_default_queue
    with redis.Redis.from_url(BROKER) as client:
        with django_capture_on_commit_callbacks(execute=True):
            send()
            assert client.llen(queue) == 0
        messages = client.lrange(queue, 0, -1)
        client.delete(queue, f"_kombu.binding.{queue}")
    assert [json.loads(message)["headers"]["task"] for message in messages] == ["portal.tasks.sweep"]
