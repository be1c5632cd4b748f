"""Add a project to a team, or an environment that its projects go to. Neither is ever removed: requests and gates refer to them.

Nothing may go anywhere by this alone: without a policy in force the gate of a new environment stays shut.
"""

from __future__ import annotations

import re
from datetime import datetime

from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.models import Environment, Identity, Project, Team
from identities.permissions import demand
from identities.plain_text import plain_text
from proofs.errors import Conflict, Malformed

MAX_SLUG, MAX_NAME = 64, 120
TIERS = (1, 2, 3)
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
# An environment is asked for by its slug or its id; nothing may look like both.
ID_START = "env_"


@transaction.atomic
def add_project(*, slug: str, name: str, team: Team, by: Identity | None, now: datetime) -> Project:
    """Add a project. Refuses with `place.slug`, `place.name`, `place.taken` or `permission.missing`."""
    _demand(by, team)
    words = plain_text(name, what="the name", code="place.name", limit=MAX_NAME)
    try:
        with transaction.atomic():
            project = Project.objects.create(slug=_slug(slug), name=words, team=team)
    except IntegrityError as error:
        raise Conflict(
            "place.taken", f"got the project {slug!r}, which there is already; a short name is used once in the whole portal"
        ) from error
    document: dict[str, object] = {"project": project.pk, "slug": project.slug, "team": team.pk}
    append_identity_event(event="project.added", document=document, by=by, now=now)
    return project


@transaction.atomic
def add_environment(*, slug: str, name: str, tier: int, team: Team, by: Identity | None, now: datetime) -> Environment:
    """Add an environment; `tier` is 1 (least) to 3 (most sensitive).

    Refuses with `place.slug`, `place.name`, `place.tier`, `place.taken` or `permission.missing`.
    """
    _demand(by, team)
    words = plain_text(name, what="the name", code="place.name", limit=MAX_NAME)
    if tier not in TIERS:
        raise Malformed("place.tier", f"got tier {tier}, expected 1 for the least sensitive, 2, or 3 for the most")
    try:
        with transaction.atomic():
            environment = Environment.objects.create(slug=_slug(slug), name=words, tier=tier, team=team)
    except IntegrityError as error:
        raise Conflict(
            "place.taken", f"got the environment {slug!r}, which there is already; a short name is used once in the whole portal"
        ) from error
    document: dict[str, object] = {"environment": environment.pk, "slug": environment.slug, "tier": tier, "team": team.pk}
    append_identity_event(event="environment.added", document=document, by=by, now=now)
    return environment


def _demand(by: Identity | None, team: Team) -> None:
    if by is not None:
        demand(by, "places.add", team=team)


def _slug(text: str) -> str:
    if len(text) > MAX_SLUG or not SLUG.fullmatch(text) or text.startswith(ID_START):
        raise Malformed("place.slug", f"got the short name {text[:80]!r}, expected up to {MAX_SLUG} of a to z, 0 to 9 and - between them")
    return text
