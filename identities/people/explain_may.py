"""Say whether somebody may do something here, why, and if not, what would be needed and who could give it. Decides nothing itself.

The answer is the one of `identities.permissions.may`. Not told here: whether a policy lets a person decide one particular request.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from identities.models import Identity, Project, RoleAssignment, Team
from identities.people.list_people import people_of, teams_of
from identities.people.roles import NEEDS_A_SECOND_PERSON
from identities.permissions import ACTIONS, BEYOND_ONE_PROJECT, HUMAN_ACTIONS, NONHUMAN_ACTIONS, may, readable_whole_teams
from identities.providers import who_could_be
from identities.queries import UNKNOWN
from proofs.errors import Malformed, NotFound

Role = RoleAssignment.Role
MOST_NAMES = 8
BESIDES = {
    "identities.recertify": "Only of a program one answers for; identity stewards and administrators look at any of their team’s.",
    "requests.decide": "Each request’s policy also says who may not decide it: whoever asked for it, as a rule.",
    "exceptions.decide": "The policy names who agrees to a waiver of its rules; whoever asks for it, or answers for it, does not.",
    "policies.decide": "A change of policy takes two policy owners, of whom one may have proposed it.",
    "requests.answer": "What a person may answer there depends on what is asked: releases are for approvers, policies for their owners.",
    "identities.steward": "Nobody changes their own roles, a steward makes no administrators, and a role in one project alone grants nothing.",
    "attestations.send": "Evidence belongs to no project, so a role in one project alone is not enough.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer, its reason, what would be needed, who could give it, and the rule that comes on top."""

    allowed: bool
    reason: str
    needed: tuple[str, ...]
    needed_words: str
    givers: tuple[str, ...]
    besides: str


def explain_may(
    identity: Identity, action: str, *, reader: Identity, project: Project | None = None, team: Team | None = None
) -> Explanation:
    """Answer for `identity`; refuses with `action.unknown`. Who may ask is looked at by `find_asked` and `find_place`."""
    if action not in ACTIONS:
        raise Malformed("action.unknown", f"got the action {action[:60]!r}, expected one of {', '.join(ACTIONS)}")
    they_are = "You are" if identity.pk == reader.pk else f"{identity.name} is"
    answer = may(identity, action, project=project, team=team, they_are=they_are)
    besides = BESIDES.get(action, "")
    if answer.allowed:
        return Explanation(True, answer.reason, (), "", (), besides)
    if identity.status != Identity.Status.ACTIVE:
        return Explanation(False, answer.reason, (), "They have to be made active again.", _givers(identity, project, team), "")
    if not identity.is_person:
        return Explanation(False, answer.reason, (), _needs_of_program(identity, action), (), besides)
    roles = tuple(str(role) for role in Role if role in ACTIONS[action][1])
    if not roles:
        return Explanation(False, answer.reason, (), "No role gives this: a program does it, with a credential.", (), besides)
    return Explanation(
        False, answer.reason, roles, _needed_words(roles, action, project, team), _givers(identity, project, team, roles), besides
    )


def find_asked(identity_id: str, *, reader: Identity) -> Identity:
    """Return who is asked about: oneself, or a person or program of a team the reader reads as a whole. Else refuses with `identity.unknown`."""
    found = askable(reader).filter(pk=identity_id).select_related("owner", "team").first()
    if found is None:
        raise NotFound("identity.unknown", UNKNOWN)
    return found


def askable(reader: Identity) -> QuerySet[Identity]:
    """Return everybody about whom the reader may ask. A program asks about itself alone."""
    own = Identity.objects.filter(pk=reader.pk)
    if not reader.is_person:
        return own
    teams = readable_whole_teams(reader, "identities.read")
    programs = Identity.objects.filter(~Q(kind=Identity.Kind.PERSON), Q(team__in=teams) | Q(owner=reader))
    return Identity.objects.filter(Q(pk__in=people_of(teams)) | Q(pk__in=programs) | Q(pk=reader.pk)).order_by("name", "pk")


def find_place(*, project: str, team: str, reader: Identity) -> tuple[Project | None, Team | None]:
    """Return the project or team of these slugs among the reader's own, or neither; refuses with `project.unknown` or `team.unknown`."""
    teams = teams_of(reader)
    if project:
        found = Project.objects.filter(slug=project, team__in=teams).select_related("team").first()
        if found is None:
            raise NotFound("project.unknown", f"there is no project {project[:64]!r} in your teams")
        return found, None
    if not team:
        return None, None
    named = teams.filter(slug=team).first()
    if named is None:
        raise NotFound("team.unknown", f"you belong to no team {team[:64]!r}")
    return None, named


def _needs_of_program(identity: Identity, action: str) -> str:
    if action in HUMAN_ACTIONS or action not in NONHUMAN_ACTIONS:
        return "A person has to do it; no credential opens it, whatever its scopes."
    if identity.owner is None or identity.owner.status != Identity.Status.ACTIVE:
        return "An active person has to answer for it: a steward gives it another owner."
    return "A program of the project’s own team has to do it."


def _needed_words(roles: tuple[str, ...], action: str, project: Project | None, team: Team | None) -> str:
    which = "Any role" if len(roles) == len(Role) else "The role" if len(roles) == 1 else "One of these roles"
    if action in BEYOND_ONE_PROJECT:
        return f"{which}, in a whole team: it holds for every team."
    if project is not None:
        return f"{which}, in {project.slug} or in all of {project.team.slug}."
    return f"{which}, in all of {team.slug}." if team is not None else f"{which}, in any team or project."


def _givers(identity: Identity, project: Project | None, team: Team | None, roles: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the names of those who could change that, at most a handful; none is the operator at the console."""
    place = project.team if project else team or identity.team
    if place is None:
        return ()
    stewards = RoleAssignment.objects.held().filter(
        team=place, project__isnull=True, role__in=ACTIONS["identities.steward"][1], identity__status=Identity.Status.ACTIVE
    )
    stewards = stewards.exclude(identity=identity)
    if roles and all(role in NEEDS_A_SECOND_PERSON for role in roles):
        stewards = stewards.exclude(identity__in=who_could_be(identity))
    return tuple(dict.fromkeys(stewards.order_by("identity__name").values_list("identity__name", flat=True)))[:MOST_NAMES]
