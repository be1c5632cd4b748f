"""Appending: indexes without gaps, hashes of complete subtrees, limits, and entries that nobody can change."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from ledger.append import MAX_LEAF_BYTES, append_dsse, append_event
from ledger.append_only import AppendOnlyError
from ledger.models import Checkpoint, Entry, Head, Node
from ledger.publish import publish_checkpoint
from ledger.recorder import recorder_key
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope, verify_envelope
from proofs.encoding import b64_encode
from proofs.errors import TooLarge, Unavailable
from proofs.keys import load_pem, load_spki
from proofs.merkle import leaf_hash, node_hash
from tests.make_ledger import ACTOR, NOW, make_entries, use_own_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def append_and_fail() -> None:
    with transaction.atomic():
        append_event(event="test.happened", ref_digest="ab" * 32, actor=ACTOR, now=NOW)
        raise RuntimeError("changed its mind")


class TestAppendEvent:
    def test_gives_indexes_without_gaps(self) -> None:
        assert [entry.index for entry in make_entries(9)] == list(range(9))
        assert Head.objects.get().size == 9

    def test_keeps_the_exact_leaf_and_its_hash(self) -> None:
        with transaction.atomic():
            entry = append_event(event="request.opened", ref_digest="ab" * 32, actor=ACTOR, now=NOW)
        stored = Entry.objects.get(index=entry.index)
        assert json.loads(bytes(stored.body)) == {
            "apiVersion": "1",
            "kind": "countersign.event",
            "spec": {
                "type": "request.opened",
                "at": "2026-03-01T12:00:00Z",
                "ref": {"sha256": "ab" * 32},
                "actor": ACTOR,
            },
        }
        assert bytes(stored.leaf_hash) == leaf_hash(bytes(stored.body))

    def test_writes_the_hash_of_every_subtree_it_completes(self) -> None:
        make_entries(21)
        leaves = [bytes(entry.leaf_hash) for entry in Entry.objects.order_by("index")]
        expected: dict[tuple[int, int], bytes] = {}
        row, level = leaves, 0
        while len(row) > 1:
            row = (
                [node_hash(left, right) for left, right in pairwise(row)][::2]
                if len(row) % 2 == 0
                else [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
            )
            level += 1
            expected |= {(level, index): value for index, value in enumerate(row)}
        assert {(node.level, node.index): bytes(node.hash) for node in Node.objects.all()} == expected

    def test_an_act_that_fails_leaves_no_gap(self) -> None:
        make_entries(3)
        with pytest.raises(RuntimeError, match="changed its mind"):
            append_and_fail()
        assert make_entries(1)[0].index == 3

    def test_refuses_a_leaf_over_the_limit(self) -> None:
        with pytest.raises(TooLarge) as refusal, transaction.atomic():
            append_event(
                event="test.happened",
                ref_digest="ab" * 32,
                actor="h:" + "0" * MAX_LEAF_BYTES,
                now=NOW,
            )
        assert refusal.value.code == "ledger.leaf_too_large"
        assert Entry.objects.count() == 0


class TestAppendDsse:
    def test_holds_the_digests_and_signature_of_what_the_recorder_signed(self) -> None:
        envelope = recorder_key().sign(b'{"a":1}')
        with transaction.atomic():
            entry = append_dsse(event="approval.recorded", envelope=envelope, now=NOW)
        assert entry.ref_digest == sha256_hex(canonical_bytes(envelope))
        leaf = json.loads(bytes(entry.body))
        assert leaf["spec"]["payloadHash"]["value"] == sha256_hex(b'{"a":1}')
        assert leaf["spec"]["signatures"] == [
            {
                "signature": envelope["signatures"][0]["sig"],
                "verifier": b64_encode(recorder_key().pem),
            }
        ]

    def test_the_recorders_signature_verifies(self) -> None:
        envelope = parse_envelope(recorder_key().sign(b'{"a":1}'))
        assert verify_envelope(envelope, [load_pem(recorder_key().pem)])[0].key_id == recorder_key().key_id
        assert load_spki(recorder_key().spki).algorithm == "ecdsa-secp256r1-sha256"

    def test_refuses_without_a_key(self, settings: Any, tmp_path: Path) -> None:
        settings.RECORDER_KEY_FILE = tmp_path / "absent.pem"
        with pytest.raises(Unavailable) as refusal:
            recorder_key()
        assert refusal.value.code == "ledger.key_missing"


class TestAppendOnly:
    def test_the_models_refuse(self) -> None:
        entry = make_entries(2)[0]
        publish_checkpoint(now=NOW)
        for change in (
            entry.save,
            entry.delete,
            Entry.objects.all().delete,
            lambda: Entry.objects.update(event="other"),
            lambda: Node.objects.update(level=3),
            lambda: Checkpoint.objects.update(note=""),
            Checkpoint.objects.all().delete,
        ):
            with pytest.raises(AppendOnlyError):
                change()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_entry SET event = 'other'",
            "DELETE FROM ledger_entry",
            "UPDATE ledger_node SET level = 3",
            "DELETE FROM ledger_node",
            "UPDATE ledger_checkpoint SET note = ''",
            "DELETE FROM ledger_checkpoint",
        ],
    )
    def test_the_database_refuses(self, statement: str) -> None:
        make_entries(2)
        publish_checkpoint(now=NOW)
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

    def test_postgresql_refuses_to_truncate(self) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("only PostgreSQL has TRUNCATE")
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("TRUNCATE ledger_node")
