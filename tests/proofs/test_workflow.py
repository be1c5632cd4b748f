"""A workflow's identity comes apart in exactly one way, or not at all."""

from __future__ import annotations

import pytest

from proofs.workflow import split_workflow
from tests.proofs.factory import WORKFLOW

COMMIT = "c0ffee" + "0" * 34


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/tags/v1.2.0", COMMIT, "ab" * 32])
def test_the_file_and_the_ref(ref: str) -> None:
    assert split_workflow(f"{WORKFLOW}@{ref}") == (WORKFLOW, ref)


@pytest.mark.parametrize(
    "identity",
    [
        WORKFLOW,
        f"{WORKFLOW}@",
        f"{WORKFLOW}@main",
        f"{WORKFLOW}@refs/",
        f"{WORKFLOW}@{COMMIT[:-1]}",
        f"{WORKFLOW}@{COMMIT.upper()}",
        f"{WORKFLOW}@x.yml@refs/heads/main",
        f"{WORKFLOW}@refs/x.yml@refs/heads/main",
        f"{WORKFLOW}@refs/heads/x@y",
        f"https://x@github.com/acme/payments/release.yml@{COMMIT}",
        "ci@refs/heads/main",
        "alice@acme.example",
        "",
    ],
)
def test_anything_else_is_nobodys_workflow(identity: str) -> None:
    assert split_workflow(identity) == (None, None)
