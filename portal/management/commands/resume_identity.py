"""`manage.py resume_identity IDENTITY --reason TEXT`: let a suspended person or program act again."""

from __future__ import annotations

from identities.lifecycle.change_status import resume_identity
from portal.management.status_command import StatusCommand


class Command(StatusCommand):
    help = "Let a suspended identity act again."
    change = staticmethod(resume_identity)
