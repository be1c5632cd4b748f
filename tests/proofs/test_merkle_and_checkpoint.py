"""Merkle trees with known answers, every proof of every small tree, and signed tree heads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from proofs.checkpoint import MAX_NOTE_LINES, Checkpoint, NoteKey, parse_checkpoint, parse_note_key, sign_checkpoint, verify_checkpoint
from proofs.errors import Refusal, TooLarge, Unproven
from proofs.merkle import (
    EMPTY_ROOT,
    build_consistency_proof,
    build_inclusion_proof,
    leaf_hash,
    node_hash,
    subtree_root,
    verify_consistency,
    verify_inclusion,
)

# The leaves and roots of the reference implementation of RFC 6962 (certificate-transparency-go, merkletree tests).
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOTE_KEY = NoteKey("log.example/log", KEY.public_key().public_bytes_raw())
HEAD = Checkpoint("log.example/log", 8, bytes.fromhex(ROOTS[7]))


def node(level: int, index: int) -> bytes:
    return HASHES[index] if level == 0 else node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))


class TestMerkle:
    def test_the_empty_tree(self) -> None:
        assert hashlib.sha256(b"").digest() == EMPTY_ROOT == subtree_root(node, 0, 0)

    @pytest.mark.parametrize("size", range(1, 9))
    def test_known_roots(self, size: int) -> None:
        assert subtree_root(node, 0, size).hex() == ROOTS[size - 1]

    def test_every_inclusion_proof_holds_for_its_own_leaf_only(self) -> None:
        for size in range(1, 9):
            root = subtree_root(node, 0, size)
            for index in range(size):
                path = build_inclusion_proof(node, index, size)
                verify_inclusion(HASHES[index], index, size, path, root, code="x")
                for other in range(size):
                    if other != index:
                        self.refuses(verify_inclusion, HASHES[other], index, size, path, root)
                        self.refuses(verify_inclusion, HASHES[index], other, size, path, root)

    def test_a_proof_too_long_too_short_or_of_other_things(self) -> None:
        root, path = bytes.fromhex(ROOTS[6]), build_inclusion_proof(node, 5, 7)
        for bad in (path[:-1], [*path, HASHES[0]], path[::-1], [item[:31] for item in path], [*path[:-1], b""]):
            self.refuses(verify_inclusion, HASHES[5], 5, 7, bad, root)
        for index, size in ((-1, 7), (7, 7), (5, 0), (0, -1)):
            self.refuses(verify_inclusion, HASHES[5], index, size, path, root)
        self.refuses(verify_inclusion, b"", 0, 1, [], b"")

    def test_every_consistency_proof_holds_for_its_own_pair_only(self) -> None:
        for size in range(1, 9):
            for older in range(1, size + 1):
                old_root, root = (subtree_root(node, 0, count) for count in (older, size))
                path = build_consistency_proof(node, older, size)
                verify_consistency(older, size, old_root, root, path, code="x")
                self.refuses(verify_consistency, older, size, old_root[::-1], root, path)
                self.refuses(verify_consistency, older, size, old_root, root[::-1], path)
                self.refuses(verify_consistency, older, size, old_root, root, [*path, HASHES[0]])
                if path:
                    self.refuses(verify_consistency, older, size, old_root, root, path[:-1])

    def test_a_tree_that_shrank_or_began_with_something_else(self) -> None:
        self.refuses(verify_consistency, 8, 4, bytes.fromhex(ROOTS[7]), bytes.fromhex(ROOTS[3]), [])
        self.refuses(verify_consistency, 0, 4, bytes.fromhex(ROOTS[7]), bytes.fromhex(ROOTS[3]), [])
        verify_consistency(0, 4, EMPTY_ROOT, bytes.fromhex(ROOTS[3]), [], code="x")

    @staticmethod
    def refuses(verify: Callable[..., None], *given: object) -> None:
        with pytest.raises(Unproven) as refused:
            verify(*given, code="x")
        assert refused.value.code == "x"


class TestCheckpoint:
    def test_verifies_what_it_signs(self) -> None:
        assert verify_checkpoint(sign_checkpoint(HEAD, KEY), NOTE_KEY) == HEAD
        assert parse_note_key(str(NOTE_KEY)) == NOTE_KEY

    def test_other_signers_lines_are_carried_along(self) -> None:
        signed = sign_checkpoint(HEAD, KEY)
        witness = "— witness.example AAAAAAAA\n"
        assert verify_checkpoint(signed.replace("\n\n", "\n\n" + witness), NOTE_KEY) == HEAD
        assert verify_checkpoint(signed + witness, NOTE_KEY) == HEAD

    @pytest.mark.parametrize(
        ("old", "new", "code"),
        [
            ("\n8\n", "\n9\n", "log.bad_signature"),
            ("\n8\n", "\n08\n", "log.checkpoint_malformed"),
            ("\n8\n", "\n-8\n", "log.checkpoint_malformed"),
            ("\n8\n", "\n\u0668\n", "log.checkpoint_malformed"),
            ("\n8\n", "\n" + "8" * 20 + "\n", "log.checkpoint_malformed"),
            ("XcnaeacG", "XcnaeacH", "log.bad_signature"),
            ("Xcna", "", "log.checkpoint_malformed"),
            ("log.example/log\n8", "other.example/log\n8", "log.origin"),
            ("— log.example/log", "— other.example/log", "log.unsigned"),
            ("— ", "- ", "log.checkpoint_malformed"),
            ("\n\n", "\n", "log.checkpoint_malformed"),
            ("\n\n", "\nextra\n\n", "log.bad_signature"),
        ],
    )
    def test_refuses_another_text(self, old: str, new: str, code: str) -> None:
        with pytest.raises(Refusal) as refused:
            verify_checkpoint(sign_checkpoint(HEAD, KEY).replace(old, new, 1), NOTE_KEY)
        assert refused.value.code == code

    def test_refuses_another_key_of_the_same_name(self) -> None:
        other = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
        with pytest.raises(Unproven) as refused:
            verify_checkpoint(sign_checkpoint(HEAD, other), NOTE_KEY)
        assert refused.value.code == "log.unsigned"

    @pytest.mark.parametrize("flood", ["— a AAAAAAAA\n" * MAX_NOTE_LINES, "— a AAAAAAAA\n" * 65, "\n" * 300_000])
    def test_refuses_a_flood_of_lines(self, flood: str) -> None:
        with pytest.raises(TooLarge):
            parse_checkpoint(sign_checkpoint(HEAD, KEY) + flood)

    @pytest.mark.parametrize("change", [("+", "-"), ("log.example", "log.elsewhere"), ("+AQ", "+Ag")])
    def test_refuses_a_verifier_key_that_does_not_name_itself(self, change: tuple[str, str]) -> None:
        with pytest.raises(Refusal) as refused:
            parse_note_key(str(NOTE_KEY).replace(*change))
        assert refused.value.code == "log.key_malformed"
