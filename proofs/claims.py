"""What the signer said, held against what the certificate proves: each check compares one kind of claim and never refuses.

A valid signature makes a statement authentic, not true: anyone with a certificate can sign a provenance that names somebody
else's builder. These checks find that. A claim can be stated in several places; each of them is compared, and one contradiction is
enough. A claim that is there and cannot be read is a contradiction too: somebody else may be able to read it. These checks read facts
only; whether builder and source are the wanted ones is policy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from proofs.delegators import is_delegator
from proofs.repository import DIFFERENT, SAME, UNCLEAR, WITHIN, compare_repositories
from proofs.workflow import split_workflow

PASS, FAIL, REVIEW, NOT_APPLICABLE = "pass", "fail", "review", "not_applicable"
HOSTED_RUNNER = "https://github.com/actions/runner/"
_GITHUB_ISSUER = "https://token.actions.githubusercontent.com"

_RUN = re.compile(r"(.+)/actions/runs/([0-9]+)(?:/attempts/([0-9]+))?")
_JOB = re.compile(r".+/-/jobs/([0-9]+)")
_RUN_NUMBER = re.compile(r"([0-9]+)-([0-9]+)")
# Every spelling of a provenance type that somebody could take for one we read.
_PROVENANCE_LIKE = re.compile(r"\s*(?:https?:)?/*(?:www\.)?slsa\.dev(?::[0-9]*)?/+provenance.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ClaimFinding:
    """One check's answer. `code` is stable, `sentence` is for people."""

    check: str
    outcome: str
    code: str
    sentence: str


def check_claims(facts: dict[str, Any]) -> tuple[ClaimFinding, ...]:
    """Return one finding per check, or a single one where there is nothing to compare."""
    predicate_type = facts["predicateType"]
    if not facts["claims"]["understood"]:
        if _PROVENANCE_LIKE.fullmatch(unquote(predicate_type)):
            sentence = f"This says it is provenance, of the type {predicate_type} that we do not read, so nothing in it was compared."
            return (_finding("predicate", REVIEW, "provenance_not_read", sentence),)
        return (_finding("predicate", NOT_APPLICABLE, "not_understood", f"We do not read what {predicate_type} says about its origin."),)
    if facts["signer"]["kind"] != "certificate":
        sentence = "A key signed this, so no certificate speaks about builder and source."
        return (_finding("predicate", NOT_APPLICABLE, "no_certificate", sentence),)
    return tuple(check(facts["signer"], facts["claims"]) for check in CHECKS)


def check_builder(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare every builder id with the identity the certificate was issued to, or with its runner environment."""
    findings = [
        _unreadable("builder", "the builder", at) if said is None else _judge_builder(signer, at, said)
        for at, said in _stated(claims, "builder")
    ]
    return _worst(findings) or _finding("builder", REVIEW, "builder_not_stated", "The provenance names no builder.")


def check_source_repository(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare every repository named as the source with the one in the certificate; without any, look at the inputs."""
    what, proven = "the source repository", signer["sourceRepository"]
    findings = [_compare("source", what, at, said, proven, relation=_relation(said, proven)) for at, said in _stated(claims, "source")]
    named = any(said is not None for _, said in _stated(claims, "source"))
    if not named and proven is not None:
        for item in claims["inputs"]:
            relation = compare_repositories(item["uri"], proven)
            if relation == SAME:
                findings.append(_compare("source", what, item["at"], item["repository"], proven, relation=SAME))
            elif item["isGit"] or item["commits"]:
                sentence = f"The statement names no source, and lists {item['uri']} ({item['at']}); the certificate says {proven}."
                findings.append(_finding("source", REVIEW, "source_unclear", sentence))
    return _worst(findings) or _not_stated("source", what)


def check_source_commit(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare every commit of the source with the one in the certificate, those of inputs from the same repository among them."""
    what, proven = "the source commit", signer["sourceCommit"]
    findings = [_compare("commit", what, at, said, proven) for at, said in _stated(claims, "commit")]
    for item, relation in _source_inputs(signer, claims):
        for commit in item["commits"]:
            finding = _compare("commit", what, item["at"], commit, proven)
            findings.append(finding if relation == SAME else _unsure(finding, item))
    return _worst(findings) or _not_stated("commit", what)


def check_source_ref(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare every branch or tag with the one in the certificate, those of inputs from the same repository among them."""
    what, proven = "the source ref", signer["sourceRef"]
    findings = [_compare("ref", what, at, said, proven, relation=_ref_relation(said, proven)) for at, said in _stated(claims, "ref")]
    for item, relation in _source_inputs(signer, claims):
        if item["ref"] is not None:
            finding = _compare("ref", what, item["at"], item["ref"], proven, relation=_ref_relation(item["ref"], proven))
            findings.append(finding if relation == SAME else _unsure(finding, item))
    return _worst(findings) or _not_stated("ref", what)


def check_workflow(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare every workflow file with the one that started the build, as the certificate names it."""
    what, repository = "the workflow file", signer["sourceRepository"]
    file, ref = split_workflow(signer["buildConfig"] or "")
    path = file.removeprefix(f"{repository}/") if file and repository and file.startswith(f"{repository}/") else None
    findings = []
    for at, said in _stated(claims, "workflow"):
        if said is not None and at.endswith(".entryPoint") and ".github/workflows/" not in unquote(said).lower():
            # An entry point is a file for some builders, and a target or a job for others.
            continue
        name = "/".join((repository or "").split("/")[3:])
        spellings = (path, f"{name}/{path}", f"{path}@{ref}", f"{name}/{path}@{ref}", file, signer["buildConfig"])
        relation = SAME if path and said in spellings else DIFFERENT
        findings.append(_compare("workflow", what, at, said, path, relation=relation))
    return _worst(findings) or _not_stated("workflow", what)


def check_run(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare every invocation with the run in the certificate, where the invocation names a run at all."""
    findings = [
        _unreadable("run", "the run", at) if said is None else _judge_run(at, said, signer["runUrl"]) for at, said in _stated(claims, "run")
    ]
    return _worst(findings) or _not_stated("run", "the run")


def check_trigger(signer: dict[str, Any], claims: dict[str, Any]) -> ClaimFinding:
    """Compare the triggering events; a difference needs a look and proves no lie, because builders name events differently."""
    findings = [_compare("trigger", "the trigger", at, said, signer["trigger"]) for at, said in _stated(claims, "trigger")]
    return _worst(replace(finding, outcome=REVIEW) if finding.outcome == FAIL else finding for finding in findings) or _not_stated(
        "trigger", "the trigger"
    )


CHECKS: tuple[Callable[[dict[str, Any], dict[str, Any]], ClaimFinding], ...] = (
    check_builder,
    check_source_repository,
    check_source_commit,
    check_source_ref,
    check_workflow,
    check_run,
    check_trigger,
)


def _judge_builder(signer: dict[str, Any], at: str, said: str) -> ClaimFinding:
    identity, repository = signer["identity"], signer["sourceRepository"]
    if said in (identity, signer["workflow"]):
        return _finding("builder", PASS, "builder", f"The certificate was issued to the builder that is named, {said}.")
    issued_to = identity
    if said == HOSTED_RUNNER.rstrip("/") and signer["runnerEnvironment"] is not None and signer["issuer"] == _GITHUB_ISSUER:
        return _finding("builder", PASS, "builder", f"The certificate confirms that a runner of this kind was the builder, {said}.")
    if said.startswith(HOSTED_RUNNER):
        environment = signer["runnerEnvironment"]
        if said.removeprefix(HOSTED_RUNNER) == environment:
            return _finding("builder", PASS, "builder", f"The certificate confirms the runner that is named, {said}.")
        issued_to = f"a build on the runner {environment}"
    if repository and re.fullmatch(re.escape(repository) + r"/-/runners/[0-9]+", said):
        # GitLab names the runner as builder; the certificate proves the project, not which of its runners it was.
        sentence = f"The certificate confirms the project {repository}, not the runner {said}."
        return _finding("builder", REVIEW, "builder_unconfirmed", sentence)
    if is_delegator(str(signer["issuer"]), signer["workflow"], signer.get("ref")):
        sentence = (
            f"The known delegator {identity} signed for the builder {said}, which counts only where that builder is expected by name."
        )
        return _finding("builder", REVIEW, "delegated", sentence)
    sentence = f"The statement says it was built by {said} ({at}), but the certificate was issued to {issued_to}."
    return _finding("builder", FAIL, "builder", sentence)


def _judge_run(at: str, said: str, proven: str | None) -> ClaimFinding:
    names_run = "/actions/runs/" in unquote(said).lower() or "/-/jobs/" in unquote(said).lower()
    if proven is None:
        return _compare("run", "the run", at, said, None) if names_run else _not_stated("run", "the run")
    run, stated_run, job, number = _RUN.fullmatch(proven), _RUN.fullmatch(said), _JOB.fullmatch(proven), _RUN_NUMBER.fullmatch(said)
    if said == proven:
        relation = SAME
    elif run and stated_run:
        same_ids = stated_run[2] == run[2] and stated_run[3] in (None, run[3])
        relation = compare_repositories(stated_run[1], run[1]) if same_ids else DIFFERENT
    elif names_run:
        relation = DIFFERENT
    elif run and number:
        relation = SAME if (number[1], number[2]) == (run[2], run[3] or "1") else DIFFERENT
    elif said.isdecimal():
        # A bare number counts runs for some, and attempts or jobs for others.
        relation = SAME if said in ((run and run[2]), (job and job[1])) else UNCLEAR
    elif _host(said) and _host(said) == _host(proven):
        relation = UNCLEAR
    else:
        sentence = "The invocation id is not the address of a run, so there is nothing to compare."
        return _finding("run", NOT_APPLICABLE, "run_not_stated", sentence)
    return _compare("run", "the run", at, said, proven, relation=relation)


def _source_inputs(signer: dict[str, Any], claims: dict[str, Any]) -> Iterable[tuple[dict[str, Any], str]]:
    """Yield the inputs that are the source, or may be, with how sure that is."""
    sources = {signer["sourceRepository"], *(said for _, said in _stated(claims, "source"))} - {None}
    for item in claims["inputs"]:
        relations = {compare_repositories(item["uri"], source) for source in sources}
        if SAME in relations:
            yield item, SAME
        elif UNCLEAR in relations or (WITHIN in relations and item["isGit"]):
            yield item, UNCLEAR


def _stated(claims: dict[str, Any], claim: str) -> list[tuple[str, str | None]]:
    return [(item["at"], item["value"]) for item in claims["stated"] if item["claim"] == claim]


def _relation(said: str | None, proven: str | None) -> str:
    relation = compare_repositories(said, proven) if said and proven else DIFFERENT
    return DIFFERENT if relation == WITHIN else relation


def _ref_relation(said: str | None, proven: str | None) -> str:
    if said == proven:
        return SAME
    # A short name does not say whether it is a branch or a tag.
    return UNCLEAR if said and proven in (f"refs/heads/{said}", f"refs/tags/{said}") else DIFFERENT


def _compare(check: str, what: str, at: str, said: str | None, proven: str | None, *, relation: str | None = None) -> ClaimFinding:
    if said is None:
        return _unreadable(check, what, at)
    if proven is None:
        sentence = f"The statement names {what} {said} ({at}), and the certificate does not confirm it."
        return _finding(check, REVIEW, f"{check}_unconfirmed", sentence)
    relation = relation or (SAME if said == proven else DIFFERENT)
    if relation == SAME:
        return _finding(check, PASS, check, f"Statement and certificate name the same for {what}: {proven}.")
    sentence = f"The statement says {what} is {said} ({at}), but the certificate says {proven}"
    if relation == DIFFERENT:
        return _finding(check, FAIL, check, f"{sentence}.")
    return _finding(check, REVIEW, f"{check}_unclear", f"{sentence}; whether these are the same is not certain.")


def _unsure(finding: ClaimFinding, item: dict[str, Any]) -> ClaimFinding:
    """Return the finding for an input that may or may not be the source: it neither proves nor contradicts anything."""
    check = finding.check
    if finding.outcome == PASS:
        return finding
    sentence = f"{finding.sentence.rstrip('.')}; whether {item['uri']} is the source is not certain."
    return _finding(check, REVIEW, f"{check}_unclear", sentence)


def _unreadable(check: str, what: str, at: str) -> ClaimFinding:
    return _finding(check, FAIL, "unreadable", f"The statement says something about {what} ({at}) that is not plain text we can read.")


def _not_stated(check: str, what: str) -> ClaimFinding:
    return _finding(check, NOT_APPLICABLE, f"{check}_not_stated", f"The statement does not name {what}.")


def _worst(findings: Iterable[ClaimFinding]) -> ClaimFinding | None:
    """Return the first finding of the worst outcome; None without any."""
    order = (FAIL, REVIEW, PASS, NOT_APPLICABLE)
    return min(findings, key=lambda finding: order.index(finding.outcome), default=None)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _finding(check: str, outcome: str, code: str, sentence: str) -> ClaimFinding:
    return ClaimFinding(check, outcome, f"claims.{code}", sentence)
