"""Put together what the page and the API say of one identity in one window: answer, findings, comparison, deeds.

Who may read it is decided here. Persons have no such report: what people do stands in their approvals, and nobody measures them.
"""

from __future__ import annotations

from dataclasses import dataclass

from identities.models import Identity
from identities.permissions import demand
from identities.queries import get_identity_of_own_team
from proofs.errors import NotAllowed
from reports.identity_use.answer import Answer, answer_use
from reports.identity_use.check_use import check_use
from reports.identity_use.compare import Row, compare_use
from reports.identity_use.observed import read_use
from reports.identity_use.use import Deed, Use, UseFinding, Window


@dataclass(frozen=True, slots=True)
class UseReport:
    """An identity's use of its rights in a window, and what came of looking at it."""

    identity: Identity
    use: Use
    findings: tuple[UseFinding, ...]
    answer: Answer
    rows: tuple[Row, ...]

    @property
    def deeds(self) -> tuple[Deed, ...] | None:
        """What it did in the window; None where no record in or before it shows any deed, which is not the same as nothing."""
        return self.use.deeds if self.use.has_telemetry else None


def find_reported(identity_id: str, *, reader: Identity) -> Identity:
    """Return the identity that is asked about; refuses with `identity.unknown`, `permission.missing` or `use.people`.

    Which credentials a program has, and what it does with them, is the affair of its owner, its own team's people and its own team's programs.
    """
    shown = get_identity_of_own_team(identity_id, reader=reader)
    if reader.is_person and shown.owner_id != reader.pk:
        demand(reader, "identities.read", team=shown.team)
    if shown.is_person:
        raise NotAllowed(
            "use.people", f"{shown.name} is a person; people are no programs, and only the use of programs is held against grants"
        )
    return shown


def build_report(identity: Identity, window: Window) -> UseReport:
    """Read, check and answer; `identity` comes from `find_reported`."""
    use = read_use(identity, window)
    findings = check_use(use)
    return UseReport(identity, use, findings, answer_use(use, findings), compare_use(use, findings))
