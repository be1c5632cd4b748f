"""The argument in words: the same numbers, and every code it can refuse with, stand in `docs/verification.md`."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

from countersign import find_trust, read_pack
from proofs import tlog_proof
from proofs.approval import (
    attestation,
    enrollment,
    human_approval,
    introduction,
    key_binding,
    passkey,
    record,
    request_document,
    review_snapshot,
    sshsig,
    step_up,
)
from proofs.pack import (
    build,
    check_copies,
    check_documents,
    check_evidence,
    check_policy,
    check_record,
    check_sign_in,
    check_signer,
    layout,
    trust,
    verify,
    weigh_enrollment,
)
from proofs.policy import document as policy_document

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "verification.md").read_text()
OF_PACKS = DOCUMENT[DOCUMENT.index("## A passkey's answer") :]
CODE = re.compile(r'"([a-z_]+\.[a-z_]+)"')
# Dotted names in quotes that are no codes.
NAMES = {name for name in vars(layout).values() if isinstance(name, str)} | {
    "webauthn.get",
    "webauthn.create",
    *record.CHECKS,
    *record.SIGN_IN_CHECKS,
    *record.PERSON_CHECKS,
    # The path of a field, not a code.
    "policy.rules",
}
MODULES = [
    attestation,
    introduction,
    key_binding,
    weigh_enrollment,
    build,
    check_copies,
    check_documents,
    check_evidence,
    check_policy,
    check_record,
    check_sign_in,
    check_signer,
    enrollment,
    find_trust,
    human_approval,
    verify,
    layout,
    passkey,
    policy_document,
    read_pack,
    record,
    request_document,
    review_snapshot,
    sshsig,
    step_up,
    tlog_proof,
    trust,
]


def steps_in_words(text: str) -> list[str]:
    return re.findall(r"^ {0,1}(\d+)\. ", text, re.MULTILINE)


def test_the_numbers_are_the_same_in_code_and_document() -> None:
    numbers = [str(number) for number in sorted(verify.TITLES)]
    assert steps_in_words(verify.__doc__ or "") == numbers
    table = DOCUMENT[DOCUMENT.index("## A pack (") :]
    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == numbers
    passkey_table = OF_PACKS[: OF_PACKS.index("\n## ")]
    assert re.findall(r"^\| (\d+) \|", passkey_table, re.MULTILINE) == steps_in_words(passkey.__doc__ or "")


def test_every_step_is_numbered_at_its_block() -> None:
    numbered = Counter(re.findall(r"^ +# (\d+)", inspect.getsource(verify), re.MULTILINE))
    held = re.findall(r"steps\.hold\(\s*(\d+),", inspect.getsource(verify))
    assert sorted(map(int, held)) == sorted(verify.TITLES)
    assert set(held) <= set(numbered)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_code_is_in_the_document(module: object) -> None:
    codes = set(CODE.findall(inspect.getsource(module))) - NAMES  # type: ignore[arg-type]
    missing = {code for code in codes if f"`{code}`" not in OF_PACKS and f"`{code.partition('.')[0]}.*`" not in OF_PACKS}
    assert not missing
