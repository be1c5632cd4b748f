"""Acceptance: are signer, builder, source and artifact of verified evidence the expected ones? Facts and expectations in, findings out.

The argument; what is not expected is not asked, and expectations that ask nothing accept nothing:

1. Artifact: a subject has the expected digest; every digest of it that is expected under the same algorithm is the same.
2. Signer: issuer and identity (or workflow, or key) are the expected ones, as certificate or key prove them.
3. Source: the repository, by its number where one is expected, as the certificate names it.
4. Ref: branch, tag, or the release line of a tag, as the certificate names it.
5. Builder: the certificate was issued to it, or to a runner that is it, or to a known delegator whose statement names it.
6. Runner: the class of machine the certificate names.
7. Inputs: everything listed as an input is one of those approved.
8. Nothing that was stated contradicts the certificate (`proofs.claims`), except a builder that step 5 explains, and what a signer who
   is expected by exact name says about things that are not expected: then it is a claim, shown as one, that nobody relies on.

Strings are compared exactly. A pattern must be written with both anchors, names one kind of ref, and is matched whole. What is missing is a no.
Not checked: signatures, which were verified before, and whether a claim is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proofs.claims import FAIL, HOSTED_RUNNER, PASS, REVIEW, ClaimFinding
from proofs.delegators import CONTRADICTED, DELEGATED, is_delegated_to
from proofs.digest import Digest, names_approved
from proofs.errors import Malformed
from proofs.provenance import MAX_INPUTS

_GITHUB = "https://token.actions.githubusercontent.com"
_PATTERN_LIMIT = 500
# Every ref begins with `refs/`; a pattern must say as well of which kind. What a quantifier follows is not there for certain.
_REF_KIND = re.compile(r"\^refs/[a-z-]+/(?![*+?{])")
# A repeated group, a backreference, or any extension of a group but the plainest.
_COSTLY = re.compile(r"\)[*+{]|\\[0-9]|\(\?(?!:)")
_QUANTIFIER = re.compile(r"[*+?{]")
# Each may multiply the work by the length of the ref.
_MOST_QUANTIFIERS, _MOST_OPEN = 5, 4
# Whoever may push chooses the ref. Hosts allow no longer names, and the dearest pattern costs a second at this length.
_LONGEST_REF = 255
# A number of a semantic version, which has no leading zero.
_NUMBER = "0|[1-9][0-9]*"
# Whoever expects one of these relies on what is said about the other as well.
_SOURCE_CHECKS = {"source", "ref", "inputs"}
_RELIED_ON = {"source": _SOURCE_CHECKS, "commit": _SOURCE_CHECKS, "ref": _SOURCE_CHECKS, "workflow": _SOURCE_CHECKS, "run": _SOURCE_CHECKS}


@dataclass(frozen=True, slots=True)
class Expectations:
    """What is expected of one item of evidence; what is None or empty is not asked.

    `identity` is the whole identity of a certificate, `workflow` the same without its ref, `key_id` a registered key's name.
    `versioned_tag` `v14` or `v14.2` asks for a tag of that release line, `v14.2.7` for that tag.
    """

    digests: tuple[Digest, ...] = ()
    artifact_name: str | None = None
    issuer: str | None = None
    identity: str | None = None
    workflow: str | None = None
    key_id: str | None = None
    source_repository: str | None = None
    source_repository_id: str | None = None
    source_owner_id: str | None = None
    branch: str | None = None
    tag: str | None = None
    versioned_tag: str | None = None
    ref_pattern: str | None = None
    builder: str | None = None
    runner: str | None = None
    approved_inputs: tuple[Digest, ...] = ()

    def __post_init__(self) -> None:
        if self.ref_pattern is not None:
            refuse_loose_pattern(self.ref_pattern)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The answer: accepted, or the code and sentence of the first finding that says no, and all findings."""

    accepted: bool
    code: str
    reason: str
    findings: tuple[ClaimFinding, ...]


def accept(facts: dict[str, Any], contradictions: Sequence[ClaimFinding], expected: Expectations) -> Acceptance:
    """Return whether verified facts meet the expectations. `contradictions` are the findings of `proofs.claims.check_claims`."""
    findings = list(_judge(facts, expected))
    if not findings:
        reason = "Nothing is expected of this evidence, and expectations that ask nothing accept nothing."
        return Acceptance(False, "expectation.none", reason, ())
    explained = expected.builder is not None and is_delegated_to(facts, expected.builder)
    asked = {finding.check for finding in findings}
    # 8. Contradictions.
    for finding in contradictions:
        if finding.code == DELEGATED and not explained:
            # Whoever does not expect that very builder takes no delegator's word for it.
            finding = replace(finding, outcome=FAIL, code=CONTRADICTED)
        if finding.outcome == FAIL and _is_unasked_claim(finding, asked, expected):
            finding = replace(finding, outcome=REVIEW, sentence=f"{finding.sentence} Its signer is expected by name; nothing else is.")
        findings.append(finding)
    failed = next((finding for finding in findings if finding.outcome == FAIL), None)
    if failed is not None:
        return Acceptance(False, failed.code, failed.sentence, tuple(findings))
    return Acceptance(True, "expectation.met", "Everything that is expected of this evidence holds.", tuple(findings))


def refuse_loose_pattern(pattern: str) -> None:
    """Return when a pattern says where it begins and ends, begins with one kind of ref and is cheap to match.

    Refuses with `expectation.pattern`. It is matched whole in any case.
    """
    anchored = pattern.startswith("^") and pattern.endswith("$") and not pattern.endswith("\\$") and len(pattern) <= _PATTERN_LIMIT
    if not anchored or "|" in pattern:
        raise Malformed("expectation.pattern", f"got the pattern {pattern[:80]!r}, expected one from ^ to $ without alternatives")
    if _REF_KIND.match(pattern) is None:
        raise Malformed(
            "expectation.pattern", f"got the pattern {pattern[:80]!r}, expected one that begins like ^refs/tags/ or ^refs/heads/"
        )
    quantifiers = len(_QUANTIFIER.findall(pattern.replace("(?:", "(")))
    is_open = sum(pattern.count(quantifier) for quantifier in "*+{")
    if _COSTLY.search(pattern) or quantifiers > _MOST_QUANTIFIERS or is_open > _MOST_OPEN:
        words = (
            f"expected no repeated group, no backreference, at most {_MOST_QUANTIFIERS} of * + ? {{ and at most {_MOST_OPEN} without the ?"
        )
        raise Malformed("expectation.pattern", f"got the pattern {pattern[:80]!r}, {words}")
    try:
        re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise Malformed("expectation.pattern", f"got a pattern that cannot be read ({error}), expected a regular expression") from error


def is_match(pattern: str, ref: str) -> bool:
    """Whether a whole ref matches a pattern that `refuse_loose_pattern` let through; classes such as `\\d` mean ASCII only, and no ref longer than hosts allow does."""
    return len(ref) <= _LONGEST_REF and re.fullmatch(pattern, ref, re.ASCII) is not None


def _is_unasked_claim(finding: ClaimFinding, asked: set[str], expected: Expectations) -> bool:
    pinned = expected.identity is not None and expected.issuer is not None
    return pinned and not asked & _RELIED_ON.get(finding.check, {finding.check})


def _judge(facts: dict[str, Any], expected: Expectations) -> Iterator[ClaimFinding]:
    signer = facts["signer"]
    # 1. Artifact.
    if expected.digests:
        yield _check_artifact(facts["subjects"], expected.digests)
    if expected.artifact_name is not None:
        named = any(subject["name"] == expected.artifact_name for subject in facts["subjects"])
        yield _finding("artifact", named, "artifact", f"the statement names {expected.artifact_name}")
    # 2. Signer.
    for code, wanted, proven in (
        ("issuer", expected.issuer, signer.get("issuer")),
        ("identity", expected.identity, signer.get("identity")),
        ("identity", expected.workflow, signer.get("workflow")),
        ("key", expected.key_id, signer.get("keyId")),
    ):
        if wanted is not None:
            yield _compare("signer", code, "the signer", wanted, proven)
    # 3. Source.
    for code, wanted, proven in (
        ("source", expected.source_repository, signer.get("sourceRepository")),
        ("source", expected.source_repository_id, signer.get("sourceRepositoryId")),
        ("source", expected.source_owner_id, signer.get("sourceOwnerId")),
    ):
        if wanted is not None:
            yield _compare("source", code, "the source repository", wanted, proven)
    # 4. Ref.
    yield from _judge_ref(signer.get("sourceRef"), expected)
    # 5. Builder.
    if expected.builder is not None:
        yield _check_builder(facts, expected.builder)
    # 6. Runner.
    if expected.runner is not None:
        yield _compare("runner", "runner", "the runner", expected.runner, signer.get("runnerEnvironment"))
    # 7. Inputs.
    if expected.approved_inputs:
        yield _check_inputs(facts["claims"].get("dependencies") or [], expected.approved_inputs)


def _check_artifact(subjects: list[dict[str, Any]], digests: tuple[Digest, ...]) -> ClaimFinding:
    wanted = {str(digest) for digest in digests}
    algorithms = {digest.algorithm for digest in digests}
    for subject in subjects:
        known = {digest for digest in subject["digests"] if digest.partition(":")[0] in algorithms}
        # Of several digests one may name the artifact and another something else: each that can be compared must be right.
        if known and known <= wanted:
            return _finding("artifact", True, "artifact", f"the statement is about {', '.join(sorted(known))}")
    return _finding("artifact", False, "artifact", f"the statement is about {', '.join(sorted(wanted))}")


def _judge_ref(proven: str | None, expected: Expectations) -> Iterator[ClaimFinding]:
    if expected.branch is not None:
        yield _compare("ref", "ref", "the source ref", f"refs/heads/{expected.branch}", proven)
    if expected.tag is not None:
        yield _compare("ref", "ref", "the source ref", f"refs/tags/{expected.tag}", proven)
    if expected.versioned_tag is not None:
        holds = proven is not None and is_of_release_line(proven.removeprefix("refs/tags/"), expected.versioned_tag)
        holds = holds and proven is not None and proven.startswith("refs/tags/")
        yield _finding("ref", holds, "ref", f"the source ref {proven} is a tag of the line {expected.versioned_tag}")
    if expected.ref_pattern is not None:
        holds = proven is not None and is_match(expected.ref_pattern, proven)
        yield _finding("ref", holds, "ref", f"the source ref {proven} matches {expected.ref_pattern}")


def is_of_release_line(tag: str, line: str) -> bool:
    """Whether a semantic version tag is in a release line: `v14` takes any `v14.x.y`, `v14.2` any `v14.2.y`, `v14.2.1` itself.

    A pre-release is in no line but its own, and so is a tag whose numbers have leading zeros.
    """
    if tag == line:
        return True
    release = re.fullmatch(rf"v({_NUMBER})(?:\.({_NUMBER}))?(?:\.({_NUMBER}))?", tag)
    wanted = re.fullmatch(rf"v({_NUMBER})(?:\.({_NUMBER}))?", line)
    if release is None or wanted is None:
        return False
    # A tag `v14` is the release 14.0.0.
    return all(want is None or int(want) == int(got or 0) for want, got in zip(wanted.groups(), release.groups(), strict=False))


def _check_builder(facts: dict[str, Any], wanted: str) -> ClaimFinding:
    signer = facts["signer"]
    # People write a release's tag short.
    whole = re.sub(r"@(v[0-9][^@/]*)\Z", r"@refs/tags/\1", wanted)
    if wanted == signer.get("workflow") or whole == signer.get("identity"):
        return _finding("builder", True, "builder", f"the certificate was issued to the builder {wanted}")
    runner = signer.get("runnerEnvironment")
    if signer.get("issuer") == _GITHUB and runner is not None and wanted == f"{HOSTED_RUNNER}{runner}":
        return _finding("builder", True, "builder", f"the certificate names the runner {wanted}")
    if is_delegated_to(facts, wanted):
        return _finding("builder", True, "builder", f"a known delegator signed for the builder {wanted}")
    issued_to = signer.get("identity") or signer.get("keyId")
    return _finding("builder", False, "builder", f"the builder is {wanted}; what signed is {issued_to}")


def _check_inputs(dependencies: list[dict[str, Any]], approved: tuple[Digest, ...]) -> ClaimFinding:
    wanted = {str(digest) for digest in approved}
    strangers = [item for item in dependencies if not names_approved(item.get("digests") or (), wanted)]
    # Earlier verifiers cut longer lists short.
    holds = bool(dependencies) and not strangers and len(dependencies) <= MAX_INPUTS
    first = strangers[0].get("uri") or "one without a name we can read" if strangers else "none is listed"
    return _finding("inputs", holds, "inputs", f"every listed input is an approved one (first that is not: {first})")


def _compare(check: str, code: str, what: str, wanted: str, proven: object) -> ClaimFinding:
    holds = isinstance(proven, str) and proven == wanted
    return _finding(check, holds, code, f"{what} is {wanted} (proven: {proven})")


def _finding(check: str, holds: bool, code: str, claim: str) -> ClaimFinding:
    sentence = f"As expected, {claim}." if holds else f"Not as expected: it does not hold that {claim}."
    return ClaimFinding(check, PASS if holds else FAIL, f"expectation.{code}", sentence)
