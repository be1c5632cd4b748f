"""Complete a ceremony without a key: the person is back from their identity provider, and its token stands for their signature.

The same numbered steps as in `approvals.signing.complete_signing`, in one transaction; step 4 is `approvals.signing.verify_sign_in`.
"""

from __future__ import annotations

from datetime import datetime

from approvals.models import Approval, Ceremony
from approvals.signing.complete_signing import Answered, complete_ceremony
from approvals.signing.verify_sign_in import verify_sign_in
from identities.models import BoundSignIn, Identity
from identities.oidc.bound_sign_in import oidc_provider_of
from proofs.approval.approval_parts import HumanApproval
from proofs.approval.record import SIGN_IN_CHECKS
from proofs.errors import Conflict, NotFound


def complete_by_sign_in(*, bound_id: str, session_hash: str, by: Identity, now: datetime) -> Approval:
    """Keep one person's answer that a completed sign-in confirms; return the approval.

    Refuses with `bound.unknown` for a sign-in of somebody else or for something else, with those of step 1 when it comes a second time or
    late, and as `verify_sign_in` does; such a refusal is kept, and the ceremony is used up.
    """
    now = now.replace(microsecond=0)
    bound = BoundSignIn.objects.select_related("provider").filter(pk=bound_id, identity=by, purpose=BoundSignIn.Purpose.APPROVAL).first()
    ceremony = Ceremony.objects.filter(sign_in_nonce=bound.nonce).first() if bound else None
    if bound is None or ceremony is None:
        raise NotFound("bound.unknown", "got a sign-in of another session, expected one that was begun here; start again")

    def answer(offered: Ceremony, _statement: HumanApproval) -> Answered:
        own = oidc_provider_of(by)
        if own is None or not own.pk == offered.provider_id == bound.provider_id:
            raise Conflict("sign_in.no_provider", "the provider you signed in at is not, or no longer, your own; start again")
        reference, verified = verify_sign_in(ceremony=offered, bound=bound, by=by, now=now)
        why = "" if verified.level == "H2" else f" ({bound.provider.name} did not say that it asked you for a second factor)"
        nothing = {"credential_id": b"", "authenticator_data": b"", "client_data_json": b"", "signature": b""}
        return Answered(verified.level, reference, SIGN_IN_CHECKS, {"bound_by": bound, **nothing}, why_no_more=why)

    return complete_ceremony(ceremony_id=ceremony.pk, session_hash=session_hash, answer=answer, by=by, now=now)
