"""What a pack repeats for other tools and for readers: it must follow from the pack's own content, or be told apart from it."""

from __future__ import annotations

import pytest

from proofs.approval.human_approval import approval_challenge
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from proofs.leaf import build_event_leaf
from proofs.moment import rfc3339
from tests.forge import Parts, forge
from tests.passkey import TRUTH
from tests.proofs.pack.lies import NOON, check, code_of
from tests.proofs.pack.world import World, alice


class TestGenuineThoughUnusual:
    def test_a_ledger_in_which_two_entries_are_the_same_bytes_is_no_lie(self) -> None:
        world = World()
        twin = build_event_leaf(event="test.twin", at=rfc3339(NOON), ref_digest="cd" * 32, actor="h:00")
        world.keys.append(twin)
        files = world.pack()

        def append_twins(parts: Parts) -> None:
            parts.log_lie = lambda keys: keys.leaves.__setitem__(slice(parts.index + 1, None), [twin, twin])

        assert check(forge(files, world.keys, append_twins), trust=world.trust).approvals[0].username == "alice"


class TestIssuer:
    def test_a_person_from_an_issuer_that_is_no_address_is_refused_and_stops_nothing(self) -> None:
        world, signing = World(), alice()

        def come_from_nowhere(parts: Parts) -> None:
            parts.enrollment["predicate"]["identity"]["issuer"] = "http://[x"
            parts.predicate["approver"]["issuer"] = "http://[x"
            parts.predicate["approver"]["signer"]["enrollment"]["digest"]["sha256"] = sha256_hex(canonical_bytes(parts.enrollment))
            parts.assertion = signing.passkey.sign(approval_challenge(canonical_bytes(parts.statement)), TRUTH)

        assert code_of(forge(world.pack(signing), world.keys, come_from_nowhere), trust=world.trust) == "signer.issuer_malformed"

    def test_no_pack_is_made_for_such_a_person(self) -> None:
        with pytest.raises(Refusal) as refused:
            World().pack(alice(issuer="http://[x"))
        assert refused.value.code == "signer.issuer_malformed"
