"""Every kind of Sigstore bundle verifies when it is true, and not when one part of it is another's, of another time, or changed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proofs.assess import Assessment, assess_evidence
from proofs.errors import Malformed
from proofs.keys import RegisteredKey, load_spki
from proofs.sigstore.log_body import HASHEDREKORD_V2
from proofs.sigstore.trust_root import parse_trust_root
from tests.proofs.factory import DAY, INSTANCE, NOON, STATEMENT, WORKLOAD, changed, entry_of
from tests.proofs.formats import FILE, KINDS, PROFILES, Formats, Kind, b64
from tests.proofs.stamper import Stamper

FORMATS = Formats(NOON)
PARTS = ("content", "signer", "entry", "stamps")


def make(name: str, **more: Any) -> bytes:
    return FORMATS.make(KINDS[name], STATEMENT, WORKLOAD, more.pop("at", NOON), **more)


def judge(raw: bytes, name: str = "envelope-v2", **changes: Any) -> Assessment:
    profile, received_at = changes.pop("profile", KINDS[name].profile), changes.pop("received_at", NOON)
    return assess_evidence(raw, trust=FORMATS.trust(profile, **changes), received_at=received_at)


def material(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = value["verificationMaterial"]
    return found


def tokens(value: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = material(value)["timestampVerificationData"]["rfc3161Timestamps"]
    return found


@pytest.mark.parametrize("name", KINDS)
class TestEveryKind:
    def test_verifies_when_it_is_true(self, name: str) -> None:
        assessment = judge(make(name), name)
        assert (assessment.result, assessment.code) == ("verified", "evidence.verified"), assessment.reason
        assert assessment.facts is not None
        kind = KINDS[name]
        assert assessment.facts["signer"]["kind"] == kind.signer
        assert (assessment.facts["log"] is None) == (kind.entry is None)
        sources = ["log"] * (kind.entry not in (None, HASHEDREKORD_V2)) + ["rfc3161"] * kind.stamps
        assert [time["source"] for time in assessment.facts["times"]] == sources
        assert ("the signature is over the file alone" in " ".join(assessment.not_checked)) == (kind.content == "file")

    def test_the_other_holder_written_as_null_is_absent(self, name: str) -> None:
        held = next(holder for holder in ("certificate", "publicKey") if holder in material(json.loads(make(name))))
        for other in {"certificate", "publicKey", "x509CertificateChain"} - {held}:
            raw = changed(make(name), lambda value, other=other: material(value).update({other: None}))
            assert judge(raw, name).result == "verified"
            bad = changed(make(name), lambda value, other=other: material(value).update({other: {}}))
            assert judge(bad, name).code == "bundle.malformed"

    def test_the_other_content_written_as_null_is_absent(self, name: str) -> None:
        absent = {"messageSignature": None, "dsseEnvelope": None}
        assert judge(changed(make(name), lambda value: value.update(absent | value)), name).code == "evidence.verified"
        assert judge(changed(make(name), lambda value: value.update(absent)), name).code == "bundle.malformed"

    def test_every_part_swapped_with_one_of_its_like_is_refused(self, name: str) -> None:
        kind = KINDS[name]
        other = json.loads(FORMATS.make(kind, STATEMENT | {"predicateType": "https://example.com/other"}, WORKLOAD, NOON, file=b"other"))

        def swap(value: dict[str, Any], part: str) -> None:
            if part == "content":
                names = ("messageSignature", "dsseEnvelope")
                value.update({each: other[each] for each in names if each in value})
            elif part == "signer" and kind.signer == "certificate":
                material(value)["certificate"] = material(other)["certificate"]
            elif part == "entry" and kind.entry is not None:
                material(value)["tlogEntries"] = material(other)["tlogEntries"]
            elif part == "stamps" and kind.stamps:
                material(value)["timestampVerificationData"] = material(other)["timestampVerificationData"]

        for parts in [*combinations(PARTS, 1), *combinations(PARTS, 2), *combinations(PARTS, 3)]:
            value = json.loads(make(name))
            before = json.dumps(value)
            for part in parts:
                swap(value, part)
            # Where all that there is was swapped, the bundle is simply the other one.
            if json.dumps(value) == before or value == other:
                continue
            assessment = judge(json.dumps(value).encode(), name)
            assert assessment.result == "rejected", parts

    def test_no_flipped_bit_of_signature_digest_or_payload_is_accepted(self, name: str) -> None:
        raw = make(name)
        value = json.loads(raw)
        holders: list[tuple[str, ...]] = [
            ("dsseEnvelope", "payload"),
            ("messageSignature", "signature"),
            ("messageSignature", "messageDigest", "digest"),
        ]
        tried = 0
        for path in holders:
            if path[0] not in value:
                continue
            whole = value
            for step in path[:-1]:
                whole = whole[step]
            honest = base64.b64decode(whole[path[-1]])
            for position in range(0, len(honest) * 8, 7):
                flipped = bytearray(honest)
                flipped[position // 8] ^= 1 << (position % 8)
                whole[path[-1]] = b64(bytes(flipped))
                assert judge(json.dumps(value).encode(), name).result != "verified"
                tried += 1
            whole[path[-1]] = b64(honest)
        assert tried > 20

    def test_is_refused_by_somebody_who_trusts_another_instance(self, name: str) -> None:
        elsewhere = Formats(NOON).trust(KINDS[name].profile)
        assert assess_evidence(make(name), trust=elsewhere, received_at=NOON).result == "rejected"

    def test_is_refused_when_signed_after_it_was_received(self, name: str) -> None:
        code = "tlog.time_in_future" if KINDS[name].entry not in (None, HASHEDREKORD_V2) else "tsa.time_in_future"
        assert judge(make(name, at=NOON + DAY / 24), name).code == code


class TestTimes:
    def test_a_time_the_log_states_without_a_promise_is_none(self) -> None:
        def unpromised(value: dict[str, Any]) -> None:
            entry_of(value).pop("inclusionPromise")

        assert judge(changed(make("file-v1"), unpromised)).code == "bundle.missing_material"
        stamped = judge(changed(make("file-v1-stamped"), lambda value: (unpromised(value), entry_of(value).update(logIndex="999999"))))
        assert stamped.facts is not None
        assert [time["source"] for time in stamped.facts["times"]] == ["rfc3161"]
        # The promise is all that covers the log-wide number, so without one nothing is said about it.
        assert stamped.facts["log"]["index"] is None

    def test_rekor_v2_without_a_timestamp_proves_no_time(self) -> None:
        raw = changed(make("envelope-v2"), lambda value: material(value).pop("timestampVerificationData"))
        assert judge(raw).code == "bundle.missing_material"
        raw = changed(raw, lambda value: entry_of(value).update(integratedTime=str(int(NOON.timestamp()))))
        assert judge(raw).code == "bundle.missing_material"

    def test_rekor_v2_makes_no_promises(self) -> None:
        raw = changed(make("envelope-v2"), lambda value: entry_of(value).update(inclusionPromise={"signedEntryTimestamp": "AAAA"}))
        assert judge(raw).code == "tlog.malformed"

    def test_every_time_must_lie_in_the_certificates_life(self) -> None:
        def late(value: dict[str, Any]) -> None:
            signature = base64.b64decode(value["dsseEnvelope"]["signatures"][0]["sig"])
            tokens(value).append({"signedTimestamp": b64(FORMATS.stamper.token(signature, NOON + DAY))})

        assert judge(changed(make("envelope-v2"), late), received_at=NOON + 2 * DAY).code == "certificate.time"

    def test_a_log_key_no_longer_trusted_at_the_timestamp(self) -> None:
        assert judge(make("envelope-v2"), log2_until=NOON).result == "verified"
        assert judge(make("envelope-v2"), log2_until=NOON - DAY).code == "tlog.key_window"

    def test_one_timestamp_twice_is_refused(self) -> None:
        assert judge(changed(make("envelope-v2"), lambda value: tokens(value).append(tokens(value)[0]))).code == "tsa.duplicate"

    def test_two_timestamps_of_one_authority_count_once(self) -> None:
        raw = FORMATS.make(Kind(stamps=2), STATEMENT, WORKLOAD, NOON)
        assert judge(raw, profile={"tlog": 1, "tsa": 1, "sct": 1}).result == "verified"
        assert judge(raw, profile={"tlog": 1, "tsa": 2, "sct": 1}).code == "bundle.missing_material"

    def test_two_authorities_count_twice(self) -> None:
        second = Stamper(FORMATS.born_at, name="second")

        def stamp(value: dict[str, Any]) -> None:
            signature = base64.b64decode(value["dsseEnvelope"]["signatures"][0]["sig"])
            tokens(value).append({"signedTimestamp": b64(second.token(signature, NOON))})

        raw = changed(make("envelope-v2"), stamp)
        wanted = {"tlog": 1, "tsa": 2, "sct": 1}
        assert judge(raw, profile=wanted, stampers=(FORMATS.stamper, second)).result == "verified"
        assert judge(raw, profile=wanted).code == "tsa.unknown_authority"
        unknown = judge(raw)
        assert unknown.result == "verified"
        assert any("count for nothing" in sentence for sentence in unknown.not_checked)


class TestRekorV2:
    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda entry: entry.update(logIndex="7"), "tlog.malformed"),
            (lambda entry: entry.pop("logIndex"), "tlog.malformed"),
            (lambda entry: entry.pop("inclusionProof"), "tlog.malformed"),
            (lambda entry: entry["inclusionProof"].pop("checkpoint"), "tlog.malformed"),
            (lambda entry: entry["logId"].update(keyId=b64(bytes(32))), "tlog.unknown_log"),
            (lambda entry: entry.update(kindVersion={"kind": "hashedrekord", "version": "0.0.1"}), "tlog.entry_mismatch"),
        ],
    )
    def test_an_entry_of_another_shape(self, change: Callable[[dict[str, Any]], object], code: str) -> None:
        make("envelope-v2")
        found = judge(changed(make("envelope-v2"), lambda value: change(entry_of(value)))).code
        # Rekor v1 does not know a log by the id of a note's key.
        assert found == code or (code == "tlog.entry_mismatch" and found == "tlog.unknown_log")

    def test_a_witness_alone_signs_nothing_for_the_log(self) -> None:
        def unsign(value: dict[str, Any]) -> None:
            checkpoint = entry_of(value)["inclusionProof"]["checkpoint"]
            checkpoint["envelope"] = "\n".join(line for line in checkpoint["envelope"].split("\n") if not line.startswith("— log2026"))

        assert judge(changed(make("envelope-v2"), unsign)).code in ("tlog.checkpoint_unsigned", "tlog.checkpoint_malformed")


class TestKeys:
    def test_a_key_nobody_registered(self) -> None:
        stranger = RegisteredKey(load_spki(Formats(NOON).spki()), FORMATS.born_at)
        assert judge(make("key-file-v1"), registered=stranger).code == "key.unknown"

    @pytest.mark.parametrize(
        ("valid_from", "valid_until", "revoked_at", "code"),
        [
            (NOON, NOON, None, "evidence.verified"),
            (NOON - DAY, None, NOON + timedelta(seconds=1), "evidence.verified"),
            (NOON + timedelta(seconds=1), None, None, "key.not_valid"),
            (NOON - DAY, NOON - timedelta(seconds=1), None, "key.not_valid"),
            (NOON - DAY, None, NOON, "key.revoked"),
        ],
    )
    def test_is_judged_at_the_signing_time_and_not_at_receipt(self, valid_from: Any, valid_until: Any, revoked_at: Any, code: str) -> None:
        registered = RegisteredKey(load_spki(FORMATS.spki()), valid_from, valid_until, revoked_at)
        trust = FORMATS.trust(registered=registered)
        assert assess_evidence(make("key-envelope-dsse"), trust=trust, received_at=NOON + 9 * DAY).code == code

    def test_another_hash_than_the_keys_own(self) -> None:
        def rehash(value: dict[str, Any]) -> None:
            value["messageSignature"]["messageDigest"] = {"algorithm": "SHA2_512", "digest": b64(bytes(64))}

        assert judge(changed(make("key-file-v1"), rehash)).code == "evidence.unsupported_file_signature"

    @pytest.mark.parametrize("kind", ["ed25519", "p384"])
    def test_a_file_signed_by_a_key_that_no_digest_can_judge_is_not_called_a_strangers(self, kind: str) -> None:
        own = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP384R1())
        signature = own.sign(FILE) if isinstance(own, ed25519.Ed25519PrivateKey) else own.sign(FILE, ec.ECDSA(hashes.SHA256()))
        spki = own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

        def signed(value: dict[str, Any]) -> None:
            value["messageSignature"]["signature"] = b64(signature)
            value["verificationMaterial"].pop("tlogEntries", None)
            stamp = {"signedTimestamp": b64(FORMATS.stamper.token(signature, NOON))}
            value["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": [stamp]}

        registered = RegisteredKey(load_spki(spki), FORMATS.born_at)
        answer = judge(changed(make("key-file-v1"), signed), profile={"tlog": 0, "tsa": 1, "sct": 0}, registered=registered)
        assert (answer.result, answer.code) == ("unsupported", "evidence.unsupported_file_signature")

    def test_a_key_and_a_certificate_are_one_too_many(self) -> None:
        raw = changed(make("key-file-v1"), lambda value: material(value).update(certificate={"rawBytes": "AAAA"}))
        assert judge(raw).code == "bundle.malformed"


class TestProfiles:
    def test_a_bundle_without_an_entry_needs_a_profile_that_asks_for_none(self) -> None:
        assert judge(make("private-envelope"), profile="default").code == "bundle.missing_material"

    def test_and_a_timestamp_all_the_same(self) -> None:
        raw = changed(make("private-envelope"), lambda value: material(value).pop("timestampVerificationData"))
        assert judge(raw, profile="private").code == "bundle.missing_material"

    def test_a_certificate_of_another_instance_with_a_timestamp_of_this(self) -> None:
        other = Formats(NOON)
        other.stamper = FORMATS.stamper
        raw = other.make(KINDS["private-envelope"], STATEMENT, WORKLOAD, NOON)
        assert judge(raw, profile="private").code == "certificate.untrusted"

    @pytest.mark.parametrize(
        "profile", [{"tlog": 0, "tsa": 0, "sct": 1}, {"tlog": 2, "tsa": 0, "sct": 1}, {"tlog": 1, "tsa": -1, "sct": 1}]
    )
    def test_a_profile_under_which_nothing_proves_a_time_is_refused(self, profile: dict[str, int]) -> None:
        with pytest.raises(Malformed) as refused:
            parse_trust_root(INSTANCE.trusted_root(), profile=profile)
        assert refused.value.code == "trust_root.profile"

    def test_the_profiles_of_the_tests_are_real(self) -> None:
        assert all(parse_trust_root(FORMATS.document(), profile=profile) for profile in PROFILES.values())


class TestFiles:
    def test_states_the_digest_of_the_file_and_nothing_more(self) -> None:
        import hashlib

        assessment = judge(make("file-v2"))
        assert assessment.facts is not None
        assert assessment.facts["subjects"] == [{"name": "", "digests": [f"sha256:{hashlib.sha256(FILE).hexdigest()}"]}]
        assert (assessment.facts["predicateType"], assessment.facts["claims"]["understood"]) == ("", False)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda digest: digest.update(algorithm="SHA1"), "evidence.unsupported_message_digest"),
            (lambda digest: digest.update(algorithm=["SHA2_256"]), "evidence.unsupported_message_digest"),
            (lambda digest: digest.update(digest="AAAA"), "bundle.malformed"),
            (lambda digest: digest.pop("digest"), "bundle.malformed"),
        ],
    )
    def test_a_digest_of_another_shape(self, change: Callable[[dict[str, Any]], object], code: str) -> None:
        assert judge(changed(make("file-v2"), lambda value: change(value["messageSignature"]["messageDigest"]))).code == code
