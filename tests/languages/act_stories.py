"""What stands on the pages where somebody does more than answer: exceptions in every state, delegations, the glass broken, an answer taken back.

All of it happens now, because these pages tell what is live from what is over by the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.exceptions.withdraw_waiver import withdraw_waiver
from identities.models import Identity
from tests import cast
from tests import make_approvals as make
from tests import make_changes as changes
from tests.languages.stories import Place


def recent_client_of(reader: Identity) -> Client:
    """Return a browser in which the reader signed in a moment ago, as the pages that change something want it."""
    return cast.let_in(Client(), reader)


def of_exceptions() -> Iterator[Place]:
    """Waivers that are live, ending, ended, over all of a place, and whose rule changed; and the pages that make and end one."""
    now = timezone.now()
    before = now - timedelta(days=4)
    bob = cast.bob(now=before)
    make.set_stage(source=changes.WAIVABLE, now=before)
    about = make.ask(now=before)
    yield Place("no exceptions", reverse("approvals:exceptions"), bob)
    changes.waive(about, days=3, now=before)
    waiver = changes.waive(about, now=now)
    changes.waive(about, days=1, now=now)
    taken_back = changes.waive(about, days=6, artifacts=None, now=now)
    withdraw_waiver(waiver=taken_back, reason="Mended.", by=bob, now=now)
    yield Place("exceptions", reverse("approvals:exceptions"), bob)
    yield Place("ask for an exception", f"{reverse('approvals:exception_ask', args=[about.pk])}?rule=provenance", bob)
    yield Place("end an exception", reverse("approvals:exception_end", args=[waiver.pk]), bob)
    changes.change(changes.version(2, source=changes.WAIVABLE, Built_by="Made by"), now=now)
    yield Place("exceptions of a changed policy", reverse("approvals:exceptions"), bob)
