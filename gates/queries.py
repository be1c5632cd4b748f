"""Reads across gate decisions: which of them a reader may know."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from gates.models import Decision
from identities.models import Identity, Project
from identities.permissions import list_held_roles, readable_teams


def readable_decisions(reader: Identity) -> QuerySet[Decision]:
    """Return the decisions about the reader's projects; those that met no request at all, by a role in the whole team only."""
    projects = Project.objects.filter(readable_teams(reader, "gates.read"))
    if reader.is_person:
        teams = [role.team_id for role in list_held_roles(reader) if role.project_id is None]
    else:
        teams = [reader.team_id] if reader.team_id else []
    return Decision.objects.filter(Q(request__project__in=projects) | Q(request__isnull=True, asked_by__team__in=teams))
