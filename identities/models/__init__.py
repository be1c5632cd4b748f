"""People and non-human identities, where they act, what they may do, and how they prove themselves."""

from __future__ import annotations

from identities.models.accounts import LinkedAccount
from identities.models.events import EventSubject
from identities.models.keys import KeyRecovery, RecoveryConsent, SigningKey
from identities.models.people import REVIEW_EVERY_DAYS, Identity, Preferences, RoleAssignment, User, new_actor_salt
from identities.models.programs import ApiCredential, BlockedSigner, EvidenceSigner, Grant, Recertification
from identities.models.scim import ProvisionedGroup, ProvisionedPerson, ProvisioningToken
from identities.models.sign_in import AuditEvent, SignInEvent
from identities.models.sso import BoundSignIn, GroupRules, HeldGroups, IdentityProvider, LocalSignIn
from identities.models.teams import Environment, Project, Team
from identities.models.workloads import TokenExchange, TokenIssuer, WorkloadBinding

__all__ = [
    "REVIEW_EVERY_DAYS",
    "ApiCredential",
    "AuditEvent",
    "BlockedSigner",
    "BoundSignIn",
    "Environment",
    "EventSubject",
    "EvidenceSigner",
    "Grant",
    "GroupRules",
    "HeldGroups",
    "Identity",
    "IdentityProvider",
    "KeyRecovery",
    "LinkedAccount",
    "LocalSignIn",
    "Preferences",
    "Project",
    "ProvisionedGroup",
    "ProvisionedPerson",
    "ProvisioningToken",
    "Recertification",
    "RecoveryConsent",
    "RoleAssignment",
    "SignInEvent",
    "SigningKey",
    "Team",
    "TokenExchange",
    "TokenIssuer",
    "User",
    "WorkloadBinding",
    "new_actor_salt",
]
