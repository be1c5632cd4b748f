"""Policies and where they are active, requests and their revisions, ceremonies, approvals and records, and waivers."""

from __future__ import annotations

from approvals.models.answers import Approval, ApprovalEnd, Ceremony, KeptApproval, Record, new_approval_id, new_ceremony_id
from approvals.models.findings import PathFinding
from approvals.models.policies import ExpectationsActivation, ExpectationsVersion, PolicyActivation, PolicyVersion
from approvals.models.requests import Request, RequestArtifact, RequestState, Revision, RevisionEvidence, new_request_id
from approvals.models.waivers import Waiver, WaiverEnd

__all__ = [
    "Approval",
    "ApprovalEnd",
    "Ceremony",
    "ExpectationsActivation",
    "ExpectationsVersion",
    "KeptApproval",
    "PathFinding",
    "PolicyActivation",
    "PolicyVersion",
    "Record",
    "Request",
    "RequestArtifact",
    "RequestState",
    "Revision",
    "RevisionEvidence",
    "Waiver",
    "WaiverEnd",
    "new_approval_id",
    "new_ceremony_id",
    "new_request_id",
]
