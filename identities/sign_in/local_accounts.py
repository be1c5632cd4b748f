"""Whether somebody may sign in with a password or a passkey of this portal, and the sentence where they may not.

Sign-in with such accounts can be switched off for everybody; and whoever an identity provider vouches for signs in there alone, so that it can
lock them out.
"""

from __future__ import annotations

from django.conf import settings

from identities.models import Identity, IdentityProvider
from identities.providers import active_providers, is_local_sign_in_allowed


def why_not_here(identity: Identity | None = None) -> str:
    """Return why this person (or, without one, anybody) may not sign in with an account of this portal; empty where they may."""
    if not is_local_sign_in_allowed():
        names = [provider.name for provider in active_providers()]
        where = f" Sign in with {' or '.join(names)}." if names else " The operator can allow it again (manage.py allow_local_sign_in)."
        return f"Sign-in with an account of this portal is switched off.{where}"
    own = provider_of(identity)
    return f"You sign in with {own.name}; this portal keeps no password and no sign-in passkey for you." if own is not None else ""


def provider_of(identity: Identity | None) -> IdentityProvider | None:
    """Return the active provider that vouches for a person; None for those whose account is the portal's own."""
    if identity is None or identity.issuer == settings.ORIGIN:
        return None
    return IdentityProvider.objects.filter(issuer=identity.issuer, removed_at__isnull=True).first()
