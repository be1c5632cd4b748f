"""Statements of a person are written and read strictly, whatever they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proofs.approval.approval_parts import (
    ApprovedArtifact,
    Approver,
    EnvironmentReference,
    LogHead,
    SignerReference,
    SigningCeremony,
    Validity,
)
from proofs.approval.person_statement import (
    BreakGlass,
    Delegation,
    PersonStatement,
    Revocation,
    build_person_statement,
    parse_person_statement,
    subjects_of,
)
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import parse_digest
from proofs.encoding import b64url_encode
from proofs.errors import Malformed

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REVOCATION = Revocation(("a" * 64,), "artifact_bad")
BREAK_GLASS = BreakGlass("payments-api", EnvironmentReference("env_1", "production", 3), "INC-12", 2)
DELEGATION = Delegation(("https://id.example", "u-2"), ("approver:release",), "project:payments-api", NOW, NOW + timedelta(days=3))
SOMEWHERE = replace(DELEGATION, environments=("env_1",))
IMAGE = ApprovedArtifact("payments/api", (parse_digest("sha256:" + "b" * 64),))


def make(body: Any) -> PersonStatement:
    return PersonStatement(
        subjects=(IMAGE,) if isinstance(body, BreakGlass) else subjects_of(body),
        body=body,
        person=Approver("https://id.example", "u-1", "alice", (), "password", NOW),
        signer=SignerReference("SHA256:key", -7, "c" * 64),
        justification="It has to be.",
        validity=Validity(NOW, NOW, NOW + timedelta(minutes=5)),
        summary="What it says",
        renderer_version="1",
        ceremony=SigningCeremony(
            "sce_1",
            b64url_encode(b"n" * 32),
            "portal.example",
            "https://portal.example",
            NOW + timedelta(minutes=5),
            LogHead("log", 3, b"r" * 32),
        ),
    )


@pytest.mark.parametrize("body", [REVOCATION, BREAK_GLASS, DELEGATION, SOMEWHERE], ids=lambda body: type(body).__name__)
class TestEveryKind:
    def test_reads_back_what_was_written(self, body: Any) -> None:
        assert parse_person_statement(build_person_statement(make(body))) == make(body)

    @pytest.mark.parametrize("where", ["whole", "predicate", "body"])
    def test_refuses_a_field_nobody_knows(self, body: Any, where: str) -> None:
        value = parse_canonical(build_person_statement(make(body)))
        place = {"whole": value, "predicate": value["predicate"], "body": value["predicate"]["body"]}[where]
        place["extra"] = 1
        with pytest.raises(Malformed) as caught:
            parse_person_statement(canonical_bytes(value))
        assert caught.value.code == "statement.malformed"

    def test_refuses_a_statement_without_a_reason(self, body: Any) -> None:
        with pytest.raises(Malformed):
            build_person_statement(replace(make(body), justification=""))


@pytest.mark.parametrize("body", [REVOCATION, DELEGATION], ids=lambda body: type(body).__name__)
def test_refuses_a_subject_that_is_not_what_the_body_says(body: Any) -> None:
    with pytest.raises(Malformed):
        build_person_statement(replace(make(body), subjects=(IMAGE,)))


@pytest.mark.parametrize(
    "body",
    [
        replace(REVOCATION, reason="because"),
        replace(REVOCATION, approvals=()),
        replace(BREAK_GLASS, max_uses=0),
        replace(BREAK_GLASS, max_uses=11),
        replace(BREAK_GLASS, incident=""),
        replace(DELEGATION, roles=()),
        replace(DELEGATION, ends_at=NOW),
    ],
)
def test_refuses_what_no_kind_may_say(body: Any) -> None:
    with pytest.raises(Malformed):
        build_person_statement(make(body))
