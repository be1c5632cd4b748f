"""`manage.py retire_identity IDENTITY --reason TEXT`: end a person's or a program's part here for ever."""

from __future__ import annotations

from identities.lifecycle.change_status import retire_identity
from portal.management.status_command import StatusCommand


class Command(StatusCommand):
    help = "Retire an identity for ever. What it signed before stays what it is; what is signed later never counts."
    change = staticmethod(retire_identity)
