"""`manage.py reactivate_person PERSON --reason TEXT`: let a person who was deactivated come back."""

from __future__ import annotations

from identities.people.deactivate import reactivate_person
from portal.management.status_command import StatusCommand


class Command(StatusCommand):
    help = "Let a deactivated person act again. Roles and approval keys do not come back: grant and enrol them anew."
    change = staticmethod(reactivate_person)
