"""The room approvals as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear from the room below, which cannot call this one, who is deactivated, and from requests what happens to them; say which
        kinds of requests bring their own policy.
        """
        from approvals.attention.renew import hear_refreshed
        from approvals.changes.derive_policy import derive_policy_for_change
        from approvals.delegation.take_back import end_delegations
        from approvals.emergency.derive_policy import derive_policy_for_review
        from approvals.exceptions.derive_policy import derive_policy_for_exception
        from approvals.models import Request
        from approvals.requests.end_unused import end_unused_approvals
        from approvals.requests.policy_for import derive_policy_of
        from approvals.signals import request_refreshed
        from identities.signals import person_deactivated

        derive_policy_of(Request.Kind.POLICY_CHANGE, derive_policy_for_change)
        derive_policy_of(Request.Kind.EXCEPTION, derive_policy_for_exception)
        derive_policy_of(Request.Kind.BREAK_GLASS_REVIEW, derive_policy_for_review)
        request_refreshed.connect(hear_refreshed, dispatch_uid="approvals.attention.renew")
        person_deactivated.connect(end_unused_approvals, dispatch_uid="approvals.requests.end_unused")
        # After the approvals: requests are held before delegations.
        person_deactivated.connect(end_delegations, dispatch_uid="approvals.delegation.take_back")
        _keep_statements()


def _keep_statements() -> None:
    from approvals.declaration.declare_break_glass import BREAK_GLASSES
    from approvals.delegation.give import DELEGATIONS
    from approvals.revocation.revoke_approval import REVOCATIONS
    from approvals.statements.kinds import keep_statements_of
    from proofs.approval.person_statement import BREAK_GLASS_TYPE, DELEGATION_TYPE, REVOCATION_TYPE

    keep_statements_of(REVOCATION_TYPE, REVOCATIONS)
    keep_statements_of(BREAK_GLASS_TYPE, BREAK_GLASSES)
    keep_statements_of(DELEGATION_TYPE, DELEGATIONS)
