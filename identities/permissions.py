"""Who may do what, in one place, and why: every answer carries the sentence that is shown to the person.

Power comes from roles held in a team or in one of its projects; staff and superuser flags of the sign-in account give none.
Not decided here: whether a person may decide this very request (separation of duties), which is the policy's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from identities.models import Identity, Project, RoleAssignment, Team
from identities.read_once import is_reading, known, once
from proofs.errors import NotAllowed

Role = RoleAssignment.Role

APPROVERS = frozenset({Role.APPROVER_RELEASE, Role.APPROVER_SECURITY, Role.APPROVER_OWNER})
EVERY_ROLE = frozenset(Role)
# Where whoever looks an identity up may leave the kinds of its roles, each as "auditor whole" or "auditor single".
KINDS_ALONG = "kinds_along"
# So many roles are named in a sentence: nobody reads through those in a thousand teams.
MOST_SAID = 20

# What each action is called in a sentence, and the roles that may do it. Administrators register identities and grant
# roles; they are missing from "requests.decide" on purpose.
ACTIONS: dict[str, tuple[str, frozenset[str]]] = {
    "portal.home": ("seeing the home page", EVERY_ROLE),
    "attestations.read": ("reading evidence", EVERY_ROLE),
    # A requester may put evidence into the queue of their team anyway, by way of the programs they own. Approvers and auditors judge
    # evidence and do not bring it.
    "attestations.send": ("sending evidence", frozenset({Role.REQUESTER})),
    # What a registry or a cluster has is told by a program that looks at it; no person holds a role for it.
    "observations.send": ("sending observations", frozenset()),
    "observations.read": ("reading observations", EVERY_ROLE),
    "artifacts.read": ("reading artifacts", EVERY_ROLE),
    # Of what is found, each only as far as the reader may read it.
    "search.use": ("searching", EVERY_ROLE),
    "requests.read": ("reading requests", EVERY_ROLE),
    "requests.open": ("opening a request", frozenset({Role.REQUESTER})),
    # Of what one asked for, or a program one answers for; the act demands it.
    "requests.withdraw": ("withdrawing a request", EVERY_ROLE),
    "requests.decide": ("approving", APPROVERS),
    "requests.comment": ("commenting on a request", EVERY_ROLE),
    "requests.pass": ("leaving a request to others", EVERY_ROLE),
    # Out of one's own list for some days; it stays one's turn.
    "requests.snooze": ("putting a request off", EVERY_ROLE),
    # One's own, or with another security approver somebody else's: the act asks which.
    "approvals.revoke": ("revoking an approval", APPROVERS),
    # Letting somebody answer for oneself; and, of one's own or as the delegate, taking that back: the act asks.
    "delegations.give": ("letting somebody answer for you", APPROVERS),
    "delegations.end": ("taking a delegation back", EVERY_ROLE),
    "delegations.read": ("reading delegations", EVERY_ROLE),
    # What one may say, the acts that offer the statement ask.
    "statements.sign": ("signing a statement", EVERY_ROLE),
    # Which role may, the policy says; the act asks.
    "break_glass.declare": ("breaking the glass", EVERY_ROLE),
    "policies.read": ("reading policies", EVERY_ROLE),
    # Writing puts nothing into force: that takes a request which people sign.
    "policies.edit": ("writing policies", frozenset({Role.POLICY_OWNER})),
    # Proposing a change of policy, and answering it. Whoever administers grants roles and decides nothing here.
    "policies.decide": ("deciding about policies", frozenset({Role.POLICY_OWNER})),
    "exceptions.ask": ("asking for an exception", frozenset({Role.REQUESTER})),
    # Whom the policy names for its waivers: the action is wide, the policy's own rule is not.
    "exceptions.decide": ("deciding about exceptions", APPROVERS | {Role.POLICY_OWNER}),
    # The pages of signing, for every kind of request; what a person may answer there is decided by the kind.
    "requests.answer": ("answering a request", APPROVERS | {Role.POLICY_OWNER}),
    "gates.read": ("reading gate decisions", EVERY_ROLE),
    "ledger.read": ("reading the log", EVERY_ROLE),
    "identities.read": ("reading the register of identities", EVERY_ROLE),
    "identities.steward": ("changing identities and roles", frozenset({Role.ADMINISTRATOR, Role.IDENTITY_STEWARD})),
    # Of a program one answers for; stewards look at any of their team. The act demands one or the other.
    "identities.recertify": ("looking at a program again", EVERY_ROLE),
    # For the whole portal at once, so by an administrator of a whole team. What it touches of other teams the acts ask for besides.
    "sign_in.change": ("changing how people sign in", frozenset({Role.ADMINISTRATOR})),
    "keys.own": ("keeping approval keys", EVERY_ROLE),
    "recoveries.decide": ("agreeing to the recovery of approval keys", frozenset({Role.OFFICER})),
    # Of oneself, so no role gives it: whoever just lost their last one still ends their sessions and reads what happened.
    "settings.own": ("keeping one's own settings", frozenset()),
    "audit.read": ("reading what people did here", frozenset({Role.AUDITOR, Role.ADMINISTRATOR})),
    # Of a whole team, without names; whoever is responsible for how it works.
    "indicators.read": ("reading how reviews go", frozenset({Role.AUDITOR, Role.ADMINISTRATOR, Role.POLICY_OWNER})),
    "packs.read": ("downloading evidence packs", EVERY_ROLE),
    # A receiver learns what the whole team decides.
    "webhooks.change": ("sending messages to other systems", frozenset({Role.ADMINISTRATOR})),
    "places.add": ("adding projects and environments", frozenset({Role.ADMINISTRATOR})),
    "portal.set_up": ("setting up the portal", frozenset({Role.ADMINISTRATOR})),
    "trust.read": ("reading what evidence is verified under", EVERY_ROLE),
    "trust.change": ("changing what evidence is verified under", frozenset({Role.OFFICER})),
}

# Taken only by a person at a browser, whatever credential a program holds.
HUMAN_ACTIONS = frozenset(
    {
        "approvals.revoke",
        "audit.read",
        "break_glass.declare",
        "delegations.end",
        "delegations.give",
        "exceptions.ask",
        "exceptions.decide",
        "identities.recertify",
        "identities.steward",
        "keys.own",
        "places.add",
        "policies.edit",
        "policies.decide",
        "portal.set_up",
        "recoveries.decide",
        "requests.answer",
        "requests.decide",
        "requests.pass",
        "requests.snooze",
        "settings.own",
        "sign_in.change",
        "statements.sign",
        "trust.change",
        "webhooks.change",
    }
)
# Every active person may, about themselves and nobody else.
OF_ONESELF = frozenset({"settings.own"})
# These change something for every team at once, so a role in one project does not reach that far.
BEYOND_ONE_PROJECT = frozenset({"places.add", "portal.set_up", "recoveries.decide", "sign_in.change", "trust.change"})
NONHUMAN_ACTIONS = frozenset(
    {
        "attestations.read",
        "attestations.send",
        "observations.send",
        "observations.read",
        "artifacts.read",
        "requests.read",
        "requests.open",
        "requests.comment",
        "requests.withdraw",
        "policies.read",
        "gates.read",
        "packs.read",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether an identity may, and the reason in words."""

    allowed: bool
    reason: str


def may(
    identity: Identity | None,
    action: str,
    *,
    project: Project | None = None,
    team: Team | None = None,
    role: str | None = None,
    they_are: str = "You are",
) -> Answer:
    """Answer whether `identity` may take `action` on `project`, in the whole of `team`, or (neither given) somewhere.

    `role` narrows the question to that one role. A role in one project says nothing about the rest of its team. `they_are` begins the
    sentence where it is told to somebody else.
    """
    words, roles = ACTIONS[action]
    wanted = frozenset({role}) & roles if role else roles
    if identity is None:
        return Answer(False, f"You are not signed in as a registered person; {words} needs {_any_of(wanted)}.")
    if identity.status != Identity.Status.ACTIVE:
        return Answer(False, f"{identity.name} is {identity.get_status_display().lower()}; {words} needs an active identity.")
    if not identity.is_person:
        return _may_nonhuman(identity, action, words, project.team_id if project else team.pk if team else None)
    if action in OF_ONESELF:
        return Answer(True, "These are your own.")
    fitting = _list_fitting(identity, action, wanted, project, team)
    if fitting:
        return Answer(True, f"{they_are} {_held_words(fitting)}.")
    where = f" in {project.slug}" if project else f" in {team.slug}" if team else ""
    return Answer(False, f"{they_are} {_held_words(_list_some_roles(identity))}; {words}{where} needs {_any_of(wanted)}.")


def is_allowed(identity: Identity, action: str, *, project: Project) -> bool:
    """Say whether `identity` may take `action` on `project`, as `may` answers, without reading what it would name as the reason."""
    if identity.status != Identity.Status.ACTIVE or not identity.is_person:
        return may(identity, action, project=project).allowed
    return action in OF_ONESELF or bool(_list_fitting(identity, action, ACTIONS[action][1], project, None))


def _list_fitting(
    identity: Identity, action: str, wanted: frozenset[str], project: Project | None, team: Team | None
) -> list[RoleAssignment]:
    """Return the roles by which a person may; those in a thousand teams are not read where one place is asked about."""
    place = project.team_id if project else team.pk if team else None
    held = list_roles_in(identity, place) if place else _list_some_roles(identity, action, wanted)
    return [assignment for assignment in _reaching(held, action) if assignment.role in wanted and _covers(assignment, project, team)]


def allowed_somewhere(identity: Identity | None, actions: Iterable[str]) -> frozenset[str]:
    """Return those of `actions` that roles let a person take somewhere, in one query; for what a menu offers. None of a program's."""
    if identity is None or identity.status != Identity.Status.ACTIVE or not identity.is_person:
        return frozenset()
    held = held_kinds(identity)
    return frozenset(
        action
        for action in actions
        if any(role in ACTIONS[action][1] for role, is_whole in held if is_whole or action not in BEYOND_ONE_PROJECT)
    )


def demand(
    identity: Identity | None,
    action: str,
    *,
    project: Project | None = None,
    team: Team | None = None,
    role: str | None = None,
) -> None:
    """Return when `identity` may; refuses with `permission.missing` and the reason `may` gives otherwise."""
    is_somewhere = project is None and team is None and role is None
    if is_somewhere and action not in OF_ONESELF and action in allowed_somewhere(identity, [action]):
        # The usual question of a page. Only who is refused is told which roles they hold, and in which of perhaps a thousand teams.
        return
    answer = may(identity, action, project=project, team=team, role=role)
    if not answer.allowed:
        raise NotAllowed("permission.missing", answer.reason)


def roles_of(identity: Identity, *, project: Project) -> list[RoleAssignment]:
    """Return the roles a person holds now on `project`, given on it or on its whole team."""
    return [assignment for assignment in list_roles_in(identity, project.team_id) if _covers(assignment, project, None)]


def list_held_roles(identity: Identity) -> list[RoleAssignment]:
    """Return every role the identity holds now, in one query."""
    return [*once(("roles", identity.pk), lambda: list(_held_by(identity)))]


def list_roles_in(identity: Identity, team_id: str) -> list[RoleAssignment]:
    """Return the roles the identity holds now in one team and in its projects; in one query that takes as long for a member of a thousand teams
    as for one of this team alone, or in none where every role is read already."""
    read = known(("roles", identity.pk))
    if read is not None:
        return [role for role in read if role.team_id == team_id]
    return [*once(("roles in a team", identity.pk, team_id), lambda: list(_held_by(identity).filter(team=team_id)))]


def list_roles_among(identity: Identity, teams: Q) -> list[RoleAssignment]:
    """Return the roles the identity holds now in those teams for which the condition on `RoleAssignment` rows holds; in one query."""
    return list(_held_by(identity).filter(teams))


def _held_by(identity: Identity) -> QuerySet[RoleAssignment]:
    held = RoleAssignment.objects.held().filter(identity=identity).select_related("team", "project")
    return held.order_by("team__slug", "role", "project__slug")


def _list_some_roles(identity: Identity, action: str = "", wanted: frozenset[str] = EVERY_ROLE) -> list[RoleAssignment]:
    """Return as many of the roles that may count for `action` as a sentence names, and one more where there are more."""
    read = known(("roles", identity.pk))
    if read is not None:
        return [role for role in _reaching(read, action) if role.role in wanted]
    rows = _held_by(identity) if wanted == EVERY_ROLE else _held_by(identity).filter(role__in=sorted(wanted))
    rows = rows.filter(project__isnull=True) if action in BEYOND_ONE_PROJECT else rows
    return once(("some roles", identity.pk, action in BEYOND_ONE_PROJECT, wanted), lambda: list(rows[: MOST_SAID + 1]))


def held_kinds(identity: Identity) -> frozenset[tuple[str, bool]]:
    """Return which roles the identity holds now, each with whether it holds in a whole team or in one project; in one query, whose answer is as
    short for a thousand teams as for one, or in none where every role is read already."""
    read = known(("roles", identity.pk))
    if read is not None:
        return frozenset((role.role, role.project_id is None) for role in read)
    along = getattr(identity, KINDS_ALONG, None)
    if along is not None and is_reading():
        # Read with the account, a moment ago in this very request. Whatever changes something asks anew.
        return frozenset((role, whole == "whole") for role, _, whole in (kind.rpartition(" ") for kind in along))
    held = RoleAssignment.objects.held().filter(identity=identity).annotate(is_whole=Q(project__isnull=True))
    return once(("kinds of roles", identity.pk), lambda: frozenset(held.order_by().values_list("role", "is_whole").distinct()))


def readable_teams(identity: Identity, action: str) -> Q:
    """Return the condition on `Project` rows that holds for those on which `identity` may take `action`; for lists. It asks nothing by itself, and
    is as short for a thousand roles as for one; what it finds is what is held when the list is read."""
    condition = Q(pk__in=[])
    if identity.status != Identity.Status.ACTIVE:
        return condition
    if not identity.is_person:
        return Q(team_id=identity.team_id) if action in NONHUMAN_ACTIONS else condition
    held = RoleAssignment.objects.held().filter(identity=identity, role__in=sorted(ACTIONS[action][1]))
    # No role is named: people are in a thousand teams, and the database finds theirs faster than it reads a list of them.
    return Q(team__in=held.filter(project__isnull=True).values("team")) | Q(pk__in=held.filter(project__isnull=False).values("project"))


def readable_projects(identity: Identity, action: str) -> QuerySet[Project]:
    """Return the projects on which `identity` may take `action`. What is read of any other is answered as if it were not there."""
    return Project.objects.filter(readable_teams(identity, action))


def readable_whole_teams(identity: Identity, action: str) -> QuerySet[Team]:
    """Return the teams in the whole of which `identity` may take `action`; a role in one project alone gives none."""
    if not identity.is_person:
        return Team.objects.filter(pk=identity.team_id) if may(identity, action).allowed else Team.objects.none()
    if identity.status != Identity.Status.ACTIVE:
        return Team.objects.none()
    held = RoleAssignment.objects.held().filter(identity=identity, project__isnull=True, role__in=sorted(ACTIONS[action][1]))
    return Team.objects.filter(pk__in=held.values("team"))


def is_of_team(identity: Identity, team: Team) -> bool:
    """Return whether an active identity belongs to `team`: a person by any role there, also one in a project alone, a program by its team."""
    if identity.status != Identity.Status.ACTIVE:
        return False
    if not identity.is_person:
        return identity.team_id == team.pk
    return bool(list_roles_in(identity, team.pk))


def person_of(request: HttpRequest) -> Identity:
    """Return the person behind a signed-in request. Refuses with `identity.unregistered` for an account without one."""
    identity: Identity | None = getattr(request.user, "identity", None)
    if identity is None or not identity.is_person:
        raise NotAllowed("identity.unregistered", "This sign-in account belongs to no registered person; ask an administrator.")
    return identity


def requires(action: str) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Guard a view: anonymous goes to sign-in; anyone else must be an active person who may take `action` somewhere.

    A program that presents a credential is refused with `approval.human_required` where only people act. What the view
    then shows or changes still needs its own `demand` on the project.
    """
    if action not in ACTIONS:
        raise KeyError(action)

    def guard(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if action in HUMAN_ACTIONS and request.headers.get("Authorization"):
                raise NotAllowed("approval.human_required", "got an API credential, expected a person signed in with a browser")
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            demand(person_of(request), action)
            return view(request, *args, **kwargs)

        guarded.required_action = action  # type: ignore[attr-defined]
        return guarded

    return guard


def with_article(label: str) -> str:
    """Return a role's label as part of a sentence: "an auditor"."""
    lowered = label.lower()
    return f"{'an' if lowered[0] in 'aeio' else 'a'} {lowered}"


def _may_nonhuman(identity: Identity, action: str, words: str, team_id: str | None) -> Answer:
    if action not in NONHUMAN_ACTIONS:
        return Answer(False, f"{identity.name} is not a person; {words} needs a person.")
    if identity.owner is None or identity.owner.status != Identity.Status.ACTIVE:
        return Answer(False, f"Nobody active answers for {identity.name}; {words} needs an owner who does.")
    if team_id is not None and team_id != identity.team_id:
        return Answer(False, f"{identity.name} belongs to another team; {words} needs an identity of the project's own team.")
    return Answer(True, f"{identity.name} acts for its team.")


def _reaching(held: Iterable[RoleAssignment], action: str) -> list[RoleAssignment]:
    """Return the roles that may count for `action` at all: one in a single project does not for what changes every team."""
    return [assignment for assignment in held if assignment.project_id is None or action not in BEYOND_ONE_PROJECT]


def _covers(assignment: RoleAssignment, project: Project | None, team: Team | None) -> bool:
    if project is not None:
        if assignment.project_id is not None:
            return assignment.project_id == project.pk
        return assignment.team_id == project.team_id
    if team is not None:
        return assignment.project_id is None and assignment.team_id == team.pk
    return True


def _held_words(held: Sequence[RoleAssignment]) -> str:
    phrases = [f"{with_article(a.get_role_display())} in {a.project.slug if a.project else a.team.slug}" for a in held]
    if len(phrases) > MOST_SAID:
        phrases[MOST_SAID:] = ["more elsewhere"]
    return " and ".join(phrases) if phrases else "without a role"


def _any_of(roles: Iterable[str]) -> str:
    names = sorted(str(role) for role in roles)
    if not names:
        return "a role that does not exist for it"
    if len(names) == len(EVERY_ROLE):
        return "any role"
    return f"the role {names[0]}" if len(names) == 1 else f"one of the roles {', '.join(names[:-1])} or {names[-1]}"
