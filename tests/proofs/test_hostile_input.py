"""Input made to exhaust or confuse: refused by bytes, depth and counts, with the code of the limit it meets."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofs.assess import Assessment, assess_evidence
from proofs.canonical import BYTES_A_PART, MAX_DEPTH, MAX_PARTS, parse_json
from proofs.checkpoint import MAX_SIGNATURE_LINES
from proofs.dsse import MAX_SIGNATURES
from proofs.errors import Malformed, TooLarge
from proofs.evidence import MAX_BYTES, MAX_MEMBERS, TrustMaterial, detect_format
from proofs.keys import MAX_TRIES, RegisteredKey, load_spki
from proofs.sigstore.bundle_shape import MAX_TIMESTAMPS
from proofs.sigstore.log_entry import MAX_PROOF_HASHES
from proofs.statement import MAX_DIGESTS, MAX_SUBJECTS
from tests.proofs.factory import DIGEST, KEY_TRUST, NOON, PUBLIC_KEY, STATEMENT, TRUST, assess, bundle, changed, entry_of, key_signed
from tests.proofs.published import NOW, read, row_named, trust_of

RELAXED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
GENUINE = "slsa/gha-generic-v2.1.0-push-v14.2"
BUNDLE, ENVELOPE = bundle(), key_signed()
OTHER_KEYS = [ed25519.Ed25519PrivateKey.generate() for _ in range(MAX_TRIES + 1)]


def payload_of(raw: bytes) -> bytes:
    return key_signed(raw)


def proof_hashes(value: dict[str, Any], number: int) -> None:
    entry_of(value)["inclusionProof"]["hashes"] = ["A" * 43 + "="] * number


def timestamps(value: dict[str, Any], number: int) -> None:
    tokens = [{"signedTimestamp": base64.b64encode(bytes([index])).decode()} for index in range(number)]
    value["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": tokens}


def signatures(value: dict[str, Any], number: int) -> None:
    value["dsseEnvelope"]["signatures"] *= number


def signature_lines(value: dict[str, Any], number: int) -> None:
    checkpoint = entry_of(value)["inclusionProof"]["checkpoint"]
    checkpoint["envelope"] = checkpoint["envelope"].partition("\n\n")[0] + "\n\n" + "— stranger.example AAAAAAAA\n" * number


def log_entries(value: dict[str, Any], number: int) -> None:
    value["verificationMaterial"]["tlogEntries"] *= number


class TestLimits:
    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda value: entry_of(value)["inclusionProof"].update(hashes=["A" * 43 + "="] * 8_000), "tlog.proof_too_long"),
            (lambda value: entry_of(value)["inclusionProof"].update(hashes=["A" * 43 + "="] * 65), "tlog.proof_too_long"),
            (
                lambda value: value["dsseEnvelope"].update(signatures=value["dsseEnvelope"]["signatures"] * 2_500),
                "dsse.too_many_signatures",
            ),
            (lambda value: value["verificationMaterial"].update(tlogEntries=[entry_of(value)] * 100), "bundle.too_many_entries"),
            (
                lambda value: value["verificationMaterial"].update(timestampVerificationData={"rfc3161Timestamps": [{}] * 8_000}),
                "bundle.too_many_timestamps",
            ),
            (
                lambda value: entry_of(value)["inclusionProof"].update(
                    checkpoint={"envelope": "x\n1\nAA==\n\n" + "— a AAAAAAAA\n" * 300_000}
                ),
                "tlog.checkpoint_too_large",
            ),
        ],
    )
    def test_counts_in_a_bundle(self, change: Callable[[dict[str, Any]], object], code: str) -> None:
        # Whatever its size: a door may let in more than the usual limit.
        assert assess(changed(BUNDLE, change), max_bytes=None).code == code

    @pytest.mark.parametrize("number", [MAX_MEMBERS + 1, 200_000])
    def test_members_of_a_bundle(self, number: int) -> None:
        many = changed(BUNDLE, lambda value: entry_of(value)["inclusionProof"].update(hashes=["A" * 43 + "="] * number))
        assert assess(many, max_bytes=None).code == "json.too_many_parts"

    def test_commas_in_a_text_are_no_members(self) -> None:
        longer = changed(BUNDLE, lambda value: entry_of(value)["inclusionProof"]["checkpoint"].update(envelope="," * (MAX_MEMBERS + 1)))
        assert assess(longer).code == "tlog.checkpoint_malformed"

    def test_signatures_of_an_envelope(self) -> None:
        many = changed(ENVELOPE, lambda value: value.update(signatures=value["signatures"] * 17))
        assert assess(many, trust=KEY_TRUST).code == "dsse.too_many_signatures"

    @pytest.mark.parametrize(
        ("subjects", "code"),
        [
            ([{"name": "x", "digest": {"sha256": DIGEST}}] * 1025, "statement.too_many_subjects"),
            ([{"name": "x", "digest": {f"alg{number}": "0" for number in range(33)}}], "statement.too_many_digests"),
            ([{"name": "x" * 5000, "digest": {"sha256": DIGEST}}], "statement.malformed"),
            ([{"name": "invoice\u202efdp.exe", "digest": {"sha256": DIGEST}}], "statement.malformed"),
            ([{"name": "line\nbreak", "digest": {"sha256": DIGEST}}], "statement.malformed"),
            ([{"name": "nul\x00", "digest": {"sha256": DIGEST}}], "statement.malformed"),
            ([{"name": "x", "digest": {"sha256": DIGEST.upper()}}], "statement.malformed"),
        ],
    )
    def test_subjects_of_a_statement(self, subjects: list[Any], code: str) -> None:
        assert assess(key_signed(json.dumps(STATEMENT | {"subject": subjects}).encode()), trust=KEY_TRUST).code == code

    @pytest.mark.parametrize(
        ("subject", "one_more", "code"),
        [
            (
                [{"name": "x", "digest": {"sha256": DIGEST}}] * MAX_SUBJECTS,
                [{"name": "x", "digest": {"sha256": DIGEST}}] * (MAX_SUBJECTS + 1),
                "statement.too_many_subjects",
            ),
            (
                [{"digest": {"sha256": DIGEST} | {f"alg{number}": "0" for number in range(MAX_DIGESTS - 1)}}],
                [{"digest": {"sha256": DIGEST} | {f"alg{number}": "0" for number in range(MAX_DIGESTS)}}],
                "statement.too_many_digests",
            ),
        ],
    )
    def test_a_statement_at_its_limits(self, subject: list[Any], one_more: list[Any], code: str) -> None:
        assert assess(key_signed(json.dumps(STATEMENT | {"subject": subject}).encode()), trust=KEY_TRUST).result == "verified"
        assert assess(key_signed(json.dumps(STATEMENT | {"subject": one_more}).encode()), trust=KEY_TRUST).code == code

    @pytest.mark.parametrize(
        ("change", "most", "code_at", "code_above"),
        [
            (proof_hashes, MAX_PROOF_HASHES, "tlog.inclusion", "tlog.proof_too_long"),
            (timestamps, MAX_TIMESTAMPS, "tsa.malformed", "bundle.too_many_timestamps"),
            (signatures, MAX_SIGNATURES, "bundle.malformed", "dsse.too_many_signatures"),
            (signature_lines, MAX_SIGNATURE_LINES, "tlog.checkpoint_unsigned", "tlog.checkpoint_too_large"),
            (log_entries, 1, "evidence.verified", "bundle.too_many_entries"),
        ],
    )
    def test_a_bundle_at_its_limits(
        self, change: Callable[[dict[str, Any], int], object], most: int, code_at: str, code_above: str
    ) -> None:
        assert assess(changed(BUNDLE, lambda value: change(value, most))).code == code_at
        assert assess(changed(BUNDLE, lambda value: change(value, most + 1))).code == code_above

    def test_bytes_are_counted_before_anything_is_read(self) -> None:
        padded = BUNDLE + b" " * (MAX_BYTES - len(BUNDLE))
        assert assess(padded).result == "verified"
        assert assess(padded + b" ").code == "evidence.too_large"
        assert assess(b"[" * (MAX_BYTES + 1)).code == "evidence.too_large"
        assert assess_evidence(padded + b" ", trust=TRUST, received_at=NOON, max_bytes=None).result == "verified"
        assert assess_evidence(padded, trust=TRUST, received_at=NOON, max_bytes=MAX_BYTES - 1).code == "evidence.too_large"
        with pytest.raises(TooLarge, match=r"evidence\.too_large"):
            detect_format(padded + b" ")

    def test_objects_and_lists_are_counted_before_anything_is_read(self) -> None:
        most = b"[" + b",".join([b"{}", b"[]"] * (MAX_PARTS // 2 - 1)) + b", {}]"
        assert len(parse_json(most)) == MAX_PARTS - 1
        with pytest.raises(TooLarge, match=r"json\.too_many_parts"):
            parse_json(most[:-1] + b", {}]")
        # A longer document may have more of them, and brackets in strings are none.
        padded = most[:-1] + b", {}]" + b" " * (BYTES_A_PART * (MAX_PARTS + 1) - len(most))
        assert len(parse_json(padded)) == MAX_PARTS
        assert parse_json(b'["' + b"{}" * MAX_PARTS + b'"]') == ["{}" * MAX_PARTS]

    @pytest.mark.parametrize("part", [b"{}", b"[]"])
    def test_and_so_are_those_that_were_signed(self, part: bytes) -> None:
        """What a payload holds is read before and after its signature is known to be good."""
        payload = b'{"x":[' + b",".join([part] * MAX_PARTS) + b"]}"
        assert assess(key_signed(payload), trust=KEY_TRUST).code == "json.too_many_parts"
        forged = changed(BUNDLE, lambda value: value["dsseEnvelope"].update(payload=base64.b64encode(payload).decode()))
        assessment = assess(forged)
        assert (assessment.result, assessment.claimed_subjects) == ("rejected", ())

    def test_signatures_are_held_against_keys_a_limited_number_of_times(self) -> None:
        mine = RegisteredKey(PUBLIC_KEY, NOON)
        others = [
            RegisteredKey(load_spki(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)), NOON)
            for key in OTHER_KEYS
        ]
        assert len({other.key.key_id for other in others}) > MAX_TRIES
        nameless, hinted = (
            changed(ENVELOPE, lambda value, name=name: value["signatures"][0].update(keyid=name)) for name in ("", PUBLIC_KEY.key_id)
        )
        few, many = TrustMaterial((), (*others[: MAX_TRIES - 1], mine)), TrustMaterial((), (*others, mine))
        assert assess(nameless, trust=few).result == "verified"
        assert assess(hinted, trust=many).result == "verified"
        stranger = changed(nameless, lambda value: value["signatures"][0].update(sig=base64.b64encode(b"x" * 70).decode()))
        assert assess(stranger, trust=many).code == "dsse.too_many_keys"
        assert assess(stranger, trust=few).code == "dsse.key_unknown"

    @pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
    def test_depth_at_its_limit(self, brackets: tuple[str, str]) -> None:
        def nested(depth: int) -> bytes:
            return (brackets[0] * depth + "1" + brackets[1] * depth).encode()

        assert assess(nested(MAX_DEPTH)).code == "evidence.unknown_format"
        assert assess(nested(MAX_DEPTH + 1)).code == "json.too_deep"
        # Siblings and brackets in strings are no depth, whatever quotes and backslashes stand around them.
        assert assess(b"[" + b"[[]]," * 1000 + b"[]]").code == "evidence.unknown_format"
        assert assess(rb'["\\", "[[[[\"", "' + b"[{" * 1000 + rb'\\\"[", []]').code == "evidence.unknown_format"
        assert assess(rb'["\\", ' + nested(MAX_DEPTH) + b"]").code == "json.too_deep"

    @pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500_000])
    @pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
    def test_depth_outside_and_inside_the_envelope(self, depth: int, brackets: tuple[str, str]) -> None:
        nested = (brackets[0] * depth + "1" + brackets[1] * depth).encode()
        assert assess(nested, max_bytes=None).code == "json.too_deep"
        assert assess(b'{"x":' + nested + b"," + BUNDLE[1:], max_bytes=None).code == "json.too_deep"
        assert assess(payload_of(nested), trust=KEY_TRUST, max_bytes=None).code == "json.too_deep"

    def test_a_string_that_never_ends(self) -> None:
        assert assess(b'"' + b'\\"' * 1_000_000, max_bytes=None).code == "json.invalid"
        assert assess(b'{"' + b"\\" * 1_000_001, max_bytes=None).code == "json.invalid"

    def test_a_number_of_a_million_digits(self) -> None:
        assert assess(b'{"x":' + b"9" * 1_000_000 + b"}").code == "json.invalid"


class TestConfusion:
    @pytest.mark.parametrize("key", ["mediaType", "dsseEnvelope", "payload", "sig", "rawBytes", "canonicalizedBody", "logIndex"])
    def test_a_key_twice_in_the_bundle(self, key: str) -> None:
        assert assess(BUNDLE.replace(f'"{key}":'.encode(), f'"{key}": 1, "{key}":'.encode(), 1)).code == "json.duplicate_key"

    def test_the_last_of_very_many_keys_twice(self) -> None:
        # Whoever compared each with each would not come to an end here.
        keys = [f'"{number}":1' for number in range(300_000)]
        with pytest.raises(Malformed) as refused:
            parse_json(f"{{{','.join([*keys, keys[-1]])}}}".encode())
        assert refused.value.code == "json.duplicate_key" and "'299999'" in refused.value.reason

    def test_a_key_twice_spelled_differently(self) -> None:
        assert assess(BUNDLE.replace(b'"mediaType":', b'"media\\u0054ype": 1, "mediaType":', 1)).code == "json.duplicate_key"

    def test_a_key_twice_in_the_signed_payload(self) -> None:
        doubled = json.dumps(STATEMENT).replace('"subject":', '"subject": [], "subject":').encode()
        assert assess(payload_of(doubled), trust=KEY_TRUST).code == "json.duplicate_key"

    @pytest.mark.parametrize(
        "raw", [b'{"x":"\\ud800"}', b'{"\\udfff":1}', b'{"x":NaN}', b'{"x":"\xed\xa0\x80"}', b"\xef\xbb\xbf{}", b"{}{}"]
    )
    def test_text_that_two_readers_would_read_differently(self, raw: bytes) -> None:
        assert assess(raw).code in ("json.invalid", "json.float")

    @pytest.mark.parametrize("junk", ["\n", " ", "=", "A", "!"])
    def test_junk_in_base64(self, junk: str) -> None:
        raw = changed(BUNDLE, lambda value: value["dsseEnvelope"].update(payload=value["dsseEnvelope"]["payload"] + junk))
        assert assess(raw).code in ("dsse.malformed", "tlog.entry_mismatch")


Case = tuple[bytes, TrustMaterial, datetime, Assessment]


def case(raw: bytes, trust: TrustMaterial, at: datetime) -> Case:
    return raw, trust, at, assess_evidence(raw, trust=trust, received_at=at)


@cache
def genuine() -> Case:
    row = row_named(GENUINE)
    return case(read(row["files"]["evidence"]), trust_of(row), NOW)


SYNTHETIC, KEY_SIGNED = case(BUNDLE, TRUST, NOON), case(ENVELOPE, KEY_TRUST, NOON)


class TestOneChangedByte:
    """Whatever byte is changed: refused, or the very same facts (blanks between tokens, an unauthenticated key id)."""

    @RELAXED
    @given(position=st.integers(0, len(BUNDLE) - 1), flip=st.integers(1, 255))
    def test_of_a_synthetic_bundle(self, position: int, flip: int) -> None:
        self.assert_same_or_refused(SYNTHETIC, position, flip)

    @RELAXED
    @given(position=st.integers(0, len(ENVELOPE) - 1), flip=st.integers(1, 255))
    def test_of_a_key_signed_envelope(self, position: int, flip: int) -> None:
        self.assert_same_or_refused(KEY_SIGNED, position, flip)

    @RELAXED
    @given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
    def test_of_a_genuine_bundle(self, where: float, flip: int) -> None:
        self.assert_same_or_refused(genuine(), int(where * len(genuine()[0])), flip)

    @staticmethod
    def assert_same_or_refused(honest: Case, position: int, flip: int) -> None:
        raw = honest[0]
        assert_harmless(raw[:position] + bytes([raw[position] ^ flip]) + raw[position + 1 :], honest)


class TestChangedStructure:
    """Any value of the document replaced, removed or doubled: never an exception that is not a refusal, never other facts."""

    values = st.sampled_from([None, True, 0, -1, 2**63, 1.5, "", "0", "A===", "—", "\ud7ff", [], {}, [[]], {"": {}}])

    @RELAXED
    @given(data=st.data())
    def test_of_a_bundle(self, data: st.DataObject) -> None:
        self.bend(data, SYNTHETIC)

    @RELAXED
    @given(data=st.data())
    def test_of_a_key_signed_envelope(self, data: st.DataObject) -> None:
        self.bend(data, KEY_SIGNED)

    @RELAXED
    @given(data=st.data())
    def test_of_a_genuine_bundle(self, data: st.DataObject) -> None:
        self.bend(data, genuine())

    @RELAXED
    @given(data=st.data())
    def test_of_the_signed_statement(self, data: st.DataObject) -> None:
        value = json.loads(json.dumps(STATEMENT))
        parent, key = data.draw(st.sampled_from(places(value)))
        parent[key] = data.draw(self.values)
        assessment = assess(payload_of(json.dumps(value).encode()), trust=KEY_TRUST)
        assert assessment.result in ("verified", "rejected", "unsupported")

    def bend(self, data: st.DataObject, honest: Case) -> None:
        value = json.loads(honest[0])
        parent, key = data.draw(st.sampled_from(places(value)))
        if data.draw(st.booleans()):
            parent[key] = data.draw(self.values)
        elif isinstance(parent, list):
            parent.append(parent[key])
        else:
            del parent[key]
        assert_harmless(json.dumps(value).encode(), honest)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a JSON value."""
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        item = stack.pop()
        keys = list(item) if isinstance(item, dict) else list(range(len(item))) if isinstance(item, list) else []
        found.extend((item, key) for key in keys)
        stack.extend(item[key] for key in keys)
    return found


def assert_harmless(bent: bytes, honest: Case) -> None:
    _, trust, at, assessment = honest
    assert assessment.result == "verified"
    answer = assess_evidence(bent, trust=trust, received_at=at)
    assert answer.result in ("rejected", "unsupported") or answer.facts == assessment.facts


def test_the_last_character_of_base64_cannot_be_respelled() -> None:
    def respell(value: dict[str, Any]) -> None:
        signature = value["signatures"][0]
        raw = base64.b64decode(signature["sig"])
        assert signature["sig"].endswith("==")
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        last = signature["sig"][-3]
        signature["sig"] = signature["sig"][:-3] + alphabet[alphabet.index(last) ^ 1] + "=="
        assert base64.b64decode(signature["sig"]) == raw

    assert assess(changed(ENVELOPE, respell), trust=KEY_TRUST).code == "dsse.malformed"


@pytest.mark.parametrize(
    ("honest", "bent"),
    [
        pytest.param(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x0a", id="version ten"),
        pytest.param(b"\x0c\x0ffactory.example", b"\x0c\x0f\xff\xfetory.example", id="issuer that is not text"),
        pytest.param(b"\x06\x03\x55\x1d\x0f", b"\x06\x03\x55\x1d\x25", id="extension given twice"),
        pytest.param(b"\x30\x82", b"\x30\x83", id="length of another length"),
    ],
)
def test_certificates_that_the_library_chokes_on(honest: bytes, bent: bytes) -> None:
    def bend(value: dict[str, Any]) -> None:
        certificate = value["verificationMaterial"]["certificate"]
        der = base64.b64decode(certificate["rawBytes"])
        assert honest in der
        certificate["rawBytes"] = base64.b64encode(der.replace(honest, bent, 1)).decode()

    assert assess(changed(BUNDLE, bend)).code == "certificate.malformed"
