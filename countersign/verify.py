"""`countersign verify`: read a pack, walk through the numbered argument aloud, and say the verdict.

Prints "VERIFIED" only when every step held; what no step looked at is printed with it.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from countersign.ask_status import GateQuestion, ask_status
from countersign.find_trust import find_trust
from countersign.plain_text import plain, say
from countersign.questions import answer_questions
from countersign.read_pack import read_pack
from countersign.say_refusal import say_refusal
from proofs.approval.human_approval import parse_human_approval
from proofs.errors import Refusal
from proofs.moment import rfc3339
from proofs.pack.layout import STATEMENT, approval_folder, check_layout
from proofs.pack.report import PackReport, Step, describe_person
from proofs.pack.verify import TITLES, verify_pack

_LAST_PER_APPROVAL = 21


def verify(
    *,
    pack_file: Path,
    trust_file: Path | None,
    digest: str | None,
    environment: str | None,
    policy: str | None,
    expectations: str | None,
    at: datetime | None,
    as_json: bool,
    gate: GateQuestion | None = None,
    accept_unevaluated: bool = False,
) -> int:
    """Print the argument and the verdict; return 0 when verified and printed, 1 when refused."""
    held: list[Step] = []

    def follow(step: Step) -> None:
        held.append(step)
        if not as_json:
            say(f"{step.number:>3}  ok  {step.title}: {plain(step.words)}")

    notes: list[str] = []
    try:
        trust, _ = find_trust(trust_file)
        files = read_pack(pack_file)
        if gate is not None and at is None:
            # A gate decides for this moment; an auditor looks at the one when it was signed.
            at = datetime.now(UTC).replace(microsecond=0)
        wanted_digest, wanted_environment = _complete(files, digest, environment, notes)
        if policy is None:
            notes.append("You named no --policy, so this rests on the policy the pack names; compare its digest with the one you expect.")
        report = verify_pack(
            files,
            trust=trust,
            digest=wanted_digest,
            environment=wanted_environment,
            at=at,
            policy=policy,
            expectations=expectations,
            accept_unevaluated=accept_unevaluated,
            follow=follow,
        )
        if gate is not None and at is not None:
            notes.append(ask_status(gate, files, report, trust=trust, now=at))
        if expectations is None and report.expectations is not None:
            notes.append(
                "The policy leaves it to the project's expectations whose evidence counts, and you named no --expectations; "
                "compare their digest with the one you expect."
            )
    except Refusal as refusal:
        _print_refusal(refusal, held, as_json)
        return 1
    if as_json:
        say(json.dumps(_as_document(report, wanted_digest, notes), indent=2))
    else:
        _print_report(report, wanted_digest, notes)
    # The exit code says the same as the words: if they could not be written, this raises instead of returning 0.
    sys.stdout.flush()
    return 0


def _complete(files: dict[str, bytes], digest: str | None, environment: str | None, notes: list[str]) -> tuple[str, str]:
    """Return what is asked about, taking from the pack what was not said, and note that it was taken from there."""
    if digest is not None and environment is not None:
        return digest, environment
    check_layout(files)
    statement = parse_human_approval(files[approval_folder(1) + STATEMENT])
    if digest is None:
        digest = str(statement.artifacts[0].digests[0])
        notes.append("You named no --digest, so this is about the artifact the pack names; compare it with the one you have.")
    if environment is None:
        environment = statement.environment.name
        notes.append("You named no --environment, so this is about the one the pack names.")
    return digest, environment


def _print_report(report: PackReport, digest: str, notes: list[str]) -> None:
    say()
    for answer in answer_questions(report):
        say(f"{answer.question}  {plain(answer.words)}")
    say()
    say("Not checked:")
    for remark in report.not_checked:
        say(f"  - {plain(remark)}")
    for note in notes:
        say(f"  - {note}")
    say()
    say(f"VERIFIED  {plain(_verdict(report, digest))}")


def _verdict(report: PackReport, digest: str) -> str:
    people = " and ".join(f"{describe_person(item)}, level {item.level}" for item in report.approvals)
    name = next((item.name for item in report.artifacts if digest in map(str, item.digests)), "") or "the artifact"
    policy = f"policy {report.policy.id}, version {report.policy.version}, sha256:{report.policy.digest}"
    if report.expectations is not None:
        policy += (
            f" and the project's expectations, version {report.expectations['document']['version']}, sha256:{report.expectations['digest']}"
        )
    return (
        f"{name}, {digest}, was approved for {report.environment.name} by {people}, under {policy}; valid at {rfc3339(report.at)}. "
        "The log is not witnessed. Whether it was rejected, withdrawn or the key revoked, no pack can show: ask the portal's gate."
    )


def _print_refusal(refusal: Refusal, held: list[Step], as_json: bool) -> None:
    last = held[-1].number if held else 0
    if not as_json:
        if 0 < last < _LAST_PER_APPROVAL:
            say(f"{last + 1:>3}  NO  {TITLES[last + 1]}")
        say()
    say_refusal(refusal.code, refusal.reason, as_json=as_json, last_step=last)


def _as_document(report: PackReport, digest: str, notes: list[str]) -> dict[str, Any]:
    return {
        "result": "verified",
        "artifact": digest,
        "environment": {"id": report.environment.id, "name": report.environment.name},
        "at": rfc3339(report.at),
        "request": {"id": report.request.id, "revision": report.request.revision},
        "policy": {"id": report.policy.id, "version": report.policy.version, "digest": report.policy.digest},
        "expectations": report.expectations,
        "approvals": [
            {
                "issuer": item.issuer,
                "subject": item.subject,
                "username": item.username,
                "roles": list(item.roles),
                "level": item.level,
                "keyId": item.key_id or None,
                "signedInAt": item.signed_in_at or None,
                "checkedAt": rfc3339(item.checked_at),
                "notAfter": rfc3339(item.not_after),
                "record": item.record_digest,
                "logIndex": item.log_index,
                "keyRevokedAt": rfc3339(item.key_revoked_at) if item.key_revoked_at else None,
            }
            for item in report.approvals
        ],
        "evidence": [
            {
                "name": item.name,
                "sha256": item.digest,
                "result": item.result,
                "reason": item.reason,
                "signer": item.signer,
                "source": item.source,
            }
            for item in report.evidence
        ],
        "rules": list(report.rules),
        "questions": [{"question": item.question, "answer": item.words} for item in answer_questions(report)],
        "steps": [{"number": step.number, "title": step.title, "words": step.words} for step in report.steps],
        "witnessed": False,
        "notChecked": [*report.not_checked, *notes],
    }
