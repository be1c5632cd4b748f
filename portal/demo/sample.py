"""The demo's sample data: a software factory of forty identities with ninety days behind it, or a small one for a quick look.

Everything goes through the same acts as real data, and every signature is real; only the certificate authority and the logs are the
demo's own. All of it is one transaction, so nothing half-made is ever seen; made once, it is left alone.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from approvals.models import Request
from identities.models import Identity
from ledger.keys import create_portal_keys
from portal.demo.accounts import ACCOUNTS, demo_password
from portal.demo.ninety_days import make_ninety_days
from portal.demo.small_sample import make_small_sample

# Told how many days of how many are made, and how many requests there are.
Tell = Callable[[int, int, int], None]


def make_sample_data(*, now: datetime, is_small: bool = False, tell: Tell = lambda done, days, requests: None) -> list[str]:
    """Make the sample data unless it is there; return the lines to show in the terminal."""
    if not Identity.objects.exists():
        create_portal_keys()
        with transaction.atomic(), _seldom_collecting(), _quietly():
            if is_small:
                make_small_sample(now=now)
            else:
                make_ninety_days(now=now, tell=tell)
    waiting = Request.objects.filter(state__status="ready").count()
    return [
        f"{waiting} release waits for approval." if waiting == 1 else f"{waiting} requests wait for approval.",
        "Sign in as " + ", ".join(f"{username} / {demo_password(username)} ({does})" for username, (_, does) in ACCOUNTS.items()) + ".",
    ]


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Look for garbage in cycles a hundred times less often: half the time of so many acts in a row goes there otherwise."""
    usual = gc.get_threshold()
    gc.set_threshold(100 * usual[0], *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the line about each new passkey out of the terminal, where the progress stands."""
    told = logging.getLogger("fido2.server")
    usual = told.level
    told.setLevel(logging.WARNING)
    try:
        yield
    finally:
        told.setLevel(usual)
