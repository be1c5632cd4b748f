"""A threshold counts authorities, logs, keys and people; it never counts how often one of them is there."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.demo.instance import Lie
from proofs.dsse import parse_envelope, verify_envelope
from proofs.errors import Malformed, Unproven
from proofs.evidence import TrustMaterial
from proofs.keys import load_spki
from proofs.policy.evaluate import CountedApproval, count_approvals
from proofs.sigstore.trust_root import parse_trust_root
from tests.proofs.advisories.asked import FORMATS, VERIFIED, code, make, material, refused_alone, signature_of, tokens
from tests.proofs.factory import NOON, PUBLIC_KEY, STATEMENT, WORKLOAD, changed, key_signed
from tests.proofs.formats import Formats, Kind
from tests.proofs.policy.test_evaluate import policy_with
from tests.proofs.stamper import Stamper, der


class TestCopiesOfOneAuthority:
    """CVE-2026-49834 (sigstore-go): n signed timestamps or log entries of one authority met a threshold of n."""

    def test_two_timestamps_of_one_authority_are_one(self) -> None:
        raw = FORMATS.make(Kind(stamps=2), STATEMENT, WORKLOAD, NOON)
        second = Stamper(FORMATS.born_at, name="second")
        both = (FORMATS.stamper, second)

        def stamp(value: dict[str, Any]) -> None:
            tokens(value)[1]["signedTimestamp"] = base64.b64encode(second.token(signature_of(raw), NOON)).decode()

        two = FORMATS.trust({"tlog": 1, "tsa": 2, "sct": 1}, stampers=both)
        assert code(changed(raw, stamp), trust=two) == VERIFIED
        assert code(raw, trust=two) == "bundle.missing_material"

    def test_one_authority_listed_twice_is_still_one(self) -> None:
        raw = FORMATS.make(Kind(stamps=2), STATEMENT, WORKLOAD, NOON)
        twice = FORMATS.trust({"tlog": 1, "tsa": 2, "sct": 1}, stampers=(FORMATS.stamper, FORMATS.stamper))
        once = FORMATS.trust({"tlog": 1, "tsa": 1, "sct": 1}, stampers=(FORMATS.stamper, FORMATS.stamper))
        assert code(raw, trust=once) == VERIFIED
        assert code(raw, trust=twice) == "bundle.missing_material"

    @pytest.mark.parametrize("name", ["file-v1", "envelope-v2", "envelope-intoto"])
    def test_one_log_entry_twice_is_refused_and_no_profile_asks_for_two(self, name: str) -> None:
        refused_alone(
            make(name),
            lambda value: material(value).update(tlogEntries=material(value)["tlogEntries"] * 2),
            name,
            wanted="bundle.too_many_entries",
        )
        with pytest.raises(Malformed) as refused:
            parse_trust_root(FORMATS.document(), profile={"tlog": 2, "tsa": 0, "sct": 1})
        assert refused.value.code == "trust_root.profile"

    def test_two_promises_of_one_certificate_log_are_one(self) -> None:
        class Eager(Formats):
            """Its certificate log promises twice, in two promises that differ."""

            def _sct_list(self, tbs: bytes, at: datetime, lies: Collection[Lie]) -> bytes:
                # OCTET STRING, then the list's length, then each promise with its length (RFC 6962 section 3.3).
                one, other = (super(Eager, self)._sct_list(tbs, at, lies) for _ in range(2))
                listed = b"".join(each[len(each) - int.from_bytes(_list_of(each)[:2], "big") :] for each in (one, other))
                return der(0x04, len(listed).to_bytes(2, "big") + listed)

        eager = Eager(NOON)
        raw = make("file-v1", by=eager)
        assert code(raw, trust=eager.trust({"tlog": 1, "tsa": 0, "sct": 1})) == VERIFIED
        assert code(raw, trust=eager.trust({"tlog": 1, "tsa": 0, "sct": 2})) == "sct.unknown_log"


def _list_of(octets: bytes) -> bytes:
    """Return the content of a DER OCTET STRING."""
    return octets[2:] if octets[1] < 0x80 else octets[2 + (octets[1] & 0x7F) :]


class TestCopiesOfOneKey:
    """CVE-2026-23992 (go-tuf): one key under several ids, or one signature several times, met a threshold of several."""

    def test_one_key_signing_twice_under_two_key_ids(self) -> None:
        second = ed25519.Ed25519PrivateKey.generate()
        other = load_spki(second.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

        def sign_again(value: dict[str, Any], again: bytes) -> None:
            value["signatures"] += [signature | {"keyid": "another"} for signature in json.loads(again)["signatures"]]

        both = parse_envelope(changed(key_signed(), lambda value: sign_again(value, key_signed(key=second))))
        assert len(verify_envelope(both, [PUBLIC_KEY, other], threshold=2)) == 2
        copies = parse_envelope(changed(key_signed(), lambda value: sign_again(value, key_signed())))
        for keys in ([PUBLIC_KEY, other], [PUBLIC_KEY, PUBLIC_KEY]):
            with pytest.raises(Unproven) as refused:
                verify_envelope(copies, keys, threshold=2)
            assert refused.value.code == "dsse.threshold"

    def test_no_threshold_is_met_by_nobody(self) -> None:
        with pytest.raises(ValueError, match="below one"):
            verify_envelope(parse_envelope(key_signed()), [PUBLIC_KEY], threshold=0)


class TestCopiesOfOnePerson:
    """The same mistake with people: somebody with two passkeys, or two records of one approval, is one approver."""

    @pytest.mark.parametrize("copies", [2, 3, 32])
    def test_so_many_approvals_by_one_person(self, copies: int) -> None:
        policy = policy_with(lambda document: document["rules"][1].update(count=copies))

        def outcome(subjects: list[str]) -> str:
            approvals = [CountedApproval("https://portal.example", subject, ("approver:release",), "H2") for subject in subjects]
            return str(count_approvals(policy, approvals, excluded=[])[0]["outcome"])

        assert outcome([f"person {number}" for number in range(copies)]) == "pass"
        assert outcome(["alice"] * copies) == "awaiting"


def test_trust_in_two_roots_that_vouch_for_one_authority_counts_it_once() -> None:
    """CVE-2026-49834 again: each trust root is asked for its own threshold, never two for one together."""
    raw = FORMATS.make(Kind(stamps=1), STATEMENT, WORKLOAD, NOON)
    one, two = (FORMATS.trust({"tlog": 1, "tsa": number, "sct": 1}).trust_roots[0] for number in (1, 2))
    assert code(raw, trust=TrustMaterial((one,))) == VERIFIED
    assert code(raw, trust=TrustMaterial((two, two))) == "bundle.missing_material"
