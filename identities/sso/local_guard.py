"""Whether people can do without accounts of the portal's own: an administrator came in through a provider as it is now, a short while ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from identities.models import Identity, IdentityProvider, RoleAssignment, SignInEvent
from identities.providers import active_providers
from identities.sign_in.events import SIGNED_IN

PROVED_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Guard:
    """Whether local sign-in may be switched off, and why in a sentence; `working` are the providers an administrator came in through."""

    allowed: bool
    reason: str
    working: tuple[IdentityProvider, ...]


def guard_local_sign_in(*, now: datetime, without: IdentityProvider | None = None) -> Guard:
    """Answer whether sign-in through a provider works for an administrator now; `without` leaves one provider out of account."""
    providers = [provider for provider in active_providers() if without is None or provider.pk != without.pk]
    if not providers:
        return Guard(False, "There is no identity provider to sign in at.", ())
    working = tuple(provider for provider in providers if _who_came_in(provider, now) is not None)
    if not working:
        words = f"No active administrator has signed in through {_any_of(providers)} within {PROVED_WITHIN.days} days, as it is set up now. Sign in there as one first."
        return Guard(False, words, ())
    return Guard(True, f"An administrator signed in through {_any_of(list(working))} a short while ago.", working)


def _who_came_in(provider: IdentityProvider, now: datetime) -> Identity | None:
    """Return an active administrator, of a whole team and without an end, who signed in there since it was last changed."""
    administrators = RoleAssignment.objects.held().filter(
        role=RoleAssignment.Role.ADMINISTRATOR,
        project__isnull=True,
        valid_until__isnull=True,
        identity__status=Identity.Status.ACTIVE,
        identity__user__is_active=True,
    )
    since = max(provider.changed_at, now - PROVED_WITHIN)
    came = SignInEvent.objects.filter(outcome=SIGNED_IN, via=provider.slug, happened_at__gte=since, happened_at__lte=now)
    found = came.filter(identity__in=administrators.values("identity")).select_related("identity").order_by("-happened_at").first()
    return found.identity if found is not None else None


def _any_of(providers: list[IdentityProvider]) -> str:
    names = [provider.name for provider in providers]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
