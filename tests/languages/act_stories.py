"""What stands on the pages where somebody does more than answer: exceptions in every state, delegations, the glass broken, an answer taken back.

All of it happens now, because these pages tell what is live from what is over by the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.delegation.take_back import take_back
from approvals.exceptions.withdraw_waiver import withdraw_waiver
from approvals.forms import REQUEST_FORMS
from identities.models import Identity
from identities.people.deactivate import deactivate_person
from tests import cast
from tests import make_approvals as make
from tests import make_changes as changes
from tests import make_delegations as lending
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


def of_delegations() -> Iterator[Place]:
    """Who stands in for alice, for others and for nobody; delegations that ended by themselves, were taken back, or ended with a person."""
    now = timezone.now()
    before = now - timedelta(days=6)
    make.set_stage(source=lending.ALLOWED, now=before)
    alice, dana, about = cast.alice(now=before), lending.dana(now=before), make.ask(now=now)
    yield Place("no delegations", reverse("approvals:delegations"), alice)
    lending.give(alice, dana, now=before)
    taken_back = lending.give(alice, dana, now=before, until=now + timedelta(days=3))
    take_back(delegation=taken_back, reason="I am back.", by=alice, now=now)
    roles = ["approver:release", "approver:security"]
    sam = cast.person("sam", "Sam Lindqvist", *roles, now=before)
    lending.give(sam, dana, now=before, until=now + timedelta(days=4), roles=roles, environments=[cast.production()])
    gone = cast.person("gus", "Gus Holm", "approver:release", now=before)
    lending.give(gone, dana, now=before, until=now + timedelta(days=4))
    deactivate_person(identity=gone, reason="Left.", by=None, now=now)
    live = lending.give(alice, dana, now=now)
    for reader in (alice, dana, cast.bob()):
        yield Place(f"delegations of {reader}", reverse("approvals:delegations"), reader)
    yield Place("delegate", reverse("approvals:delegation_new"), alice)
    yield Place("delegate a request", f"{reverse('approvals:delegation_new')}?request={about.pk}", alice)
    no_key = cast.person("nia", "Nia Roth", "approver:release", now=now)
    yield Place("delegate without a key", reverse("approvals:delegation_new"), no_key)
    yield Place("end a delegation", reverse("approvals:delegation_end", args=[live.pk]), alice)


def of_asking() -> Iterator[Place]:
    """The form for each kind that a person asks for."""
    make.set_stage(now=timezone.now())
    for kind in REQUEST_FORMS:
        yield Place(f"ask for a {kind}", f"{reverse('approvals:request_new')}?kind={kind}", cast.bob())
