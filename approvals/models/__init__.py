"""Policies and where they are active, requests and their revisions, ceremonies, approvals and records, and waivers."""

from __future__ import annotations

from approvals.models.answers import Approval, ApprovalEnd, Ceremony, KeptApproval, Record, new_approval_id, new_ceremony_id
from approvals.models.drafts import DryRun, PolicyDraft, new_draft_id, new_dry_run_id
from approvals.models.findings import PathFinding
from approvals.models.life import ChangesAnswered, Promotion, RequestExpiry, RequestSubmission, Supersession, Withdrawal
from approvals.models.makers import NamedPerson
from approvals.models.outcome import OutcomeStatement
from approvals.models.policies import ExpectationsActivation, ExpectationsVersion, PolicyActivation, PolicyVersion
from approvals.models.requests import Request, RequestArtifact, RequestState, Revision, RevisionEvidence, new_request_id
from approvals.models.statements import ApprovalRevocation, SignedStatement, StatementCeremony, new_statement_ceremony_id
from approvals.models.waivers import Waiver, WaiverEnd

__all__ = [
    "Approval",
    "ApprovalEnd",
    "ApprovalRevocation",
    "Ceremony",
    "ChangesAnswered",
    "DryRun",
    "ExpectationsActivation",
    "ExpectationsVersion",
    "KeptApproval",
    "NamedPerson",
    "OutcomeStatement",
    "PathFinding",
    "PolicyActivation",
    "PolicyDraft",
    "PolicyVersion",
    "Promotion",
    "Record",
    "Request",
    "RequestArtifact",
    "RequestExpiry",
    "RequestState",
    "RequestSubmission",
    "Revision",
    "RevisionEvidence",
    "SignedStatement",
    "StatementCeremony",
    "Supersession",
    "Waiver",
    "WaiverEnd",
    "Withdrawal",
    "new_approval_id",
    "new_ceremony_id",
    "new_draft_id",
    "new_dry_run_id",
    "new_request_id",
    "new_statement_ceremony_id",
]
