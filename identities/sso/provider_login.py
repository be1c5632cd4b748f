"""The sign-in library's sign-in by provider, with what the provider told."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.http import HttpRequest

from identities.models import IdentityProvider
from identities.sso.told import Told
from proofs.errors import NotFound


class ProviderLogin(SocialLogin):
    """A sign-in whose answer was verified. It is never saved: whose account it is comes from our own rows."""

    told: Told


def name_of(row: IdentityProvider) -> dict[str, Any]:
    """Return what the library keeps of a provider while it asks for a second factor; it is found again by its short name, not its protocol's."""
    return {"id": row.slug}


def take_state(request: HttpRequest, *, slug: str, state_id: str) -> dict[str, Any]:
    """Return what this session kept of its question, which is gone with that. Refuses with `sso.state`."""
    state = statekit.unstash_state(request, provider_id=slug, state_id=state_id) if state_id else None
    if state is None:
        raise NotFound("sso.state", "got an answer to a question that was not asked here, or a second one; sign in again")
    return dict(state)


def make_login(provider: Any, state: dict[str, Any], told: Told) -> ProviderLogin:
    """Return a sign-in to complete: where to go on is what the session kept, and nothing that a provider sent."""
    login = ProviderLogin(account=SocialAccount(provider=provider.sub_id, uid=told.subject, extra_data={}), provider=provider)
    login.state = {"process": AuthProcess.LOGIN, **({"next": state["next"]} if state.get("next") else {})}
    login.told = told
    return login
