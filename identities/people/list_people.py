"""The people of one's teams with their roles, keys and last sign-in; and the roles one person ever held. Reads only."""

from __future__ import annotations

from django.db.models import Exists, Max, OuterRef, Prefetch, Q, QuerySet

from identities.models import Identity, RoleAssignment, SigningKey, Team
from identities.permissions import list_held_roles, readable_whole_teams
from identities.queries import UNKNOWN, get_identity
from proofs.errors import NotFound

SIGNED_IN = "signed_in"
# By the name that addresses use: the label, and the condition on a person.
SHOWN = {
    "active": ("Active", Q(status=Identity.Status.ACTIVE)),
    "away": ("Suspended or deactivated", ~Q(status=Identity.Status.ACTIVE)),
    "lapsing": ("With a role that runs out", Q()),
    "roleless": ("Without a role", Q()),
}


def teams_of(reader: Identity) -> QuerySet[Team]:
    """Return the teams the reader belongs to: by any role, also in one project alone; a program by its own."""
    if not reader.is_person:
        return Team.objects.filter(pk=reader.team_id)
    return Team.objects.filter(pk__in=[assignment.team_id for assignment in list_held_roles(reader)]).order_by("slug")


def people_of(teams: QuerySet[Team]) -> QuerySet[Identity]:
    """Return the people who are registered in one of these teams, or hold or held a role there."""
    theirs = RoleAssignment.objects.filter(identity=OuterRef("pk"), team__in=teams)
    return Identity.objects.filter(Q(team__in=teams) | Exists(theirs), kind=Identity.Kind.PERSON)


def list_people(*, reader: Identity, shown: str = "", words: str = "", role: str = "") -> QuerySet[Identity]:
    """Return the people of the teams in the whole of which the reader has a role, and the reader, by name, with all that a row shows.

    `shown` is one of `SHOWN`, `role` a role they hold now, `words` is looked for in names. Of other teams' roles there is no trace.
    """
    teams = readable_whole_teams(reader, "identities.read")
    held = RoleAssignment.objects.held().filter(Q(team__in=teams) | Q(identity=reader))
    theirs = held.filter(identity=OuterRef("pk"))
    rows = people_of(teams) | Identity.objects.filter(pk=reader.pk)
    if shown in SHOWN:
        rows = rows.filter(SHOWN[shown][1])
    if shown == "lapsing":
        rows = rows.filter(Exists(theirs.filter(valid_until__isnull=False)))
    if shown == "roleless":
        rows = rows.filter(~Exists(theirs))
    if role:
        rows = rows.filter(Exists(theirs.filter(role=role)))
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(user__username__icontains=words))
    last = Max("signinevent__happened_at", filter=Q(signinevent__outcome=SIGNED_IN))
    roles = held.select_related("team", "project", "provider", "granted_by").order_by("team__slug", "role")
    keys = SigningKey.objects.filter(revoked_at__isnull=True).order_by("-enrolled_at")
    kept = rows.select_related("team", "user").prefetch_related(Prefetch("roles", roles), Prefetch("signing_keys", keys))
    return kept.annotate(last_sign_in=last).order_by("name", "pk")


def get_person(identity_id: str, *, reader: Identity) -> Identity:
    """Return a person of the reader's own teams, or the reader. Anybody else, and a program, is refused with `identity.unknown`."""
    found = get_identity(identity_id)
    teams = readable_whole_teams(reader, "identities.read")
    if found.is_person and (found.pk == reader.pk or people_of(teams).filter(pk=found.pk).exists()):
        return found
    raise NotFound("identity.unknown", UNKNOWN)


def list_roles_ever(identity: Identity, *, reader: Identity) -> QuerySet[RoleAssignment]:
    """Return every role a person holds or held in the reader's teams (one's own: everywhere), the newest first."""
    rows = RoleAssignment.objects.filter(identity=identity)
    if identity.pk != reader.pk:
        rows = rows.filter(team__in=readable_whole_teams(reader, "identities.read"))
    return rows.select_related("team", "project", "provider", "granted_by").order_by("-granted_at", "-pk")
