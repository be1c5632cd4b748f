"""Which identity providers there are, and whether people may sign in with an account of the portal's own. Queries alone.

Here and not in `identities.sso`, because what signs people in asks it too, and that lies below.
"""

from __future__ import annotations

from identities.models import Identity, IdentityProvider, LocalSignIn
from proofs.errors import NotFound


def active_providers() -> list[IdentityProvider]:
    """Return the providers people sign in at now, by name."""
    return list(IdentityProvider.objects.filter(removed_at__isnull=True).order_by("name", "slug"))


def find_provider(slug: str) -> IdentityProvider:
    """Return the provider that was not removed. Refuses with `sso.provider_unknown`."""
    found = IdentityProvider.objects.filter(slug=slug, removed_at__isnull=True).first()
    if found is None:
        known = ", ".join(provider.slug for provider in active_providers()) or "none"
        raise NotFound("sso.provider_unknown", f"there is no identity provider {slug}; known: {known}")
    return found


def who_could_be(identity: Identity) -> frozenset[str]:
    """Return, by id, the people who could be this person at another keyboard.

    Whoever registers a person chooses how they first sign in, and whoever says how a provider is spoken to, or provisions for it, decides who its
    people are. The operator is never among them.
    """
    vouching = IdentityProvider.objects.filter(issuer=identity.issuer, set_up_by__isnull=False)
    return frozenset({*vouching.values_list("set_up_by", flat=True), *filter(None, [identity.registered_by_id])})


def newest_local_sign_in() -> LocalSignIn | None:
    """Return what was last said of local sign-in; None where nobody said anything, and it is allowed."""
    return LocalSignIn.objects.order_by("-pk").first()


def is_local_sign_in_allowed() -> bool:
    """Say whether people may sign in with a password or a passkey of this portal."""
    newest = newest_local_sign_in()
    return newest is None or newest.allowed
