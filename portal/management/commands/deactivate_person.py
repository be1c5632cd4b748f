"""`manage.py deactivate_person PERSON --reason TEXT`: let a person go, with all they could act with."""

from __future__ import annotations

from identities.people.deactivate import deactivate_person
from portal.management.status_command import StatusCommand


class Command(StatusCommand):
    help = "Deactivate a person who leaves: their roles, approval keys, sessions and unused approvals end; what they approved and a gate used stays."
    change = staticmethod(deactivate_person)
