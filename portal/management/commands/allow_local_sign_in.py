"""`manage.py allow_local_sign_in`: the way back in when sign-in through identity providers fails."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from identities.sso.switch_local_sign_in import switch_local_sign_in
from portal.management.console import DataCommand


class Command(DataCommand):
    help = "Let people sign in with a password or passkey of this portal again. It asks nobody, and needs no identity provider."

    def handle(self, *args: Any, **options: Any) -> None:
        done = switch_local_sign_in(allowed=True, by=None, now=timezone.now())
        self.stdout.write("people may sign in with accounts of this portal" + ("" if done.changed else ", as before"))
