"""The statement: it survives being written, it has one spelling, and every broken rule of form is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.approval.approval_parts import MissingEvidence, Party
from proofs.approval.human_approval import (
    approval_challenge,
    approval_signed_bytes,
    build_human_approval,
    parse_human_approval,
)
from proofs.canonical import canonical_bytes
from proofs.errors import Malformed
from tests.proofs.pack.world import NOON, World, alice

WORLD = World()
APPROVAL = WORLD.approval(alice())
PAYLOAD = build_human_approval(APPROVAL)
STATEMENT: dict[str, Any] = json.loads(PAYLOAD)

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> bytes:
    value = copy.deepcopy(STATEMENT)
    change(value)
    return canonical_bytes(value)


def put(*path: str | int, value: Any) -> Change:
    def change(statement: dict[str, Any]) -> None:
        place: Any = statement
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def drop(*path: str | int) -> Change:
    def change(statement: dict[str, Any]) -> None:
        place: Any = statement
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


def test_reads_back_what_was_written() -> None:
    assert parse_human_approval(PAYLOAD) == APPROVAL


def test_the_same_bytes_are_read_once() -> None:
    assert parse_human_approval(PAYLOAD) is parse_human_approval(bytes(bytearray(PAYLOAD)))


def test_every_part_survives() -> None:
    duties = replace(APPROVAL.separation_of_duties, requester=Party("workflow", "https://issuer.example", "repo:x", ("http://p", "01BOB")))
    fuller = replace(
        APPROVAL,
        missing_evidence=(MissingEvidence("sbom", "warning"),),
        review=replace(APPROVAL.review, acknowledged=(("NEW_BUILDER", "ab" * 32),)),
        justification="Hotfix for INC-882,\nrollback tested. Grüße!",
        separation_of_duties=duties,
    )
    assert parse_human_approval(build_human_approval(fuller)) == fuller


def test_the_challenge_covers_every_byte() -> None:
    assert approval_challenge(PAYLOAD) != approval_challenge(PAYLOAD + b" ")
    assert approval_signed_bytes(PAYLOAD).startswith(b"DSSEv1 28 application/vnd.in-toto+json ")


def test_refuses_to_write_what_would_not_read_back() -> None:
    with pytest.raises(Malformed) as refused:
        build_human_approval(replace(APPROVAL, ceremony=replace(APPROVAL.ceremony, expires_at=NOON.replace(microsecond=5))))
    assert refused.value.code == "approval.malformed"


def test_ignores_unknown_fields_where_readers_may() -> None:
    assert parse_human_approval(changed(put("predicate", "review", "later", value=1))) == APPROVAL


PREDICATE_FIELDS = [
    ("decision",),
    ("request",),
    ("request", "digest"),
    ("request", "revision"),
    ("environment",),
    ("environment", "id"),
    ("environment", "scopes"),
    ("approver",),
    ("approver", "issuer"),
    ("approver", "subject"),
    ("approver", "roles"),
    ("approver", "authn"),
    ("approver", "signer"),
    ("approver", "signer", "keyId"),
    ("approver", "signer", "enrollment"),
    ("policy",),
    ("policy", "digest"),
    ("policy", "inputDigest"),
    ("policy", "resultDigest"),
    ("policy", "result"),
    ("policy", "exceptions"),
    ("evidence",),
    ("evidence", 0, "digest"),
    ("evidence", 0, "annotations", "verdictDigest"),
    ("evidence", 0, "annotations", "shown"),
    ("missingEvidence",),
    ("review", "snapshot", "digest"),
    ("review", "acknowledged"),
    ("justification",),
    ("separationOfDuties",),
    ("separationOfDuties", "requester"),
    ("separationOfDuties", "excluded"),
    ("validity",),
    ("validity", "notAfter"),
    ("ceremony",),
    ("ceremony", "nonce"),
    ("ceremony", "logHead"),
    ("ceremony", "logHead", "rootHash"),
]


@pytest.mark.parametrize("path", PREDICATE_FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_refuses_a_statement_that_leaves_something_out(path: tuple[str | int, ...]) -> None:
    with pytest.raises(Malformed) as refused:
        parse_human_approval(changed(drop("predicate", *path)))
    assert refused.value.code == "approval.malformed"


@pytest.mark.parametrize(
    "change",
    [
        put("_type", value="https://in-toto.io/Statement/v0.1"),
        put("predicateType", value="urn:countersign:automated-decision:v1"),
        put("subject", value=[]),
        put("subject", 0, "digest", value={}),
        put("subject", 0, "digest", value={"sha1": "ab" * 20}),
        put("subject", 0, "digest", value={"md5": "ab" * 16}),
        put("subject", 0, "digest", "sha256", value="AB" * 32),
        lambda statement: statement["subject"].append(statement["subject"][0]),
        put("predicate", "decision", value="approve "),
        put("predicate", "decision", value="reject"),  # without a reason
        put("predicate", "request", "revision", value=0),
        put("predicate", "request", "revision", value=True),
        put("predicate", "environment", "tier", value=4),
        put("predicate", "environment", "scopes", value=[{"type": "kubernetes-cluster/v1", "value": "eu-1"}]),
        put("predicate", "approver", "kind", value="agent"),
        put("predicate", "approver", "username", value="alice\u202e"),
        put("predicate", "approver", "username", value="ali\u200bce"),
        put("predicate", "approver", "username", value="cafe\u0301"),
        put("predicate", "approver", "signer", "alg", value=-35),
        put("predicate", "approver", "signer", "type", value="password"),
        put("predicate", "policy", "exceptions", value=[{"rule": "provenance"}]),
        put("predicate", "policy", "result", value="maybe"),
        put("predicate", "policy", "digest", value={"sha256": "ab" * 32, "sha1": "ab" * 20}),
        lambda statement: statement["predicate"]["evidence"].append(statement["predicate"]["evidence"][0]),
        put("predicate", "justification", "text", value="x" * 2001),
        put("predicate", "justification", "text", value="a\x07b"),
        put("predicate", "validity", "graceHours", value=5),
        put("predicate", "validity", "notAfter", value="2026-05-04T12:00:00Z"),
        put("predicate", "validity", "notBefore", value="2026-05-04T11:59:59Z"),
        put("predicate", "validity", "issuedAt", value="2026-05-04T12:00:00+00:00"),
        put("predicate", "validity", "issuedAt", value="2026-02-30T12:00:00Z"),
        put("predicate", "ceremony", "nonce", value="A" * 42),
        put("predicate", "ceremony", "nonce", value="A" * 42 + "="),
        put("predicate", "ceremony", "profile", value="sha256-v1"),
        put("predicate", "ceremony", "namespace", value="file"),
        put("predicate", "ceremony", "logHead", "rootHash", value="AAAA"),
        put("predicate", "ceremony", "logHead", "size", value=-1),
        put("predicate", value=[]),
    ],
)
def test_refuses_every_broken_rule(change: Change) -> None:
    with pytest.raises(Malformed) as refused:
        parse_human_approval(changed(change))
    assert refused.value.code == "approval.malformed"


def test_refuses_floats_and_numbers_beyond_what_json_readers_agree_on() -> None:
    for number in (b"1.0", b"1e0", b"9007199254740993"):
        with pytest.raises(Malformed) as refused:
            parse_human_approval(PAYLOAD.replace(b'"revision":1', b'"revision":' + number))
        assert refused.value.code.startswith("json.")


def test_refuses_a_statement_that_is_too_large() -> None:
    with pytest.raises(Malformed) as refused:
        parse_human_approval(b" " * (1024 * 1024 + 1))
    assert refused.value.code == "approval.malformed"


@given(data=st.data())
def test_refuses_any_reordering_of_keys(data: st.DataObject) -> None:
    shuffled = _shuffled(STATEMENT, data)
    payload = json.dumps(shuffled, separators=(",", ":"), ensure_ascii=False).encode()
    if payload == PAYLOAD:
        return
    with pytest.raises(Malformed) as refused:
        parse_human_approval(payload)
    assert refused.value.code == "json.not_canonical"


@given(data=st.data())
def test_refuses_any_key_twice(data: st.DataObject) -> None:
    keys = [
        position
        for position in range(len(PAYLOAD))
        if PAYLOAD[position : position + 1] == b"{" and PAYLOAD[position + 1 : position + 2] == b'"'
    ]
    start = data.draw(st.sampled_from(keys)) + 1
    key = PAYLOAD[start : PAYLOAD.index(b'"', start + 1) + 1]
    twice = PAYLOAD[:start] + key + b":" + data.draw(st.sampled_from([b"1", b'"approve"', b"{}", b"null"])) + b"," + PAYLOAD[start:]
    with pytest.raises(Malformed) as refused:
        parse_human_approval(twice)
    assert refused.value.code == "json.duplicate_key"


@given(position=st.integers(0, len(PAYLOAD) - 1), mask=st.integers(1, 255))
def test_any_single_byte_changed_changes_the_challenge(position: int, mask: int) -> None:
    altered = bytearray(PAYLOAD)
    altered[position] ^= mask
    assert approval_challenge(bytes(altered)) != approval_challenge(PAYLOAD)


def _shuffled(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, dict):
        return {key: _shuffled(value[key], data) for key in data.draw(st.permutations(list(value)))}
    return [_shuffled(item, data) for item in value] if isinstance(value, list) else value
