"""`verify --for-gate` opens on a fresh status of these very approvals and on nothing else; each way to be wrong has a code."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from countersign.__main__ import main
from proofs.approval.human_approval import parse_human_approval
from proofs.approval.revocation_list import RevocationList, build_revocation_list
from proofs.approval.status_statement import ApprovalStatus, RequestStatus, build_status
from proofs.digest import sha256_hex
from proofs.moment import rfc3339
from proofs.pack.layout import STATEMENT, check_layout
from proofs.pack.trust import build_trust
from tests.proofs.pack.lies import GENUINE, WORLD
from tests.proofs.pack.world import NOON

NOW = NOON + timedelta(minutes=20)
STATEMENTS = [GENUINE[folder + STATEMENT] for folder in check_layout(GENUINE)]
SAID = parse_human_approval(STATEMENTS[0])
STATUS = RequestStatus(
    request=SAID.request.id,
    artifacts=(SAID.artifacts[0].digests[0].hex,),
    approvals=tuple(ApprovalStatus(sha256_hex(statement), "valid") for statement in STATEMENTS),
    state="valid",
    at=NOW - timedelta(minutes=2),
    not_after=NOW + timedelta(minutes=8),
)


def signed(status: RequestStatus) -> dict[str, Any]:
    return WORLD.keys.sign(build_status(status))


def by_a_stranger(status: RequestStatus) -> dict[str, Any]:
    return replace(WORLD.keys, recorder=ec.generate_private_key(ec.SECP256R1())).sign(build_status(status))


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    (tmp_path / "trust.json").write_bytes(build_trust(WORLD.trust))
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        for name, content in GENUINE.items():
            archive.writestr(name, content)
    asked = ["verify", str(tmp_path / "pack.zip"), "--trust", str(tmp_path / "trust.json"), "--for-gate", "--at", rfc3339(NOW), "--json"]
    return [*asked, "--status", str(tmp_path / "status.json")]


def test_each_wrong_status_denies_with_its_own_code(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "status.json"
    other = tuple(ApprovalStatus("0" * 64, "valid") for _ in STATUS.approvals)
    revoked = tuple(replace(item, verdict="revoked") for item in STATUS.approvals)
    old = replace(STATUS, at=NOW - timedelta(minutes=11), not_after=NOW - timedelta(minutes=1))
    ahead = replace(STATUS, at=NOW + timedelta(minutes=1), not_after=NOW + timedelta(minutes=11))
    cases: list[tuple[dict[str, Any] | None, list[str], str]] = [
        (None, [], "status.missing"),
        (signed(old), [], "status.stale"),
        (signed(STATUS), ["--max-age", "1"], "status.stale"),
        (signed(ahead), [], "status.future"),
        (signed(replace(STATUS, request="req_other")), [], "status.mismatch"),
        (signed(replace(STATUS, approvals=other)), [], "status.mismatch"),
        (signed(replace(STATUS, approvals=revoked)), [], "approval.revoked"),
        (signed(replace(STATUS, state="stale")), [], "approval.stale"),
        (signed(replace(STATUS, state="unknown")), [], "status.unknown"),
        (by_a_stranger(STATUS), [], "status.signature"),
    ]
    found = []
    for envelope, more, _ in cases:
        if envelope is not None:
            file.write_text(json.dumps(envelope))
        assert main([*arguments, *more]) == 1
        found.append(json.loads(capsys.readouterr().out)["code"])
    assert found == [code for _, _, code in cases]
    file.write_text(json.dumps(signed(STATUS)))
    assert main(arguments) == 0
    assert "every approval in the pack counts" in capsys.readouterr().out


LISTED = RevocationList({"0" * 64: "revoked"}, "log.example", 1000, "1" * 64, NOW - timedelta(minutes=2), NOW + timedelta(hours=1))


def test_a_list_of_revocations_denies_with_a_code_of_its_own_and_else_lets_through(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, file = [*arguments[:-2], "--revocations", str(tmp_path / "list.json")], tmp_path / "list.json"
    ours = {sha256_hex(statement): "revoked" for statement in STATEMENTS}
    stranger = replace(WORLD.keys, recorder=ec.generate_private_key(ec.SECP256R1()))
    cases: list[tuple[RevocationList | None, list[str], str]] = [
        (None, [], "revocations.missing"),
        (replace(LISTED, not_after=NOW), [], "revocations.stale"),
        # Of tier 3, ten minutes old at most unless the reader says otherwise.
        (replace(LISTED, at=NOW - timedelta(minutes=11)), [], "revocations.stale"),
        (LISTED, ["--max-age", "1"], "revocations.stale"),
        (replace(LISTED, at=NOW + timedelta(minutes=1)), [], "revocations.future"),
        (replace(LISTED, size=0), [], "revocations.behind"),
        (replace(LISTED, revoked=ours), [], "approval.revoked"),
        (replace(LISTED, revoked=dict.fromkeys(ours, "withdrawn")), [], "request.withdrawn"),
    ]
    found = []
    for listed, more, _ in cases:
        if listed is not None:
            file.write_text(json.dumps(WORLD.keys.sign(build_revocation_list(listed))))
        assert main([*asked, *more]) == 1
        found.append(json.loads(capsys.readouterr().out)["code"])
    assert found == [code for _, _, code in cases]
    # Nor is another's word a list, nor a status one.
    for envelope, code in (
        (stranger.sign(build_revocation_list(LISTED)), "revocations.signature"),
        (signed(STATUS), "revocations.malformed"),
    ):
        file.write_text(json.dumps(envelope))
        assert main(asked) == 1
        assert json.loads(capsys.readouterr().out)["code"] == code
    file.write_text(json.dumps(WORLD.keys.sign(build_revocation_list(LISTED))))
    assert main(asked) == 0
    assert "names no approval in the pack" in capsys.readouterr().out
    file.write_text(json.dumps(WORLD.keys.sign(build_revocation_list(replace(LISTED, at=NOW - timedelta(minutes=11))))))
    assert main([*asked, "--max-age", "30"]) == 0
