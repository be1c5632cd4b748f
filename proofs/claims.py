"""What the signer said, held against what the certificate proves: each check compares one pair and never refuses.

A valid signature makes a statement authentic, not true: anyone with a certificate can sign a provenance that names somebody
else's builder. These checks find that. They read facts only; whether builder and source are the wanted ones is policy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PASS, FAIL, REVIEW, NOT_APPLICABLE = "pass", "fail", "review", "not_applicable"
HOSTED_RUNNER = "https://github.com/actions/runner/"

_RUN_PATH = re.compile(r"/actions/runs/(\d+)(?:/attempts/(\d+))?$")
_RUN_NUMBER = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class ClaimFinding:
    """One check's answer. `code` is stable, `sentence` is for people."""

    check: str
    outcome: str
    code: str
    sentence: str


def check_claims(facts: dict[str, Any]) -> tuple[ClaimFinding, ...]:
    """Return one finding per check, or a single "not applicable" where there is nothing to compare."""
    if not facts["claims"]["understood"]:
        return (
            _finding("predicate", NOT_APPLICABLE, "not_understood", f"We do not read what {facts['predicateType']} says about its origin."),
        )
    if facts["signer"]["kind"] != "certificate":
        return (
            _finding(
                "predicate", NOT_APPLICABLE, "no_certificate", "A key signed this, so no certificate speaks about builder and source."
            ),
        )
    return tuple(check(facts["signer"], facts["claims"]) for check in CHECKS)


def check_builder(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare builder.id with the identity the certificate was issued to, or with its runner environment."""
    said, identity = claims["builderId"], signer["identity"]
    if said is None:
        return _finding("builder", REVIEW, "builder_not_stated", "The provenance names no builder.")
    if said in (identity, signer["workflow"]):
        return _finding("builder", PASS, "builder", f"The certificate was issued to the builder that is named, {said}.")
    if said.startswith(HOSTED_RUNNER):
        if said.removeprefix(HOSTED_RUNNER) == signer["runnerEnvironment"]:
            return _finding("builder", PASS, "builder", f"The certificate confirms the runner that is named, {said}.")
        sentence = (
            f"The statement says it was built by {said}, but the certificate was issued for the runner {signer['runnerEnvironment']}."
        )
        return _finding("builder", FAIL, "builder", sentence)
    repository = signer["sourceRepository"]
    if repository and re.fullmatch(re.escape(repository) + r"/-/runners/\d+", said):
        # GitLab names the runner as builder; the certificate proves the project, not which of its runners it was.
        return _finding(
            "builder", REVIEW, "builder_unconfirmed", f"The certificate confirms the project {repository}, not the runner {said}."
        )
    return _finding("builder", FAIL, "builder", f"The statement says it was built by {said}, but the certificate was issued to {identity}.")


def check_source_repository(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare the repository the statement was built from with the one in the certificate."""
    return _compare("source", "the source repository", claims["sourceRepository"], signer["sourceRepository"])


def check_source_commit(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare the commit of the source with the one in the certificate; several commits of one source need a look."""
    stated, proven = claims["sourceCommits"], signer["sourceCommit"]
    if len(stated) > 1 and proven in stated:
        return _finding(
            "commit", REVIEW, "commit_ambiguous", f"The statement names {len(stated)} commits of its source, among them {proven}."
        )
    return _compare("commit", "the source commit", stated[0] if stated else None, proven)


def check_source_ref(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare the branch or tag with the one in the certificate."""
    return _compare("ref", "the source ref", claims["sourceRef"], signer["sourceRef"])


def check_run(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare the invocation with the run URL in the certificate, where the invocation names a run at all."""
    said, proven = claims["invocationId"], signer["runUrl"]
    run = _RUN_PATH.search(proven or "")
    if said is None or run is None:
        return _compare("run", "the run", None, proven)
    number = _RUN_NUMBER.fullmatch(said)
    if number is not None:
        proven = "-".join(part or "1" for part in run.groups())
    elif said == (proven or "").partition("/attempts/")[0]:
        proven = said
    elif _RUN_PATH.search(said) is None:
        return _finding(
            "run", NOT_APPLICABLE, "run_not_stated", "The invocation id is not the address of a run, so there is nothing to compare."
        )
    return _compare("run", "the run", said, proven)


def check_trigger(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare the triggering event; a difference needs a look and proves no lie, because builders name events differently."""
    finding = _compare("trigger", "the trigger", claims["trigger"], signer["trigger"])
    return finding if finding.outcome != FAIL else ClaimFinding(finding.check, REVIEW, finding.code, finding.sentence)


CHECKS: tuple[Callable[[dict[str, Any], dict[str, Any]], ClaimFinding], ...] = (
    check_builder,
    check_source_repository,
    check_source_commit,
    check_source_ref,
    check_run,
    check_trigger,
)


def _compare(check: str, what: str, said: str | None, proven: str | None) -> ClaimFinding:
    if said is None:
        return _finding(check, NOT_APPLICABLE, f"{check}_not_stated", f"The statement does not name {what}.")
    if proven is None:
        return _finding(
            check, REVIEW, f"{check}_unconfirmed", f"The statement names {what} {said}, and the certificate does not confirm it."
        )
    if said == proven:
        return _finding(check, PASS, check, f"Statement and certificate name the same for {what}: {proven}.")
    return _finding(check, FAIL, check, f"The statement says {what} is {said}, but the certificate says {proven}.")


def _finding(check: str, outcome: str, code: str, sentence: str) -> ClaimFinding:
    return ClaimFinding(check, outcome, f"claims.{code}", sentence)
