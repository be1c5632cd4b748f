"""Each step of an argument in `docs/verification.md` stands with its number at a block of code and in the name of a test."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "verification.md").read_text()
# "3.", "2. to 4.", "10. and 11.", "a." at the beginning of a comment.
AT_CODE = re.compile(r"# ([0-9]+|[a-f])\.(?: (to|and) ([0-9]+)\.)?")
IN_TEST = re.compile(r"(?:def test_|class Test(?:Step)?)([0-9]+|[A-F](?=[A-Z]))(?:(?:_to_|To)([0-9]+)|(?:_and_|And)([0-9]+))?")


@dataclass(frozen=True)
class Argument:
    """A section of the document by the words it begins with, its steps, and where its code and tests are."""

    section: str
    steps: tuple[str, ...]
    code: tuple[str, ...]
    tests: tuple[str, ...]


def numbered(last: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, last + 1))


SIGSTORE = tuple(f"proofs/sigstore/{name}.py" for name in ("bundle", "bundle_shape", "certificate", "log_entry", "log_body"))
ARGUMENTS = [
    Argument("## Sigstore bundles", numbered(11), SIGSTORE, ("tests/proofs/test_bundle.py",)),
    Argument("### Timestamps", tuple("abcdef"), ("proofs/sigstore/timestamp.py",), ("tests/proofs/test_timestamp.py",)),
    Argument("### Layers of older cosign", numbered(4), ("proofs/sigstore/cosign_layer.py",), ("tests/proofs/test_cosign_layer.py",)),
    Argument("| PEP 740", numbered(3), ("proofs/sigstore/pep740.py",), ("tests/proofs/test_packages.py",)),
    Argument("| npm's answer", numbered(5), ("proofs/packages/npm.py",), ("tests/proofs/test_packages.py",)),
    Argument("| Google Cloud Build", numbered(4), ("proofs/packages/gcb.py",), ("tests/proofs/test_packages.py",)),
    Argument("| SLSA verification summary", numbered(5), ("proofs/predicates/summary.py",), ("tests/proofs/test_predicates.py",)),
    Argument("## Acceptance", numbered(8), ("proofs/expectations.py",), ("tests/proofs/test_expectations.py",)),
    Argument("## Envelopes signed", numbered(4), ("proofs/evidence.py",), ("tests/proofs/test_evidence.py",)),
    Argument("## A file of many", numbered(4), ("proofs/collection/read.py",), ("tests/proofs/collection/test_read.py",)),
    Argument("## Was the path intact", numbered(8), ("proofs/path.py",), ("tests/proofs/test_path.py",)),
    Argument("## A sign-in in place of", numbered(7), ("proofs/approval/step_up.py",), ("tests/proofs/approval/test_step_up.py",)),
    Argument("## ID tokens", numbered(8), ("proofs/tokens/id_token.py",), ("tests/proofs/tokens/test_id_token.py",)),
    Argument(
        "## What an enrolment proves", numbered(6), ("proofs/approval/key_binding.py",), ("tests/proofs/approval/test_key_binding.py",)
    ),
    Argument("### Attestations", numbered(8), ("proofs/approval/attestation.py",), ("tests/proofs/approval/test_attestation.py",)),
    Argument(
        "## Workload tokens",
        numbered(9),
        ("proofs/tokens/compact.py", "identities/workload/judge.py", "identities/workload/exchange.py"),
        ("tests/identities/workload/test_judge.py", "tests/identities/workload/test_exchange.py"),
    ),
]


def numbers_in(files: tuple[str, ...], pattern: re.Pattern[str]) -> set[str]:
    """Every number, or letter, that the pattern finds; a span counts with all that is in it."""
    found: set[str] = set()
    for name in files:
        for match in pattern.finditer((ROOT / name).read_text()):
            first, *ends = match.groups()
            last = next((end for end in ends if end and end.isdecimal()), None)
            found |= {first.lower()} if last is None else {str(number) for number in range(int(first), int(last) + 1)}
    return found


@pytest.mark.parametrize("argument", ARGUMENTS, ids=lambda argument: argument.section)
def test_every_step_stands_at_a_block_of_code_and_in_a_tests_name(argument: Argument) -> None:
    assert DOCUMENT.count(argument.section) == 1
    missing = set(argument.steps) - numbers_in(argument.code, AT_CODE)
    assert not missing, f"no block of code is numbered {sorted(missing)}"
    untold = set(argument.steps) - numbers_in(argument.tests, IN_TEST)
    assert not untold, f"no test is named after {sorted(untold)}"


@pytest.mark.parametrize("argument", ARGUMENTS, ids=lambda argument: argument.section)
def test_the_document_states_exactly_these_steps(argument: Argument) -> None:
    text = DOCUMENT[DOCUMENT.index(argument.section) :]
    if argument.section.startswith("|"):
        stated = re.findall(r"(?:\| |; )([0-9]+) ", text.partition("\n")[0])
    elif argument.section == "## Acceptance":
        stated = list(argument.steps) if "in eight steps: artifact, signer, source, ref, builder, runner" in text else []
    else:
        own = re.split(r"\n##", text[2:])[0]
        stated = re.findall(r"^\| ([0-9]+|[a-f]) \|", own, re.MULTILINE)
    assert tuple(stated) == argument.steps
