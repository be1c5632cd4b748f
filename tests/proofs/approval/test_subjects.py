"""Subject documents say what an agent wants to do, or which keys are rotated, and hold no secret."""

from __future__ import annotations

from typing import Any

import pytest

from proofs.approval.subjects import build_agent_action, build_rotation, parse_subject
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.errors import Malformed, Refusal, TooLarge

PARTY = {"issuer": "https://portal.example", "subject": "agent-7"}
ACTION: dict[str, Any] = {
    "tool": "kubectl",
    "arguments": {"verb": "scale", "replicas": 3, "dry": False, "names": ["web", "api"]},
    "target": "cluster-1/payments",
    "plan_digest": "a" * 64,
    "agent": PARTY,
}
ROTATION: dict[str, Any] = {
    "what": "The release key",
    "initiator": PARTY,
    "executor": PARTY,
    "old_keys": ["SHA256:abc+/=", "arn:aws:kms:eu/key-1"],
    "new_keys": ["key-2"],
}


class TestSubjects:
    def test_what_is_built_reads_back(self) -> None:
        action = parse_subject(build_agent_action(**ACTION), kind="agent-action")
        assert (action.raw("tool"), action.fields("arguments").raw("replicas")) == ("kubectl", 3)
        assert parse_subject(build_rotation(**ROTATION), kind="rotation").raw("newKeys") == ["key-2"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"tool": ""},
            {"target": "a\u202eb"},
            {"arguments": {"nested": {"a": 1}}},
            {"arguments": {f"a{n}": 1 for n in range(65)}},
            {"arguments": {"a": "x" * 4001}},
            {"plan_digest": "abc"},
            {"agent": {"issuer": "x"}},
            {"agent": {**PARTY, "name": "more"}},
        ],
    )
    def test_an_action_is_read_strictly(self, changes: dict[str, Any]) -> None:
        with pytest.raises(Malformed) as refused:
            build_agent_action(**{**ACTION, **changes})
        assert refused.value.code == "subject.malformed"

    @pytest.mark.parametrize(
        "changes",
        [{"new_keys": []}, {"new_keys": ["key-2", "key-2"]}, {"new_keys": ["SHA256:abc+/="]}, {"old_keys": ["a key"]}, {"what": ""}],
    )
    def test_a_rotation_is_read_strictly(self, changes: dict[str, Any]) -> None:
        with pytest.raises(Malformed) as refused:
            build_rotation(**{**ROTATION, **changes})
        assert refused.value.code == "subject.malformed"

    @pytest.mark.parametrize(
        "secret",
        [
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "ghp_" + "a" * 36,
            "hvs." + "A" * 24,
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "postgres://app:hunter2@db/app",
            "password=hunter2",
        ],
    )
    def test_nothing_that_looks_like_a_secret_is_kept_or_repeated(self, secret: str) -> None:
        makers: list[Any] = [
            lambda: build_rotation(**{**ROTATION, "what": secret}),
            lambda: build_rotation(**{**ROTATION, "reason": secret}),
            lambda: build_rotation(**{**ROTATION, "new_keys": [secret]}),
            lambda: build_agent_action(**{**ACTION, "arguments": {"value": secret}}),
            lambda: build_agent_action(**{**ACTION, "arguments": {"values": [secret]}}),
        ]
        for make in makers:
            with pytest.raises(Malformed) as refused:
                make()
            assert refused.value.code == "subject.secret"
            assert secret not in refused.value.reason

    def test_nor_what_is_called_like_one(self) -> None:
        with pytest.raises(Malformed) as refused:
            build_agent_action(**{**ACTION, "arguments": {"db_password": "x"}})
        assert refused.value.code == "subject.secret"

    @pytest.mark.parametrize("kind", ["release", "promotion", "party"])
    def test_other_kinds_have_none(self, kind: str) -> None:
        with pytest.raises(Malformed):
            parse_subject(build_rotation(**ROTATION), kind=kind)

    def test_an_unknown_field_or_another_spelling_refuses(self) -> None:
        content = build_rotation(**ROTATION)
        for changed in (canonical_bytes({**parse_canonical(content), "more": 1}), content.replace(b'"what"', b' "what"')):
            with pytest.raises(Refusal):
                parse_subject(changed, kind="rotation")

    def test_a_document_has_a_size(self) -> None:
        with pytest.raises(TooLarge) as refused:
            parse_subject(b" " * 65537, kind="rotation")
        assert refused.value.code == "subject.too_large"
