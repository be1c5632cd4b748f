"""The parts of a human approval statement, as typed and frozen values.

What is in these values is on the review page, in the signed bytes, and nowhere else. They check nothing themselves;
`proofs.approval.human_approval` does, on the way to bytes and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from proofs.digest import Digest


@dataclass(frozen=True, slots=True)
class ApprovedArtifact:
    """One artifact the person decides about."""

    name: str
    digests: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class RequestReference:
    """The request and the revision of it; `digest` is the SHA-256 of the canonical request document."""

    id: str
    revision: int
    kind: str
    digest: str


@dataclass(frozen=True, slots=True)
class EnvironmentReference:
    """Where the artifacts may go. `name` is the environment's slug."""

    id: str
    name: str
    tier: int


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role the approver holds according to `source`, at `as_of`. `scope` is where: `team:<slug>` or `project:<slug>`."""

    name: str
    scope: str
    source: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Approver:
    """Who signs: `issuer` and `subject` are the identity, `username` is a label."""

    issuer: str
    subject: str
    username: str
    roles: tuple[HeldRole, ...]
    authenticated_by: str
    authenticated_at: datetime


@dataclass(frozen=True, slots=True)
class SignerReference:
    """Which key signs; `enrollment` is the SHA-256 of the enrolment statement's payload, `algorithm` the COSE number."""

    key_id: str
    algorithm: int
    enrollment: str


@dataclass(frozen=True, slots=True)
class SignInReference:
    """Who confirms without a key, and where: `subject` at the identity provider `issuer`, which answers the portal as `audience`."""

    issuer: str
    audience: str
    subject: str


@dataclass(frozen=True, slots=True)
class PolicyReference:
    """The policy, what it was evaluated on and what came out: three documents by SHA-256. `result` is pass or fail.

    `exceptions` are the waivers it was weighed with, by SHA-256, in the order of the policy input.
    """

    id: str
    version: str
    digest: str
    input_digest: str
    result_digest: str
    result: str
    engine_version: str
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceReference:
    """One evidence item the page listed: raw bytes and verdict document by SHA-256, and what the page said about it.

    `name` is a short name such as the predicate type, `signer` who signed it according to the verdict ("" when unknown).
    """

    name: str
    digest: str
    media_type: str
    verdict: str
    verdict_digest: str
    signer: str
    verified_at: datetime
    shown: bool = True


@dataclass(frozen=True, slots=True)
class MissingEvidence:
    """Something the policy asks for and nobody sent."""

    requirement: str
    treated_as: str


@dataclass(frozen=True, slots=True)
class ReviewReference:
    """What was on the page: the snapshot by SHA-256, the summary line, the signals acknowledged (name, SHA-256).

    `baseline` is the record (SHA-256) with which the release was approved that the page compared with; empty where there was none.
    """

    snapshot_digest: str
    summary: str
    renderer_version: str
    locale: str = "en"
    channel: str = "web"
    acknowledged: tuple[tuple[str, str], ...] = ()
    baseline: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """A person or a non-human identity, by the names that count.

    `on_behalf_of` is the person a program asks for, `owner` the person who answers for it, each as issuer and subject.
    """

    kind: str
    issuer: str
    subject: str
    on_behalf_of: tuple[str, str] | None = None
    owner: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ExcludedParty:
    """Somebody who may not approve this, and why."""

    issuer: str
    subject: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeparationOfDuties:
    """The facts from which a verifier recomputes that the approver was free to approve."""

    rule_id: str
    requester: Party
    excluded: tuple[ExcludedParty, ...]
    result: str
    required: int


@dataclass(frozen=True, slots=True)
class Validity:
    """When the statement was issued, and when a promotion may start on it."""

    issued_at: datetime
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class LogHead:
    """A tree head the ledger had published before the person signed."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class SigningCeremony:
    """What the portal chose for this one signature: id, single-use nonce, relying party, page, deadline, ledger head."""

    id: str
    nonce: str
    rp_id: str
    origin: str
    expires_at: datetime
    log_head: LogHead


@dataclass(frozen=True, slots=True)
class StandingIn:
    """For whom somebody answers, and by which delegation: the SHA-256 of the payload of that person's own signed statement."""

    issuer: str
    subject: str
    username: str
    delegation: str

    @property
    def person(self) -> tuple[str, str]:
        """Who delegated."""
        return (self.issuer, self.subject)


@dataclass(frozen=True, slots=True)
class HumanApproval:
    """A whole statement: what one person decides, about exactly what."""

    artifacts: tuple[ApprovedArtifact, ...]
    decision: str
    request: RequestReference
    environment: EnvironmentReference
    approver: Approver
    signer: SignerReference | SignInReference
    policy: PolicyReference
    evidence: tuple[EvidenceReference, ...]
    missing_evidence: tuple[MissingEvidence, ...]
    review: ReviewReference
    justification: str
    separation_of_duties: SeparationOfDuties
    validity: Validity
    ceremony: SigningCeremony
    # Why not, from `proofs.approval.reason_codes`; in the statement only where there are some.
    reason_codes: tuple[str, ...] = ()
    # For whom the approver answers, with that person's roles; in the statement only where they stand in for somebody.
    standing_in_for: StandingIn | None = None
