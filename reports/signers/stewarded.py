"""For which teams a person may adopt and block signers, and what the form of an adoption begins with. Nothing is decided by a first guess."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from identities.models import Identity, RoleAssignment, Team
from identities.permissions import demand, readable_whole_teams
from reports.signers.seen import Sighting


def stewarded_teams(person: Identity) -> QuerySet[Team]:
    """Return the teams of whose whole register this person is a steward."""
    return readable_whole_teams(person, "identities.steward").order_by("name", "pk")


def demand_a_team(person: Identity, teams: QuerySet[Team]) -> None:
    """Return when there is such a team; refuses with `permission.missing`. A steward of one project alone holds no team's register."""
    if not teams.exists():
        project_team = RoleAssignment.objects.held().filter(identity=person).select_related("team").first()
        demand(person, "identities.steward", team=project_team.team if project_team else None)


def only_team(teams: QuerySet[Team]) -> Team | None:
    """Return the one team there is; None when there are several."""
    found = list(teams[:2])
    return found[0] if len(found) == 1 else None


def first_guess(sighting: Sighting, teams: QuerySet[Team]) -> dict[str, Any]:
    """Return what the form of an adoption begins with."""
    signer = sighting.signer
    whole = signer.workflow or signer.name
    # Whoever answers for the one program that sent it may well answer for what signed it.
    owners = {sender.owner for sender in sighting.senders if sender.owner is not None}
    return {
        "kind": Identity.Kind.KEY if signer.is_key else Identity.Kind.WORKFLOW if signer.workflow else Identity.Kind.SERVICE,
        "name": whole.removeprefix("https://").replace("/.github/workflows/", " ")[:200],
        "issuer": signer.issuer,
        "subject": whole[:300],
        "covers": "exact",
        "owner": next(iter(owners)) if len(owners) == 1 else None,
        "team": only_team(teams),
    }
