"""The teams, projects and environments of the demo, and the policies that are in force when its history begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from approvals.bootstrap import Beginning
from approvals.policies.versions import activate_policy, store_policy
from identities.models import Environment, Identity, Project, Team
from identities.places.add_place import add_environment, add_project
from portal.demo.people import GIT, repository_id_of
from portal.demo.policies import Shape, write_policy

PROJECTS = {
    "payments-web": ("Payments web shop", "payments"),
    "payments-ledger": ("Payments ledger", "payments"),
    "payments-refunds": ("Refunds", "payments"),
    "platform-gateway": ("Gateway", "platform"),
    "data-pipelines": ("Data pipelines", "data"),
}
ENVIRONMENTS = {
    "production-eu": ("Production EU", 3, "payments"),
    "integration": ("Integration", 2, "payments"),
    "platform-production": ("Platform production", 3, "platform"),
    "platform-staging": ("Platform staging", 2, "platform"),
    "data-production": ("Data production", 3, "data"),
    "data-staging": ("Data staging", 1, "data"),
}


def _easy(name: str, title: str, asks_tests: bool = True, decides_agents: str = "approver:security") -> Shape:
    return Shape(name, title, hours=168, has_ways_round=False, asks_tests=asks_tests, decides_agents=decides_agents)


# What is in force where, from the first day on. What payments-api begins with stands in `policy.yaml`.
SHAPES = {
    ("payments-api", "integration"): _easy("integration-api", "Releases of payments-api to integration"),
    ("payments-web", "staging"): _easy("staging-web", "Releases of payments-web to staging", asks_tests=False),
    ("payments-web", "production"): Shape("release-web", "Releases of payments-web to production", decides_agents="approver:release"),
    ("payments-web", "production-eu"): Shape("release-web-eu", "Releases of payments-web to the EU", hours=24),
    ("payments-ledger", "staging"): _easy("staging-ledger", "Releases of payments-ledger to staging", asks_tests=False),
    ("payments-ledger", "production"): Shape("release-ledger", "Releases of payments-ledger to production", approvers=2, hours=48),
    ("payments-ledger", "production-eu"): Shape("release-ledger-eu", "Releases of payments-ledger to the EU", approvers=2),
    ("payments-refunds", "staging"): _easy("staging-refunds", "Releases of payments-refunds to staging", asks_tests=False),
    ("payments-refunds", "production"): Shape("release-refunds", "Releases of payments-refunds to production", asks_tests=False),
    ("platform-gateway", "platform-staging"): _easy("staging-gateway", "Gateway to staging", decides_agents="approver:release"),
    ("platform-gateway", "platform-production"): Shape(
        "release-gateway", "Gateway to production", approvers=2, decides_agents="approver:release"
    ),
    ("data-pipelines", "data-staging"): _easy("staging-data", "Pipelines to staging", asks_tests=False),
    ("data-pipelines", "data-production"): Shape("release-data", "Pipelines to production", asks_tests=False, max_age_hours=24),
}


@dataclass
class Places:
    """Teams, projects and environments by their slugs."""

    teams: dict[str, Team]
    projects: dict[str, Project]
    environments: dict[str, Environment]


def add_teams(beginning: Beginning) -> dict[str, Team]:
    """Add the two teams beside Payments."""
    others = {slug: Team.objects.create(slug=slug, name=name) for slug, name in (("platform", "Platform"), ("data", "Data"))}
    return {"payments": beginning.team, **others}


def add_places(beginning: Beginning, teams: dict[str, Team], *, now: datetime) -> Places:
    """Add projects and environments."""
    projects = {beginning.project.slug: beginning.project}
    environments = {place.slug: place for place in beginning.environments}
    for slug, (name, team) in PROJECTS.items():
        projects[slug] = add_project(slug=slug, name=name, team=teams[team], by=None, now=now)
    for slug, (name, tier, team) in ENVIRONMENTS.items():
        environments[slug] = add_environment(slug=slug, name=name, tier=tier, team=teams[team], by=None, now=now)
    return Places(teams, projects, environments)


def put_first_policies(places: Places, owners: dict[str, Identity], *, now: datetime) -> None:
    """Put the first policies into force, each by the only policy owner of its team (by the team's slug)."""
    for (project, environment), shape in SHAPES.items():
        owner = owners[places.projects[project].team.slug]
        policy = store_policy(source=source_of(project, shape, version="1"), by=owner, now=now)
        activate_policy(policy=policy, project=places.projects[project], environment=places.environments[environment], by=owner, now=now)


def source_of(project: str, shape: Shape, *, version: str) -> str:
    """Return the YAML of a policy of a project."""
    return write_policy(shape, version=version, repository=f"{GIT}/{project}", repository_id=repository_id_of(project))
