"""What the groups of a person give under a set of rules, and how that differs from what they hold. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from proofs.errors import Malformed
from proofs.fields import Fields

MAX_RULES = 1000
MAX_GROUPS = 2000
_CODE = "sso.rules"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A role in a team, or in one project of it; teams and projects by slug."""

    team: str
    project: str
    role: str

    def __str__(self) -> str:
        return f"{self.role} in {self.project or self.team}"


@dataclass(frozen=True, slots=True, order=True)
class GroupRule:
    """Whoever is in `group` holds the role at `place`."""

    group: str
    place: Place

    def document(self) -> dict[str, str | None]:
        """Return the rule as it is stored and written in files."""
        place = self.place
        return {"group": self.group, "team": place.team, "project": place.project or None, "role": place.role}


@dataclass(frozen=True, slots=True)
class RoleChanges:
    """What changes for one person: each list is sorted. `kept` were given by groups before and still are."""

    gained: tuple[Place, ...]
    lost: tuple[Place, ...]
    kept: tuple[Place, ...]
    # Given by a group, and held anyway by a grant of somebody; the grant stays as it is.
    held_directly: tuple[Place, ...]


def parse_rules(document: object) -> tuple[GroupRule, ...]:
    """Return the rules of a document, sorted and each once. Refuses with `sso.rules`; whether teams and roles exist is asked elsewhere."""
    if not isinstance(document, list):
        raise Malformed(_CODE, f"got {type(document).__name__} for rules, expected a list")
    if len(document) > MAX_RULES:
        raise Malformed(_CODE, f"got {len(document)} rules, expected no more than {MAX_RULES}")
    return tuple(sorted({_rule(item, number) for number, item in enumerate(document)}))


def clean_groups(groups: Iterable[object]) -> tuple[str, ...]:
    """Return the names of groups, sorted and each once, letter for letter. Refuses with `sso.groups` what is no list of short texts."""
    names = list(groups)
    if len(names) > MAX_GROUPS:
        raise Malformed("sso.groups", f"got {len(names)} groups, expected no more than {MAX_GROUPS}")
    for name in names:
        if not isinstance(name, str) or not name or len(name) > 300:
            raise Malformed("sso.groups", f"got {str(name)[:60]!r} as a group, expected a text of up to 300 characters")
    return tuple(sorted({str(name) for name in names}))


def places_given(rules: Iterable[GroupRule], groups: Iterable[str]) -> dict[Place, tuple[str, ...]]:
    """Return what the groups give, each place with the groups that give it. Names are compared letter for letter."""
    held = set(groups)
    given: dict[Place, set[str]] = {}
    for rule in rules:
        if rule.group in held:
            given.setdefault(rule.place, set()).add(rule.group)
    return {place: tuple(sorted(by)) for place, by in sorted(given.items())}


def compare_roles(*, given: Iterable[Place], by_groups: Iterable[Place], directly: Iterable[Place]) -> RoleChanges:
    """Compare what groups give with what is held by them and what is held otherwise."""
    wanted, had, other = set(given), set(by_groups), set(directly)
    return RoleChanges(
        gained=tuple(sorted(wanted - had - other)),
        lost=tuple(sorted(had - wanted)),
        kept=tuple(sorted(wanted & had)),
        held_directly=tuple(sorted((wanted & other) - had)),
    )


def authors_of(versions: Sequence[tuple[str | None, Iterable[GroupRule]]]) -> Mapping[GroupRule, str | None]:
    """Return who first wrote each rule of the last version, given every version from the first on, each with its maker.

    A rule that was carried over keeps its author; one that was taken out and came back has the new one. None is the operator.
    """
    authors: dict[GroupRule, str | None] = {}
    for maker, rules in versions:
        authors = {rule: authors.get(rule, maker) for rule in rules}
    return authors


def _rule(item: object, number: int) -> GroupRule:
    fields = Fields(item, path=f"rules[{number}]", code=_CODE).only("group", "team", "project", "role")
    project = fields.text("project", limit=50) if fields.has("project") else ""
    place = Place(team=fields.text("team", limit=50), project=project, role=fields.text("role", limit=24))
    return GroupRule(group=fields.text("group", limit=300), place=place)
