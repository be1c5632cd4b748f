"""Signing the tree head: only a tree that extends the last one, and safe to kill anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

from ledger import keys, publish
from ledger.log_state import read_log_state, write_log_state
from ledger.models import Checkpoint, Entry, Head, Node
from ledger.prove import tree_root
from ledger.publish import publish_checkpoint
from proofs.checkpoint import parse_note_key, verify_checkpoint
from proofs.errors import Conflict, Unavailable
from proofs.merkle import leaf_hash, node_hash
from tests.make_ledger import NOW, make_entries, use_own_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def state_file(settings: Any, tmp_path: Path) -> Path:
    use_own_keys(settings, tmp_path)
    return tmp_path / "log-state.json"


def tamper(statement: str, *parameters: object) -> None:
    """Do what a database administrator can do: take the triggers away, then change rows."""
    with connection.cursor() as cursor:
        for table in ("ledger_entry", "ledger_node", "ledger_checkpoint"):
            for event in ("update", "delete"):
                on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{event}{on_table}")
        cursor.execute(statement, parameters)


def refused_code() -> str:
    """Return the code of the refusal, having seen that nothing new was signed."""
    path = Path(django_settings.LOG_STATE_FILE)
    before = path.read_bytes() if path.exists() else None
    signed = set(Checkpoint.objects.values_list("size", flat=True))
    with pytest.raises(Conflict) as refusal:
        publish_checkpoint(now=NOW)
    assert (path.read_bytes() if path.exists() else None) == before
    state = read_log_state(path) if refusal.value.code != "log.state_unreadable" else None
    assert set(Checkpoint.objects.values_list("size", flat=True)) <= signed | {state.size if state else 0}
    return refusal.value.code


class TestPublish:
    def test_an_empty_ledger_has_no_checkpoint(self) -> None:
        assert publish_checkpoint(now=NOW) is None

    def test_signs_the_root_of_all_entries(self) -> None:
        make_entries(5)
        checkpoint = publish_checkpoint(now=NOW)
        assert checkpoint is not None
        head = verify_checkpoint(checkpoint.note, parse_note_key(keys.log_verifier_key()))
        assert (head.size, head.root) == (5, tree_root(5)) == (checkpoint.size, bytes(checkpoint.root))

    def test_does_nothing_twice(self) -> None:
        make_entries(5)
        first = publish_checkpoint(now=NOW)
        assert publish_checkpoint(now=NOW) == first
        assert Checkpoint.objects.count() == 1

    def test_each_tree_extends_the_one_before(self, state_file: Path) -> None:
        for count in (1, 2, 1, 4, 7, 1, 16):
            make_entries(count)
            publish_checkpoint(now=NOW)
            state = read_log_state(state_file)
            assert state is not None and state.root == tree_root(state.size)
        assert [row.size for row in Checkpoint.objects.order_by("size")] == [
            1,
            3,
            4,
            8,
            15,
            16,
            32,
        ]

    def test_refuses_without_a_key(self, settings: Any, tmp_path: Path) -> None:
        make_entries(1)
        settings.LOG_KEY_FILE = tmp_path / "absent.pem"
        with pytest.raises(Unavailable) as refusal:
            publish_checkpoint(now=NOW)
        assert refusal.value.code == "ledger.key_missing"
        assert not Checkpoint.objects.exists()


class TestTampering:
    @pytest.fixture(autouse=True)
    def signed(self) -> None:
        make_entries(11)
        publish_checkpoint(now=NOW)

    @pytest.mark.parametrize("more", [0, 3])
    def test_a_changed_body_is_noticed(self, more: int) -> None:
        make_entries(more)
        tamper('UPDATE ledger_entry SET body = %s WHERE "index" = 4', b'{"forged":1}')
        assert refused_code() == "log.rollback_or_fork"

    @pytest.mark.parametrize("more", [0, 3])
    def test_a_changed_leaf_hash_is_noticed(self, more: int) -> None:
        make_entries(more)
        tamper('UPDATE ledger_entry SET leaf_hash = %s WHERE "index" = 10', b"\x01" * 32)
        assert refused_code() == "log.rollback_or_fork"

    @pytest.mark.parametrize("more", [0, 5])
    def test_a_consistently_rebuilt_tree_is_noticed(self, more: int) -> None:
        make_entries(more)
        tamper(
            'UPDATE ledger_entry SET body = %s, leaf_hash = %s WHERE "index" = 4',
            b"{}",
            leaf_hash(b"{}"),
        )
        value = leaf_hash(b"{}")
        for level in range(1, 4):
            place = 4 >> level - 1
            sibling = place ^ 1
            other = Entry.objects.get(index=sibling).leaf_hash if level == 1 else Node.objects.get(level=level - 1, index=sibling).hash
            value = node_hash(bytes(other), value) if place & 1 else node_hash(value, bytes(other))
            tamper(
                'UPDATE ledger_node SET hash = %s WHERE level = %s AND "index" = %s',
                value,
                level,
                place >> 1,
            )
        assert refused_code() == "log.rollback_or_fork"

    def test_removed_entries_are_noticed(self) -> None:
        tamper('DELETE FROM ledger_entry WHERE "index" >= 9')
        Head.objects.update(size=9)
        assert refused_code() == "log.rollback_or_fork"

    def test_removed_and_replaced_entries_are_noticed(self) -> None:
        tamper('DELETE FROM ledger_entry WHERE "index" >= 10')
        Head.objects.update(size=10)
        tamper("DELETE FROM ledger_checkpoint")
        make_entries(4)
        assert refused_code() == "log.rollback_or_fork"

    def test_a_hole_is_noticed(self) -> None:
        make_entries(4)
        tamper('DELETE FROM ledger_entry WHERE "index" = 12')
        assert refused_code() == "log.rollback_or_fork"

    def test_a_forged_checkpoint_row_is_noticed(self) -> None:
        tamper("UPDATE ledger_checkpoint SET root = %s", b"\x02" * 32)
        assert refused_code() == "log.rollback_or_fork"

    def test_a_lost_state_file_is_noticed(self, state_file: Path) -> None:
        state_file.unlink()
        assert refused_code() == "log.state_missing"

    def test_a_damaged_state_file_is_noticed(self, state_file: Path) -> None:
        state_file.write_bytes(state_file.read_bytes()[:-9])
        assert refused_code() == "log.state_unreadable"

    def test_old_entries_are_read_again_round_and_round(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Slices of four instead of 1,024: three runs read eleven entries.
        monkeypatch.setattr(publish, "AUDIT_LEVEL", 2)
        publish_checkpoint(now=NOW)
        tamper('UPDATE ledger_entry SET body = %s WHERE "index" = 2', b"{}")
        outcomes = []
        for _ in range(3):
            try:
                publish_checkpoint(now=NOW)
                outcomes.append("")
            except Conflict as refusal:
                outcomes.append(refusal.code)
        assert "log.rollback_or_fork" in outcomes


class TestKilledBetween:
    def test_the_state_file_and_the_row(self, state_file: Path) -> None:
        """The file was written and the row was not: the next run stores the very note that was signed."""
        make_entries(6)
        checkpoint = publish_checkpoint(now=NOW)
        assert checkpoint is not None
        tamper("DELETE FROM ledger_checkpoint")
        again = publish_checkpoint(now=NOW)
        assert again is not None and again.note == checkpoint.note and again.signed_at == checkpoint.signed_at

    def test_the_state_file_and_the_row_with_new_entries(self, state_file: Path) -> None:
        make_entries(6)
        publish_checkpoint(now=NOW)
        tamper("DELETE FROM ledger_checkpoint")
        make_entries(2)
        publish_checkpoint(now=NOW)
        assert [row.size for row in Checkpoint.objects.order_by("size")] == [6, 8]

    @pytest.mark.parametrize("more", [0, 3])
    def test_a_state_file_from_an_older_copy(self, state_file: Path, more: int) -> None:
        """The row is ahead of the file: its own signature and the entries decide, and the same tree is not signed twice."""
        make_entries(6)
        publish_checkpoint(now=NOW)
        older = read_log_state(state_file)
        make_entries(3)
        checkpoint = publish_checkpoint(now=NOW)
        assert older is not None and checkpoint is not None
        write_log_state(state_file, older)
        make_entries(more)
        publish_checkpoint(now=NOW)
        assert [row.size for row in Checkpoint.objects.order_by("size")] == ([6, 9, 12] if more else [6, 9])
        assert Checkpoint.objects.get(size=9).note == checkpoint.note
        state = read_log_state(state_file)
        assert state is not None and state.size == 9 + more

    def test_a_state_file_from_an_older_copy_does_not_hide_a_fork(self, state_file: Path) -> None:
        make_entries(6)
        publish_checkpoint(now=NOW)
        older = read_log_state(state_file)
        make_entries(3)
        publish_checkpoint(now=NOW)
        assert older is not None
        write_log_state(state_file, older)
        tamper('DELETE FROM ledger_entry WHERE "index" >= 8')
        Head.objects.update(size=8)
        make_entries(4)
        assert refused_code() == "log.rollback_or_fork"


class TestKeys:
    def test_private_keys_are_for_their_owner_only(self, tmp_path: Path) -> None:
        assert [oct((tmp_path / name).stat().st_mode & 0o777) for name in ("recorder.pem", "log.pem")] == ["0o600", "0o600"]

    def test_are_never_overwritten(self, tmp_path: Path) -> None:
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert keys.create_portal_keys() == []
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_a_lost_state_is_not_created_anew_beside_an_old_key(self, tmp_path: Path, state_file: Path) -> None:
        state_file.unlink()
        keys.create_portal_keys()
        assert not state_file.exists()


class TestTheName:
    def test_a_log_that_was_renamed_is_not_signed(self, settings: Any) -> None:
        make_entries(3)
        publish_checkpoint(now=NOW)
        make_entries(1)
        settings.LOG_ORIGIN = "localhost:8080/log"
        assert refused_code() == "log.renamed"
        settings.LOG_ORIGIN = parse_note_key(keys.log_verifier_key()).origin
        signed = publish_checkpoint(now=NOW)
        assert signed is not None and signed.size == 4

    def test_its_keys_are_not_prepared_under_another_name(self, settings: Any) -> None:
        settings.LOG_ORIGIN = "elsewhere.example/log"
        with pytest.raises(Conflict, match=r"expected 'localhost:8000/log'.*COUNTERSIGN_LOG_ORIGIN=localhost:8000/log"):
            keys.create_portal_keys()
