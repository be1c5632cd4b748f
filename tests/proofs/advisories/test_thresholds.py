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
from proofs.assess import assess_evidence
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope, Signature, pae, parse_envelope, verify_envelope
from proofs.errors import Malformed, Unproven
from proofs.evidence import TrustMaterial
from proofs.keys import PublicKey, RegisteredKey, load_spki
from proofs.policy.evaluate import CountedApproval, count_approvals
from proofs.sigstore.authority import count_authorities
from proofs.sigstore.trust_root import parse_trust_root
from tests.proofs.advisories.asked import FORMATS, VERIFIED, code, make, material, refused_alone, signature_of, tokens
from tests.proofs.factory import DAY, NOON, PUBLIC_KEY, STATEMENT, WORKLOAD, changed, key_signed
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

    @pytest.mark.parametrize("same", ["key", "name"])
    def test_one_authority_with_two_certificates_is_still_one(self, same: str) -> None:
        raw = FORMATS.make(Kind(stamps=2), STATEMENT, WORKLOAD, NOON)
        again = FORMATS.stamper.certified_again(name="another" if same == "key" else None, new_key=same == "name")

        def stamp(value: dict[str, Any]) -> None:
            tokens(value)[1]["signedTimestamp"] = base64.b64encode(again.token(signature_of(raw), NOON)).decode()

        for count, wanted in ((1, VERIFIED), (2, "bundle.missing_material")):
            trust = FORMATS.trust({"tlog": 1, "tsa": count, "sct": 1}, stampers=(FORMATS.stamper, again))
            assert code(changed(raw, stamp), trust=trust) == wanted

    def test_a_third_certificate_makes_one_of_what_looked_like_two(self) -> None:
        own, other = Stamper(FORMATS.born_at, name="own"), Stamper(FORMATS.born_at, name="other")
        between = own.certified_again(name="other", new_key=False)
        root = parse_trust_root(FORMATS.document(stampers=(own, other, between)))
        first, second, third = root.timestamp_authorities
        assert [count_authorities(each) for each in ([], [first], [first, second], [first, second, third])] == [0, 1, 2, 1]

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


def public(key: ed25519.Ed25519PrivateKey) -> PublicKey:
    return load_spki(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def signed_by_all(keys: list[ed25519.Ed25519PrivateKey], *, size: int) -> Envelope:
    """Return an envelope of about `size` bytes that each of the keys signed, in this order and without a hint."""
    payload = json.dumps(STATEMENT | {"predicateType": "https://example.com/x", "predicate": {"x": "y" * size}}).encode()
    signatures = tuple(Signature(key.sign(pae(IN_TOTO_PAYLOAD_TYPE, payload)), "") for key in keys)
    return Envelope(payload, IN_TOTO_PAYLOAD_TYPE, signatures)


def written(envelope: Envelope) -> dict[str, Any]:
    signatures = [{"sig": base64.b64encode(each.signature).decode()} for each in envelope.signatures]
    return {"payload": base64.b64encode(envelope.payload).decode(), "payloadType": envelope.payload_type, "signatures": signatures}


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

    @pytest.mark.parametrize(("count", "size"), [(12, 10), (16, 10), (4, 700_000)])
    def test_so_many_keys_that_all_signed_are_counted_in_any_order(self, count: int, size: int) -> None:
        keys = [ed25519.Ed25519PrivateKey.generate() for _ in range(count)]
        known = [public(key) for key in keys]
        for order in (keys, keys[::-1]):
            assert len(verify_envelope(signed_by_all(order, size=size), known, threshold=count)) == count

    def test_where_not_all_could_be_tried_nobody_says_that_they_did_not_sign(self) -> None:
        keys = [ed25519.Ed25519PrivateKey.generate() for _ in range(12)]
        envelope = signed_by_all([keys[0], keys[-1]], size=700_000)
        with pytest.raises(Unproven) as refused:
            verify_envelope(envelope, [public(key) for key in keys], threshold=2)
        assert refused.value.code == "dsse.too_many_keys"
        by_id = sorted(keys, key=lambda key: public(key).key_id)
        raw = json.dumps(written(signed_by_all([by_id[0], by_id[-1]], size=700_000))).encode()
        trust = TrustMaterial(keys=tuple(RegisteredKey(public(key), NOON - DAY) for key in keys))
        answer = assess_evidence(raw, trust=trust, received_at=NOON)
        assert (answer.result, answer.other_signatures) == ("verified", 1)
        assert any("not every registered key was held against them" in sentence for sentence in answer.not_checked)
        assert not any("no other key registered" in sentence for sentence in answer.not_checked)

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
