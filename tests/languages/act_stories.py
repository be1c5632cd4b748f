"""What stands on the pages where somebody does more than answer: exceptions in every state, delegations, the glass broken, an answer taken back.

All of it happens now, because these pages tell what is live from what is over by the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.changes.propose_expectations import propose_expectations
from approvals.delegation.take_back import take_back
from approvals.emergency.withdraw_break_glass import withdraw_break_glass
from approvals.exceptions.withdraw_waiver import withdraw_waiver
from approvals.forms import REQUEST_FORMS
from approvals.models import Approval, ExpectationsVersion
from approvals.reading.indicators import FEWEST
from approvals.reading.note_reading import note_reading
from identities.models import Identity
from identities.people.deactivate import deactivate_person
from tests import cast
from tests import make_approvals as make
from tests import make_break_glass as glass
from tests import make_changes as changes
from tests import make_delegations as lending
from tests import make_releases as releases
from tests import make_statements as statements
from tests.languages.stories import Place
from tests.make_observations import observe, runs


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


def of_break_glass() -> Iterator[Place]:
    """One that is live, one overdue, one found wrong by the first of two, one taken back, one that two found right; and the pages that make and end one."""
    now = timezone.now()
    before = now - timedelta(days=5)
    stage = make.set_stage(source=glass.POLICY, now=before)
    person = glass.declarer(now=before)
    yield Place("no break-glass", reverse("approvals:break_glasses"), person)
    for tag in ("1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.5"):
        make.send_provenance(stage, tag=tag, now=before)
    sally, sven = (cast.person(name, name.title(), "approver:security", now=before) for name in ("sally", "sven"))
    for tag, decisions in (("1.0.1", ()), ("1.0.2", ("approve", "approve")), ("1.0.3", ("reject", "reject"))):
        declared = glass.declare(now=before, digest=make.image(tag))
        for decision, reviewer in zip(decisions, (sally, sven), strict=False):
            changes.answer(declared.review, reviewer, decision=decision, reason="I looked at it.", now=before)
    wrong = glass.declare(now=now, digest=make.image("1.0.4"))
    changes.answer(wrong.review, sally, decision="reject", reason="I looked at it.", now=now)
    taken_back = glass.declare(now=now, digest=make.image("1.0.5"))
    withdraw_break_glass(break_glass=taken_back, reason="It is up again.", by=person, now=now)
    new = reverse("approvals:break_glass_new", args=[make.image("1.0.5")])
    where = f"{new}?project={cast.payments_api().pk}&environment={cast.production().pk}"
    for reader in (person, cast.bob()):
        yield Place(f"break-glass of {reader}", reverse("approvals:break_glasses"), reader)
    yield Place("where to break the glass", new, person)
    yield Place("break the glass", where, person)
    no_key = cast.person("nia", "Nia Roth", "approver:owner", now=now)
    yield Place("break the glass without a key", where, no_key)
    make.send_provenance(stage, now=now)
    live = glass.declare(now=now)
    yield Place("live break-glass", reverse("approvals:break_glasses"), person)
    yield Place("end a break-glass", reverse("approvals:break_glass_end", args=[live.pk]), person)


def of_revoking() -> Iterator[Place]:
    """An approval that its approver, somebody who answers for security, and an approver without a key may take back."""
    now = timezone.now()
    stage = make.set_stage(now=now)
    make.send_provenance(stage, now=now)
    approval = make.approve(make.ask(now=now), cast.alice(now=now), now=now)
    sam, nia = changes.sam(now=now), cast.person("nia", "Nia Roth", "approver:security", now=now)
    statements.passkey_of(sam, now=now)
    for reader in (cast.alice(), sam, nia):
        yield Place(f"revoke as {reader}", reverse("approvals:revoke", args=[approval.pk]), reader)


def of_comparing() -> Iterator[Place]:
    """A release held against each of two earlier ones, of which one runs, and against nothing; and one that nothing came before."""
    stage = make.set_stage()
    first = releases.release(stage, "1.4.0", cyclonedx=releases.cyclonedx("pkg:npm/lodash@4.17.20"))
    yield Place("compare the first", reverse("approvals:beside", args=[first.pk]), cast.alice())
    make.approve(first, cast.alice())
    before = releases.release(stage, releases.FIRST, now=releases.later(5), cyclonedx=releases.cyclonedx("pkg:npm/express@4.18.2"))
    make.approve(before, cast.alice(), now=releases.later(6))
    asked = releases.release(stage, releases.SECOND, now=releases.later(), cyclonedx=releases.cyclonedx("pkg:npm/lodash@4.17.20"))
    page = reverse("approvals:beside", args=[asked.pk])
    yield Place("compare where nothing was seen", page, cast.alice())
    seen_at = releases.later(20)
    observe(runs(at=seen_at, location="cluster-1/payments/api", digest=make.image("1.4.0")), now=seen_at)
    for key in (first.pk, before.pk, "running", "nothing"):
        yield Place(f"compare with {key}", f"{page}?with={key}", cast.alice())


def of_indicators() -> Iterator[Place]:
    """A team with too few answers to say anything, one with enough, and somebody of no whole team."""
    now = timezone.now()
    begun = now - timedelta(hours=30)
    make.set_stage(source=make.NO_EVIDENCE, now=begun)
    people = [cast.person(name, name.title(), "approver:release", now=begun) for name in ("ann", "ben", "cat")]
    carol = cast.carol(now=begun)
    yield Place("too few answers", reverse("approvals:indicators"), carol)
    for number in range(FEWEST):
        at, person = begun + timedelta(hours=number), people[number % len(people)]
        request = make.ask(now=at)
        note_reading(revision=request.revisions.get(), seconds=4, opened=0, by=person, now=at)
        make.approve(request, person, now=at)
    yield Place("enough answers", reverse("approvals:indicators"), carol)
    of_one_project = cast.person("pam", "Pam Rhee", "auditor", project=cast.payments_api(), now=now)
    yield Place("no whole team", reverse("approvals:indicators"), of_one_project)


def of_expectations() -> Iterator[Place]:
    """Expectations that one person put into force, those that two owners put in their place, and those that are proposed; and the page that proposes."""
    now = timezone.now()
    before = now - timedelta(days=5)
    make.set_stage(source=make.BY_PROJECT, now=before)
    propose = reverse("approvals:expectations_propose", args=[cast.payments_api().pk])
    yield Place("propose the first expectations", propose, make.erin(now=before))
    first = make.expect(now=before).expectations
    owners = (make.erin(now=before), changes.frank(now=before))
    second = propose_expectations(source=expectations_source(2), project=cast.payments_api(), by=owners[0], now=now, note="We moved.")
    for owner in owners:
        changes.answer(second, owner, now=now)
    propose_expectations(source=expectations_source(3, "ship"), project=cast.payments_api(), by=owners[0], now=now, note="")
    versions = ExpectationsVersion.objects.order_by("version")
    assert [version.activations.count() for version in versions] == [1, 1, 0]
    for version in versions:
        for reader in (owners[0], cast.alice()):
            yield Place(f"expectations {version.version} of {reader}", reverse("approvals:expectations", args=[version.pk]), reader)
    yield Place("propose older expectations", f"{propose}?from={first.pk}", owners[0])


def expectations_source(version: int, workflow: str = "build") -> str:
    """Expectations of the project in words, under which this workflow counts."""
    return make.EXPECTATIONS.format(version=version, workflow=workflow)


def begin_to_revoke(client: Client) -> str:
    """Send why an approval counts no more, and return the path of the page that shows what is signed of it."""
    approval = Approval.objects.get(identity=cast.alice())
    given = {"reason": "approver_withdrew", "justification": "I looked again.", "key": approval.signing_key_id}
    return _begun(client, reverse("approvals:revoke", args=[approval.pk]), given)


def begin_to_delegate(client: Client) -> str:
    """Send who stands in for alice, and return the path of the page that shows what is signed of it."""
    given = delegation_form(timezone.now(), days=3)
    return _begun(client, reverse("approvals:delegation_new"), given)


def delegation_form(now: datetime, *, days: int) -> dict[str, Any]:
    """What alice fills in to let dana answer for her, for so many days."""
    return {
        "project": cast.payments_api().pk,
        "delegate": lending.dana(now=now).pk,
        "roles": ["approver:release"],
        "first": f"{now:%Y-%m-%d}",
        "last": f"{now + timedelta(days=days):%Y-%m-%d}",
        "justification": "I am away.",
        "key": statements.passkey_of(cast.alice(), now=now)[1].pk,
    }


def begin_to_break_the_glass(client: Client) -> str:
    """Send what forces it, and return the path of the page that shows what is signed of it."""
    key = glass.key_of(glass.declarer(), now=timezone.now())
    given = {"incident": "INC-8", "justification": "Payments are down.", "hours": 2, "max_uses": 1, "key": key.pk}
    return _begun(client, path_to_break_the_glass(), given)


def path_to_break_the_glass() -> str:
    """Where the glass is broken for the image in production."""
    place = f"project={cast.payments_api().pk}&environment={cast.production().pk}"
    return f"{reverse('approvals:break_glass_new', args=[make.image()])}?{place}"


def _begun(client: Client, path: str, given: dict[str, Any]) -> str:
    sent = client.post(path, given)
    assert sent.status_code == 302, sent.content.decode()[-3000:]
    return str(sent["Location"])
