"""`manage.py suspend_identity IDENTITY --reason TEXT`: stop a person or a program at once, until resumed."""

from __future__ import annotations

from identities.lifecycle.change_status import suspend_identity
from portal.management.status_command import StatusCommand


class Command(StatusCommand):
    help = "Suspend an identity. It can do nothing, and gates deny what it signed, until it is resumed."
    change = staticmethod(suspend_identity)
