"""Where a provider sends people back to after a bound sign-in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from identities.models import BoundSignIn
from identities.oidc.bound_sign_in import complete_bound_sign_in, refuse_bound_sign_in
from identities.oidc.leave_for import session_hash_of
from identities.permissions import requires
from proofs.errors import NotAllowed

GOES_ON_AT = {BoundSignIn.Purpose.ENROLMENT: "/settings/keys/bound/", BoundSignIn.Purpose.APPROVAL: "/approvals/bound/"}


@never_cache
@require_safe
@requires("keys.own")
def bound(request: HttpRequest) -> HttpResponse:
    """Take the provider's answer and go on to what the sign-in was for. The address to go on at is the portal's own, always."""
    state, session_hash, now = request.GET.get("state", ""), session_hash_of(request), timezone.now()
    if "error" in request.GET or "code" not in request.GET:
        refused = refuse_bound_sign_in(state=state, session_hash=session_hash, reason=request.GET.get("error", ""), now=now)
        raise NotAllowed(
            "bound.provider_refused",
            f"{refused.provider.name} did not sign you in ({refused.refused_code.rpartition('.')[2]}), "
            "expected that you prove yourself there; nothing was signed, and you can start again",
        )
    done = complete_bound_sign_in(state=state, code=request.GET["code"], session_hash=session_hash, now=now)
    return redirect(f"{GOES_ON_AT[BoundSignIn.Purpose(done.purpose)]}{done.pk}")
