"""What the register holds of everything a file names, looked up in a number of queries that does not grow with each program. Reads only.

It is as old as the look-up: the acts look again at whatever they change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from identities.bulk.document import ProgramRow
from identities.grants.held import in_force
from identities.models import Environment, EvidenceSigner, Grant, Identity, Project, Team
from proofs.errors import NotFound

Place = TypeVar("Place", Team, Project, Environment)
# So many values stand in one query; databases limit that.
CHUNK = 500


class Known:
    """Programs, owners, places, signers and grants that the file may mean. Lines add to it what they register."""

    def __init__(self, programs: Sequence[ProgramRow], *, now: datetime) -> None:
        self._identities = _find_identities({(program.issuer, program.subject) for program in programs})
        self._owners = _find_owners({program.owner for program in programs})
        self._places = {model: {place.slug: place for place in model._default_manager.all()} for model in (Team, Project, Environment)}
        found = [identity.pk for identity in self._identities.values()]
        self.signers: dict[str, list[EvidenceSigner]] = defaultdict(list)
        self.grants: dict[str, list[Grant]] = defaultdict(list)
        for chunk in _chunks(found):
            for signer in EvidenceSigner.objects.filter(identity__in=chunk).order_by("pk"):
                self.signers[signer.identity_id].append(signer)
            for grant in Grant.objects.filter(in_force(now), identity__in=chunk).order_by("pk"):
                self.grants[grant.identity_id].append(grant)
        # Which program of the file is the first to sign as this; two of one file would be noticed only when it is taken in.
        self.claimed: dict[tuple[str, str], str] = {}

    def identity(self, program: ProgramRow) -> Identity | None:
        """Return who is registered under the issuer and subject, spaces around them aside."""
        return self._identities.get((program.issuer, program.subject))

    def owner(self, name: str) -> Identity:
        """Return the person by username, or by id. Refuses with `person.unknown`."""
        if name not in self._owners:
            raise NotFound("person.unknown", f"got the owner {name[:60]!r}, expected the username or id of a person who is registered")
        return self._owners[name]

    def place(self, model: type[Place], what: str, slug: str) -> Place:
        """Return the team, project or environment by its short name. Refuses with `team.unknown`, `project.unknown` or `environment.unknown`."""
        found = self._places[model].get(slug)
        if not isinstance(found, model):
            raise NotFound(f"{what}.unknown", f"there is no {what} {slug[:60]}")
        return found


def _find_identities(wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], Identity]:
    """Names that were registered with spaces around them, as was possible once, are found too, so that nothing is registered a second time."""
    named = Identity.objects.values_list("issuer", "subject", "pk").order_by("pk").iterator(chunk_size=5000)
    ids: dict[tuple[str, str], str] = {}
    for issuer, subject, pk in named:
        key = (issuer.strip(), subject.strip())
        if key in wanted and (key == (issuer, subject) or key not in ids):
            ids[key] = pk
    rows = {
        row.pk: row
        for chunk in _chunks(list(ids.values()))
        for row in Identity.objects.select_related("owner", "team").filter(pk__in=chunk)
    }
    return {key: rows[pk] for key, pk in ids.items() if pk in rows}


def _find_owners(names: Collection[str]) -> dict[str, Identity]:
    found: dict[str, Identity] = {}
    for chunk in _chunks(sorted(names)):
        rows = Identity.objects.select_related("team", "user")
        found |= {row.pk: row for row in rows.filter(pk__in=chunk)}
        # A username goes first.
        found |= {row.user.username: row for row in rows.filter(user__username__in=chunk)}
    return found


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
