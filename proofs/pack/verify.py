"""Verify a pack: was this artifact validly approved for this environment, by whom, on what evidence?

The numbered argument. Every step must hold, the first that does not refuses; the same numbers stand at the blocks below, in
`docs/verification.md` (with the codes) and in the names of the tests.

 1. There is something to trust, and it did not come with the pack.
 2. The pack holds exactly the files its index lists, each with its digest.
 3. The portal signed each record: one signature, by a recorder key that counted then.
 4. Each record is in the ledger: signed tree head, leaf rebuilt from the record, inclusion.
 5. The statement in the record is canonical and complete.
 6. The record says nothing else than the statement.
 7. The key that signed was enrolled for this person, a human, to approve, and the pack knows of no revocation before; a person who signed
    in instead is the one the statement names, at their identity provider.
 8. The passkey signed exactly this statement, on the portal's page, with the person verified; a sign-in was for exactly this statement.
 9. The level of assurance is computed, and the record claims no other.
10. The copies for other tools and the words for people restate this statement and this signature.
11. The ledger extends the head that the person signed, and the times follow one another.
12. The decision is: approve.
13. It is for this environment.
14. It is about this artifact.
15. It was valid, and its signature checked, at the one moment asked about; without one, when the last signature was checked.
16. The policy is the one the person signed for (and the one asked for), and the validity keeps to it.
17. All evidence the person was shown is here, unaltered, and nothing else.
18. The evidence verifies again to the verdicts the person was shown.
19. The policy, evaluated again on that, gives the result the person was shown: pass. Rules about the
    clock are judged at the one moment asked about.
20. Nobody approved who had to stay out of it.
21. Snapshot and request are the ones the person signed for, and say what the statement says, its words to the person included.
22. Enough different people approved, in roles they hold where the request is, all answering the same question; what the portal said of
    it for other tools, where that is in the pack, follows from them.

Not checked: witnesses and revocation status (no step needs the network), and what `proofs.pack.report` lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from proofs.approval.approval_parts import HumanApproval
from proofs.approval.assurance_words import describe_signature, describe_vouching
from proofs.approval.human_approval import is_environment, parse_human_approval
from proofs.approval.record import Record, TokenReference
from proofs.approval.signed_parts import PASSKEY
from proofs.digest import Digest, parse_digest, sha256_hex
from proofs.errors import Unproven
from proofs.evidence import TrustMaterial
from proofs.moment import rfc3339
from proofs.pack.check_copies import check_trust_copy, check_words
from proofs.pack.check_delegations import LoggedApproval, check_delegations
from proofs.pack.check_documents import check_documents
from proofs.pack.check_evidence import check_evidence_again, check_evidence_set
from proofs.pack.check_outcome import check_outcomes
from proofs.pack.check_policy import (
    check_clock,
    check_count,
    check_expectations_named,
    check_policy_document,
    check_policy_result,
    check_roles,
    check_same_question,
    check_separation,
)
from proofs.pack.check_record import OpenedRecord, check_copies, check_ledger, check_mirror, check_times, open_record
from proofs.pack.check_sign_in import ProvenSignIn, check_sign_in, check_sign_in_level, check_sign_in_named, check_token_files
from proofs.pack.check_signer import Signer, check_assertion, check_level, check_signer, check_signer_files, weigh_signer
from proofs.pack.check_waivers import VerifyInner, check_waivers
from proofs.pack.layout import check_layout
from proofs.pack.report import PackReport, Step, VerifiedApproval, VerifiedItem, describe_item, describe_person, everything_not_checked
from proofs.pack.trust import Trust
from proofs.policy.approved_in_rule import describe_taken_facts
from proofs.policy.condition_rule import NOT_EVALUATED
from proofs.policy.evaluate import CountedApproval, Policy
from proofs.policy.reading import part_of

Follow = Callable[[Step], None]

TITLES = {
    1: "What we trust",
    2: "The files",
    3: "The portal's records",
    4: "The ledger",
    5: "The statements",
    6: "Record and statement agree",
    7: "The signing keys",
    8: "The people's signatures",
    9: "Levels of assurance",
    10: "Copies for other tools",
    11: "Order of times",
    12: "The decision",
    13: "The environment",
    14: "The artifact",
    15: "Validity",
    16: "The policy",
    17: "The evidence is complete",
    18: "The evidence, verified again",
    19: "The policy, evaluated again",
    20: "Separation of duties",
    21: "Snapshot and request",
    22: "Enough people approved",
}


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of the pack, and what is trusted. `is_named` says whether whoever asks named the moment."""

    trust: Trust
    material: TrustMaterial
    digest: Digest
    environment: str
    moment: datetime
    is_named: bool
    policy: Digest | None
    expectations: Digest | None
    accept_unevaluated: bool


@dataclass(frozen=True, slots=True)
class _Signed:
    """An approval after steps 3 to 11: a person's signature over a statement, recorded and logged."""

    folder: str
    opened: OpenedRecord
    approval: HumanApproval
    person: _Person
    log_size: int
    # The roles somebody delegated; None where the approver answers for themselves.
    lent: tuple[str, ...] | None = None

    @property
    def signer(self) -> Signer | None:
        """The enrolled key; None where the person answered without one."""
        return self.person.signer

    @property
    def sign_in(self) -> ProvenSignIn | None:
        """The sign-in in its place."""
        return self.person.sign_in


@dataclass(frozen=True, slots=True)
class _Answer:
    """An approval after steps 3 to 21."""

    signed: _Signed
    policy: Policy
    policy_input: dict[str, Any]
    rules: list[dict[str, Any]]
    evidence: tuple[VerifiedItem, ...]


class _Steps:
    """The steps that held so far, told to whoever follows along."""

    def __init__(self, follow: Follow | None) -> None:
        self.held: list[Step] = []
        self._follow = follow

    def hold(self, number: int, words: str) -> None:
        step = Step(number, TITLES[number], words)
        self.held.append(step)
        if self._follow is not None:
            self._follow(step)


def verify_pack(
    files: Mapping[str, bytes],
    *,
    trust: Trust,
    digest: str,
    environment: str,
    at: datetime | None,
    policy: str | None = None,
    expectations: str | None = None,
    accept_unevaluated: bool = False,
    follow: Follow | None = None,
) -> PackReport:
    """Return the report when every step of the argument holds for `digest` in `environment` (its name or its id).

    `at` is the one moment at which all approvals must be valid together; None means the latest moment at which the portal says it
    checked a signature. `policy` is the digest of the policy the reader expects; None takes the one the person signed for, whatever it
    demands, and `expectations` in the same way that of the project's expectations, for a policy that leaves it to them. With
    `accept_unevaluated` conditions that cannot be evaluated here are taken as the portal says. `follow` is told of every step as it comes to hold. Refuses with the code of the first step that does not
    (`docs/verification.md`).
    """
    steps = _Steps(follow)
    # 1
    material, asked, expected = trust.material(), parse_digest(digest), parse_digest(policy) if policy else None
    expected_of_project = parse_digest(expectations) if expectations else None
    steps.hold(1, f"The portal at {trust.origin} and its log {trust.log.origin}, as told from outside the pack.")
    # 2
    folders = check_layout(files)
    steps.hold(2, f"{len(files)} files, every one as the index lists it.")
    opened = {folder: open_record(files, folder, trust) for folder in folders}
    # Approvals that were never valid at one time must not be counted together, so there is one moment for all of them.
    moment = at or max(item.record.checked_at for item in opened.values())
    question = _Question(trust, material, asked, environment, moment, at is not None, expected, expected_of_project, accept_unevaluated)
    answers = [
        _check_content(files, _check_signature(files, folder, opened[folder], question, steps), question, steps) for folder in folders
    ]
    signed = [answer.signed for answer in answers]
    # 10, over all approvals together
    check_signer_files(files, [item.signer for item in signed if item.signer])
    check_token_files(files, _named_tokens(signed))
    check_words(files, [(item.folder, item.opened.record) for item in signed])
    remarks = check_trust_copy(files, used_recorders=[item.opened.recorder.key_id for item in signed], trust=trust)
    # 22
    check_same_question([item.approval for item in signed])
    for item in signed:
        check_roles(item.approval, answers[0].policy_input)
    answers = _with_lent_roles(files, answers, trust)
    people = [_as_counted(_as_approval(answer.signed)) for answer in answers]
    outcomes = check_count(answers[0].policy, answers[0].policy_input, people, [item.person.remark for item in signed])
    said = check_outcomes(
        files,
        payload=signed[0].opened.record.payload,
        people=len({(item.issuer, item.subject) for item in people}),
        policy=answers[0].policy.digest,
        records=[item.opened.digest for item in signed],
        trust=trust,
    )
    steps.hold(22, " ".join(str(outcome["sentence"]) for outcome in outcomes) + said)
    return _report(answers, outcomes, question, steps, remarks)


def _with_lent_roles(files: Mapping[str, bytes], answers: Sequence[_Answer], trust: Trust) -> list[_Answer]:
    logged = [LoggedApproval(answer.signed.approval, answer.signed.opened.bundle.proof.index) for answer in answers]
    lent = check_delegations(files, logged, policy=answers[0].policy, policy_input=answers[0].policy_input, trust=trust)
    return [replace(answer, signed=replace(answer.signed, lent=roles)) for answer, roles in zip(answers, lent, strict=True)]


def _as_counted(item: VerifiedApproval) -> CountedApproval:
    return CountedApproval(item.issuer, item.subject, item.roles, item.level, item.standing_in_for)


def _named_tokens(signed: Sequence[_Signed]) -> list[str]:
    by_keys = [item.signer.enrollment.binding for item in signed if item.signer]
    return [item.sign_in.reference.token for item in signed if item.sign_in] + [item.token_digest for item in by_keys if item]


def _check_signature(files: Mapping[str, bytes], folder: str, opened: OpenedRecord, question: _Question, steps: _Steps) -> _Signed:
    trust = question.trust
    # 3, refused by `open_record` for all approvals at once
    record = opened.record
    steps.hold(3, f"The portal's key {opened.recorder.key_id} signed the record.")
    # 4
    checkpoint = check_ledger(files, folder, opened, trust)
    steps.hold(4, f"Entry {opened.bundle.proof.index} of {checkpoint.size} in {checkpoint.origin} is this record.")
    # 5
    approval = parse_human_approval(record.payload)
    steps.hold(5, f"One statement, {len(record.payload)} bytes, in its only possible spelling.")
    # 6
    check_mirror(record, trust)
    steps.hold(6, "The record repeats what the statement says and adds nothing to it.")
    person = _check_person(files, record, approval, trust)
    # 7
    steps.hold(7, person.whose)
    # 8
    steps.hold(8, person.signed)
    # 9
    steps.hold(9, f"Level {person.level}: {person.sure}.")
    # 10
    check_copies(files, folder, record, person.signer.enrollment.key if person.signer else None)
    steps.hold(10, "The copies for other tools in the pack are the same statement and signature.")
    # 11
    check_times(files, folder, opened, approval, checkpoint)
    steps.hold(
        11,
        f"The ledger extends the head of {approval.ceremony.log_head.size} entries that was signed; checked at {rfc3339(record.checked_at)}.",
    )
    return _Signed(folder, opened, approval, person, checkpoint.size)


@dataclass(frozen=True, slots=True)
class _Person:
    """Steps 7 to 9: whose signature it is, what was signed and how sure that makes us, in words; and the key or the sign-in."""

    whose: str
    signed: str
    sure: str
    level: str
    words: str
    remark: str
    signer: Signer | None = None
    sign_in: ProvenSignIn | None = None


def _check_key(files: Mapping[str, bytes], record: Record, approval: HumanApproval, trust: Trust) -> _Person:
    # 7
    signer = check_signer(files, record, approval, trust)
    who = f"{approval.approver.subject} at {approval.approver.issuer}, a person"
    whose = f"The key {signer.enrollment.key_id} belongs to {who}, since {rfc3339(signer.enrollment.at)}{_how_it_came(signer)}."
    # 8
    verified = check_assertion(record, approval, signer, trust)
    signed = f"It signed exactly this statement at {verified.origin}; the authenticator verified the person."
    # 9
    weighed = weigh_signer(files, signer, trust)
    level = check_level(record, verified, signer, weighed)
    words = describe_signature(kind=PASSKEY, level=level)
    sure = f"{words}, {describe_vouching(level, signer.enrollment.issuer)}"
    remark = f"recorded as {record.assurance}, counted as {level}: {weighed.remark}" if weighed.remark else ""
    return _Person(whose, signed, f"{sure}; {remark}" if remark else sure, level, words, remark, signer=signer)


def _how_it_came(signer: Signer) -> str:
    if signer.is_introduced:
        return "; an older key of theirs signed for it"
    if signer.enrollment.introduced_by is not None:
        return "; the portal says that an older key of theirs signed for it, and the pack does not show it"
    if signer.enrollment.recovery is not None:
        agreed = len(signer.enrollment.recovery.officers)
        return f"; the portal says that every key before it was lost, and that {agreed} agreed to a new beginning"
    return ""


def _check_person(files: Mapping[str, bytes], record: Record, approval: HumanApproval, trust: Trust) -> _Person:
    if isinstance(record.signature, TokenReference):
        return _check_sign_in(files, record, approval, record.signature, trust)
    return _check_key(files, record, approval, trust)


def _check_sign_in(files: Mapping[str, bytes], record: Record, approval: HumanApproval, reference: TokenReference, trust: Trust) -> _Person:
    # 7
    check_sign_in_named(approval, reference)
    whose = f"No key: {approval.approver.subject}, a person, answers by signing in at {approval.approver.issuer}."
    # 8
    proven = check_sign_in(files, record, approval, reference, trust)
    signed = proven.remark or f"The sign-in there was for exactly this statement; its token is for {reference.audience} alone."
    # 9
    level = check_sign_in_level(record, proven)
    return _Person(whose, signed, proven.words, level, proven.words, proven.remark, sign_in=proven)


def _check_content(files: Mapping[str, bytes], signed: _Signed, question: _Question, steps: _Steps) -> _Answer:
    approval = signed.approval
    # 12
    if approval.decision != "approve":
        raise Unproven("approval.decision", f"the person decided {approval.decision!r}, expected approve")
    steps.hold(12, f"{_name_of(signed)} approved request {approval.request.id}, revision {approval.request.revision}.")
    # 13
    if not is_environment(question.environment, approval.environment):
        raise Unproven("scope.environment", f"the approval is for {approval.environment.name}, asked was {question.environment[:80]}")
    steps.hold(13, f"For {approval.environment.name}.")
    # 14
    named = next((item for item in approval.artifacts if question.digest in item.digests), None)
    if named is None:
        raise Unproven("scope.artifact", f"the approval does not name {question.digest}; it is about another artifact")
    steps.hold(14, f"About {named.name or 'an artifact'}, {question.digest}.")
    # 15
    _check_moment(signed, question)
    steps.hold(15, f"Valid at {rfc3339(question.moment)}, until {rfc3339(approval.validity.not_after)}.")
    # 16
    policy = check_policy_document(files, approval)
    if question.policy is not None and str(question.policy) != f"sha256:{policy.digest}":
        raise Unproven(
            "policy.unexpected", f"the person signed for policy {policy.id}, sha256:{policy.digest}, asked was {question.policy}"
        )
    steps.hold(16, f"{policy.title}: {policy.id}, version {policy.version}, sha256:{policy.digest}.")
    # 17
    items = check_evidence_set(files, approval)
    steps.hold(17, f"{len(items)} {'item' if len(items) == 1 else 'items'}, each with the verdict that was shown, and no other.")
    # 18
    assessments = check_evidence_again(files, items, question.material)
    steps.hold(18, "Every item gives the same verdict and the same facts when verified again.")
    # 19
    policy_input, result = check_policy_result(files, approval, policy, items, accept_unevaluated=question.accept_unevaluated)
    check_expectations_named(result, question.expectations)
    check_waivers(files, approval, policy_input, question.trust, moment=question.moment, verify=_inner(question))
    if question.is_named:
        check_clock(policy, policy_input, question.moment)
    steps.hold(
        19,
        " ".join(str(rule["sentence"]) for rule in result["rules"] if rule["outcome"] in ("pass", "waived"))
        or "Nothing but approvals was asked for.",
    )
    # 20
    check_separation(approval, policy, policy_input)
    steps.hold(20, f"{_name_of(signed)} was free to approve.")
    # 21
    check_documents(files, approval, policy, policy_input, items)
    steps.hold(21, "The page was drawn from this snapshot, about this request, and both say what the statement says.")
    described = tuple(
        describe_item(
            item.reference.name, item.reference.digest, assessment, identity=str(part_of(item.verdict, "identity").get("name") or "")
        )
        for item, assessment in zip(items, assessments, strict=True)
    )
    return _Answer(signed, policy, policy_input, result["rules"], described)


def _inner(question: _Question) -> VerifyInner:
    """Return how the pack of an exception is verified: by the same argument, at the moment its last signature was checked."""

    def verify(files: Mapping[str, bytes], digest: str, policy: str) -> PackReport:
        return verify_pack(files, trust=question.trust, digest=digest, environment=question.environment, at=None, policy=policy)

    return verify


def _check_moment(signed: _Signed, question: _Question) -> None:
    validity, checked_at, moment = signed.approval.validity, signed.opened.record.checked_at, question.moment
    if not validity.not_before <= moment <= validity.not_after:
        window = (
            f"{signed.approval.approver.username}'s approval is valid from {rfc3339(validity.not_before)} to {rfc3339(validity.not_after)}"
        )
        if not question.is_named:
            raise Unproven("validity.not_together", f"{window}, but the last signature was checked at {rfc3339(moment)}")
        raise Unproven("validity.window", f"{window}, asked was {rfc3339(moment)}")
    if checked_at > moment:
        reason = f"the signature was checked at {rfc3339(checked_at)}, so at {rfc3339(moment)} nobody had approved yet"
        raise Unproven("validity.not_yet_given", reason)


def _name_of(signed: _Signed) -> str:
    return describe_person(_as_approval(signed))


def _as_approval(signed: _Signed) -> VerifiedApproval:
    approval, record = signed.approval, signed.opened.record
    return VerifiedApproval(
        issuer=approval.approver.issuer,
        subject=approval.approver.subject,
        username=approval.approver.username,
        roles=tuple(role.name for role in approval.approver.roles) if signed.lent is None else signed.lent,
        level=signed.person.level,
        key_id=signed.signer.enrollment.key_id if signed.signer else "",
        checked_at=record.checked_at,
        not_before=approval.validity.not_before,
        not_after=approval.validity.not_after,
        justification=approval.justification,
        statement_digest=sha256_hex(record.payload),
        record_digest=signed.opened.digest,
        log_index=signed.opened.bundle.proof.index,
        log_size=signed.log_size,
        key_revoked_at=signed.signer.revoked_at if signed.signer else None,
        signed_in_at=signed.sign_in.reference.issuer if signed.sign_in else "",
        level_words=signed.person.words,
        standing_in_for=approval.standing_in_for.person if approval.standing_in_for else None,
    )


def _level_remark(signed: _Signed) -> str:
    remark = signed.person.remark
    return remark if signed.sign_in else f"{signed.approval.approver.username}'s approval was {remark}."


def _report(
    answers: Sequence[_Answer], outcomes: list[dict[str, Any]], question: _Question, steps: _Steps, remarks: tuple[str, ...]
) -> PackReport:
    first = answers[0]
    approval = first.signed.approval
    counted = {outcome["id"]: outcome for outcome in outcomes}
    remarks = (*(_level_remark(item.signed) for item in answers if item.signed.person.remark), *remarks)
    remarks += tuple(
        f"The condition {rule['id']} of the policy: {rule['sentence']}" for rule in first.rules if rule["code"] == NOT_EVALUATED
    )
    return PackReport(
        artifacts=approval.artifacts,
        environment=approval.environment,
        request=approval.request,
        policy=approval.policy,
        at=question.moment,
        log_origin=question.trust.log.origin,
        approvals=tuple(_as_approval(answer.signed) for answer in answers),
        evidence=first.evidence,
        rules=tuple(counted.get(rule["id"], rule) for rule in first.rules),
        steps=tuple(steps.held),
        not_checked=(*everything_not_checked(first.evidence), *remarks, *describe_taken_facts(first.policy_input)),
        expectations=first.policy_input.get("expectations"),
    )
