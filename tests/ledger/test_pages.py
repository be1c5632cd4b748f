"""The log's page for people with a role, and the signed head for everybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from ledger.keys import log_verifier_key
from ledger.publish import publish_checkpoint
from proofs.checkpoint import parse_note_key, verify_checkpoint
from tests import cast
from tests.make_ledger import NOW, make_entries, use_own_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


@pytest.fixture
def carol() -> Client:
    client = Client()
    client.force_login(cast.account_of(cast.carol()))
    return client


class TestLog:
    def test_before_anything_was_signed_it_says_so(self, carol: Client) -> None:
        text = carol.get("/log").content.decode()
        assert "Not signed yet" in text

    def test_shows_the_head_the_key_and_what_is_covered(self, carol: Client) -> None:
        make_entries(3)
        checkpoint = publish_checkpoint(now=NOW)
        make_entries(2)
        assert checkpoint is not None
        text = carol.get("/log").content.decode()
        assert checkpoint.note.splitlines()[2] in text
        assert log_verifier_key() in text
        assert text.count("Waiting") == 2
        assert text.count("Covered") == checkpoint.size

    def test_names_what_happened(self, carol: Client) -> None:
        text = carol.get("/log").content.decode()
        assert "An identity was registered" in text
        assert "A role was granted" in text

    def test_turns_pages(self, carol: Client) -> None:
        make_entries(60)
        assert 'rel="next"' in carol.get("/log").content.decode()
        assert 'rel="prev"' in carol.get("/log?page=2").content.decode()

    def test_needs_a_role(self) -> None:
        client = Client()
        assert client.get("/log").status_code == 302
        client.force_login(cast.account_of(cast.mallory()))
        assert client.get("/log").status_code == 403


class TestCheckpoint:
    def test_is_public_and_verifies(self) -> None:
        make_entries(3)
        publish_checkpoint(now=NOW)
        answer = Client().get("/log/checkpoint")
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert verify_checkpoint(answer.content.decode(), parse_note_key(log_verifier_key())).size == 3

    def test_is_not_there_before_anything_was_signed(self) -> None:
        answer = Client().get("/log/checkpoint", headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (404, "log.no_checkpoint")
