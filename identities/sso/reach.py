"""Whom a change of an identity provider touches, and who may make it.

A provider says who people are. Whoever changes one could come in as any of its people, so it takes an administrator of every team they belong to or
hold a role in, or the operator. Not checked: whether two administrators act together.
"""

from __future__ import annotations

from django.db.models import Q

from identities.models import Identity, IdentityProvider, ProvisionedPerson, RoleAssignment, Team
from identities.permissions import demand, may
from identities.sso.group_roles import read_rules
from proofs.errors import NotAllowed


def teams_reached(issuer: str, provider: IdentityProvider | None = None) -> list[Team]:
    """Return the teams in which people of this issuer hold roles or are registered, or would by the provider's rules."""
    people = Q(identity__issuer=issuer)
    slugs: set[str] = set()
    if provider is not None:
        provisioned = ProvisionedPerson.objects.filter(provider=provider, removed_at__isnull=True)
        people |= Q(identity__in=provisioned.values("identity")) | Q(provider=provider)
        slugs = {rule.place.team for rule in read_rules(provider).rules}
    held = RoleAssignment.objects.held().filter(people)
    # Whoever has no role today may be given one tomorrow, and whoever speaks for them now would have it as well.
    registered = Identity.objects.filter(issuer=issuer, kind=Identity.Kind.PERSON).exclude(status=Identity.Status.RETIRED)
    teams = Q(pk__in=held.values("team")) | Q(pk__in=registered.values("team")) | Q(slug__in=slugs)
    return list(Team.objects.filter(teams).order_by("slug"))


def teams_beyond(by: Identity, issuer: str, provider: IdentityProvider | None = None) -> list[str]:
    """Return the short names of the teams reached that `by` does not administer."""
    return [team.slug for team in teams_reached(issuer, provider) if not may(by, "sign_in.change", team=team).allowed]


def demand_reach(by: Identity | None, issuer: str, provider: IdentityProvider | None = None) -> None:
    """Return when `by` may change a provider with this issuer. Refuses with `permission.missing` or `sso.reach`."""
    if by is None:
        return
    demand(by, "sign_in.change")
    beyond = teams_beyond(by, issuer, provider)
    if beyond:
        words = f"people of {', '.join(beyond)} sign in there; an administrator of every one of their teams changes it, or the operator"
        raise NotAllowed("sso.reach", words)
