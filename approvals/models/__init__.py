"""Policies and where they are active, requests and their revisions, ceremonies, approvals and records, waivers; whose turn it is, and what is said."""

from __future__ import annotations

from approvals.models.answers import Approval, ApprovalEnd, Ceremony, KeptApproval, Record, new_approval_id, new_ceremony_id
from approvals.models.attention import Attention, Reminder, Snooze, TurnPassed
from approvals.models.conversation import Comment, CommentMention, CommentWithdrawal, new_comment_id
from approvals.models.delegations import ApprovalInStead, Delegation, DelegationEnd
from approvals.models.drafts import DryRun, PolicyDraft, new_draft_id, new_dry_run_id
from approvals.models.emergency import BreakGlass, BreakGlassEnd, BreakGlassReview, BreakGlassUse
from approvals.models.findings import PathFinding
from approvals.models.life import (
    ApprovalUse,
    ChangesAnswered,
    Execution,
    Promotion,
    RequestExpiry,
    RequestSubmission,
    Supersession,
    Withdrawal,
)
from approvals.models.makers import NamedPerson
from approvals.models.outcome import OutcomeStatement
from approvals.models.policies import ExpectationsActivation, ExpectationsVersion, PolicyActivation, PolicyVersion
from approvals.models.reading import Reading, SignalsSeen
from approvals.models.requests import Request, RequestArtifact, RequestState, Revision, RevisionEvidence, new_request_id, rank_of
from approvals.models.statements import (
    ApprovalRevocation,
    AutomaticRevocation,
    SignedStatement,
    StatementCeremony,
    new_statement_ceremony_id,
)
from approvals.models.waivers import Waiver, WaiverEnd

__all__ = [
    "Approval",
    "ApprovalEnd",
    "ApprovalInStead",
    "ApprovalRevocation",
    "ApprovalUse",
    "Attention",
    "AutomaticRevocation",
    "BreakGlass",
    "BreakGlassEnd",
    "BreakGlassReview",
    "BreakGlassUse",
    "Ceremony",
    "ChangesAnswered",
    "Comment",
    "CommentMention",
    "CommentWithdrawal",
    "Delegation",
    "DelegationEnd",
    "DryRun",
    "Execution",
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
    "Reading",
    "Record",
    "Reminder",
    "Request",
    "RequestArtifact",
    "RequestExpiry",
    "RequestState",
    "RequestSubmission",
    "Revision",
    "RevisionEvidence",
    "SignalsSeen",
    "SignedStatement",
    "Snooze",
    "StatementCeremony",
    "Supersession",
    "TurnPassed",
    "Waiver",
    "WaiverEnd",
    "Withdrawal",
    "new_approval_id",
    "new_ceremony_id",
    "new_comment_id",
    "new_draft_id",
    "new_dry_run_id",
    "new_request_id",
    "new_statement_ceremony_id",
    "rank_of",
]
