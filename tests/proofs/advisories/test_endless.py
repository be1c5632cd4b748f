"""Data without an end, and nesting without one: refused by a count or a depth, before any of it is worked through.

How long a refusal takes is not measured; that it is the refusal of a limit shows that nobody went through the rest.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from proofs.assess import assess_evidence
from proofs.canonical import MAX_DEPTH, parse_json
from proofs.collection.item import Limits
from proofs.collection.read import read_collection
from proofs.errors import Malformed, TooLarge
from proofs.policy.evaluate import parse_policy
from tests.proofs.advisories.asked import VERIFIED, Change, code, make, material, proof, refused_alone
from tests.proofs.factory import KEY_TRUST, NOON, STATEMENT, changed, key_signed

# As many as fit into the bytes and objects that are read at all; those limits have tests of their own.
MANY = 5_000


class TestEndlessData:
    """CVE-2024-45395 (sigstore-go), CVE-2024-29902 and CVE-2024-29903 (cosign), CVE-2023-33958 (notation), CVE-2025-66506 (Fulcio),
    CVE-2025-66564 (timestamp-authority): some part of a document could be as long as its sender liked, and all of it was worked through.
    """

    @pytest.mark.parametrize(
        ("name", "change", "wanted"),
        [
            ("file-v1", lambda value: proof(value).update(hashes=["A" * 43 + "="] * 2 * MANY), "json.too_many_parts"),
            ("envelope-v2", lambda value: proof(value).update(hashes=["A" * 43 + "="] * 65), "tlog.proof_too_long"),
            (
                "envelope-v2",
                lambda value: value["dsseEnvelope"].update(signatures=value["dsseEnvelope"]["signatures"] * MANY),
                "dsse.too_many_signatures",
            ),
            (
                "envelope-v2",
                lambda value: proof(value).update(checkpoint={"envelope": "x\n1\nAA==\n\n" + "— a AAAAAAAA\n" * 3 * MANY}),
                "tlog.checkpoint_too_large",
            ),
            (
                "envelope-v2",
                lambda value: material(value).update(timestampVerificationData={"rfc3161Timestamps": [{}] * 8_000}),
                "bundle.too_many_timestamps",
            ),
            ("file-v1", lambda value: material(value).update(tlogEntries=material(value)["tlogEntries"] * 100), "bundle.too_many_entries"),
            (
                "private-file",
                lambda value: material(value).update(
                    timestampVerificationData={"rfc3161Timestamps": [{"signedTimestamp": "A" * 40 * MANY}]}
                ),
                "bundle.malformed",
            ),
        ],
    )
    def test_a_list_that_does_not_end(self, name: str, change: Change, wanted: str) -> None:
        refused_alone(make(name), change, name, wanted=wanted)

    def test_a_chain_of_certificates_that_does_not_end(self) -> None:
        def age(value: dict[str, Any], copies: int) -> None:
            value["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
            material(value)["x509CertificateChain"] = {"certificates": [material(value).pop("certificate")] * copies}

        raw = make("file-v1")
        assert code(changed(raw, lambda value: age(value, 1)), "file-v1") == VERIFIED
        assert code(changed(raw, lambda value: age(value, MANY // 50)), "file-v1") == "bundle.too_many_certificates"

    @pytest.mark.parametrize(
        ("subjects", "wanted"),
        [
            ([{"name": "x", "digest": {"sha256": "ab" * 32}}] * MANY, "statement.too_many_subjects"),
            ([{"name": "x", "digest": {f"alg{number}": "0" for number in range(MANY)}}], "statement.too_many_digests"),
            ([{"name": "x" * MANY, "digest": {"sha256": "ab" * 32}}], "statement.malformed"),
        ],
    )
    def test_a_statement_about_everything(self, subjects: list[Any], wanted: str) -> None:
        assert assess_evidence(key_signed(), trust=KEY_TRUST, received_at=NOON).code == VERIFIED
        raw = key_signed(json.dumps(STATEMENT | {"subject": subjects}).encode())
        assert assess_evidence(raw, trust=KEY_TRUST, received_at=NOON).code == wanted

    def test_a_file_of_many_and_a_policy_that_do_not_end(self) -> None:
        with pytest.raises(TooLarge) as refused:
            read_collection(b"{}\n" * 6_000_000, limits=Limits())
        assert refused.value.code == "collection.too_large"
        with pytest.raises(TooLarge) as too_large:
            parse_policy(b" " * 300_000)
        assert too_large.value.code == "policy.too_large"

    def test_a_number_of_a_million_digits(self) -> None:
        assert parse_json(b'{"x":9}') == {"x": 9}
        with pytest.raises(Malformed) as refused:
            parse_json(b'{"x":' + b"9" * 1_000_000 + b"}")
        assert refused.value.code == "json.invalid"


class TestRecursion:
    """CVE-2024-27454 (orjson before 3.9.15): nesting without a limit ended the process."""

    @pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"])
    def test_one_level_too_deep_and_half_a_million(self, brackets: tuple[str, str]) -> None:
        def nested(depth: int) -> bytes:
            return (brackets[0] * depth + "1" + brackets[1] * depth).encode()

        assert parse_json(nested(MAX_DEPTH)) is not None
        for depth in (MAX_DEPTH + 1, 500_000):
            with pytest.raises(TooLarge) as refused:
                parse_json(nested(depth))
            assert refused.value.code == "json.too_deep"

    def test_inside_what_was_signed(self) -> None:
        fine = key_signed(json.dumps(STATEMENT | {"predicate": {"deep": [[[]]]}}).encode())
        assert assess_evidence(fine, trust=KEY_TRUST, received_at=NOON).code == VERIFIED
        deep = json.dumps(STATEMENT | {"predicate": {}}).replace('"predicate": {}', '"predicate": {"deep": ' + "[" * 100 + "]" * 100 + "}")
        assert assess_evidence(key_signed(deep.encode()), trust=KEY_TRUST, received_at=NOON).code == "json.too_deep"
