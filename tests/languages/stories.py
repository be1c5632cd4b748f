"""What stands on the pages that are translated when they are looked over: requests in many states, an artifact with a past, people with names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.test import Client
from django.urls import reverse

from approvals.models import Approval, Request, RequestArtifact
from attestations.models import Artifact
from identities.models import Environment, Identity, Project, SigningKey, Team
from tests import cast
from tests import make_approvals as make
from tests import make_releases as of
from tests.make_observations import observe, runs, said

LATER = make.NOW + timedelta(minutes=30)
MOST_ARTIFACTS = 4
SEARCHES = ("", "a", "payments", "nothing-like-this")


@dataclass(frozen=True)
class Place:
    """A page, and who reads it."""

    name: str
    path: str
    reader: Identity | None


def client_of(reader: Identity | None) -> Client:
    """Return a browser in which the reader is signed in."""
    client = Client()
    if reader is not None:
        client.force_login(cast.account_of(reader))
    return client


def list_names() -> set[str]:
    """Return what people called people, teams, projects, environments, requests and keys."""
    found: set[str] = set()
    for rows in (Identity.objects, Team.objects, Project.objects, Environment.objects):
        found |= set(rows.values_list("name", flat=True))
    found |= set(RequestArtifact.objects.values_list("name", flat=True))
    found |= set(Request.objects.values_list("title", flat=True)) | set(SigningKey.objects.values_list("label", flat=True))
    found |= set(SEARCHES) | {"payments/api", "payments/api:1.4.2", "payments/api:1.4.1"}
    return found - {""}


def tell_of_a_release() -> Request:
    """A release of which an earlier one was approved: it has a comparison, and it waits for alice."""
    stage = make.set_stage()
    of.approved(stage)
    make.send_tests(stage, tag=of.SECOND, now=of.later())
    request = of.release(stage, of.SECOND, now=of.later())
    make.enrol(cast.alice(), now=of.later())
    return request


def tell_of_one_that_changed() -> Request:
    """A request that was approved, and about whose artifact contradicting evidence came in after that; it was seen running."""
    stage = make.set_stage(count=2)
    make.send_provenance(stage)
    make.expect()
    request = make.ask()
    make.approve(request, cast.alice())
    observe(runs(at=LATER, location="cluster-1/payments/api"), now=LATER)
    observe(said(at=LATER, location="registry.example/payments/api"), now=LATER)
    make.send_lie(stage, now=of.later(40))
    make.refresh(now=of.later(41))
    return request


def tabs_of(reader: Identity) -> Iterator[Place]:
    """Yield the tabs of the queue, and one in which nothing fits the filters."""
    for query in ("show=mine", "show=others", "show=stuck", "show=snoozed", "show=done", "show=mine&q=nothing-like-this"):
        yield Place(f"queue {query} of {reader}", f"{reverse('approvals:queue')}?{query}", reader)


def places_of(request: Request) -> Iterator[Place]:
    """Yield the pages about a request and its artifact, as an approver, who asked, and an auditor read them."""
    for reader in (cast.alice(), cast.bob(), cast.carol()):
        yield from tabs_of(reader)
        yield Place(f"review of {reader}", reverse("approvals:request", args=[request.pk]), reader)
        yield Place(f"live of {reader}", reverse("approvals:request_live", args=[request.pk]), reader)
    for decision in ("approve", "reject"):
        yield Place(f"decide to {decision}", _decide(request, decision), cast.alice())
    for row in request.artifacts.all():
        yield Place("passport", reverse("reports:artifact", args=[row.artifact_id]), cast.carol())
        yield Place("passport now", reverse("reports:artifact_now", args=[row.artifact_id]), cast.carol())
    yield Place("never seen", reverse("reports:artifact", args=["sha256:" + "0" * 64]), cast.carol())
    for words in SEARCHES:
        yield Place(f"search {words}", f"{reverse('reports:search')}?q={words}", cast.alice())
    for revision in request.revisions.all():
        for answer in revision.approvals.all():
            yield Place("record", reverse("approvals:record", args=[answer.record.digest]), cast.carol())


def all_of_the_story() -> Iterator[Place]:
    """Yield the pages of everything that is there, as alice reads it where she may."""
    for request in Request.objects.order_by("pk"):
        yield Place(f"review of {request.kind} {request.title}", reverse("approvals:request", args=[request.pk]), cast.alice())
        yield Place(f"live of {request.kind} {request.title}", reverse("approvals:request_live", args=[request.pk]), cast.alice())
    for answer in Approval.objects.select_related("record").order_by("pk"):
        yield Place(f"record of {answer.pk}", reverse("approvals:record", args=[answer.record.digest]), cast.alice())
    for artifact in Artifact.objects.order_by("pk")[:MOST_ARTIFACTS]:
        for name in ("reports:artifact", "reports:artifact_now"):
            yield Place(f"{name} of {artifact.digest}", reverse(name, args=[artifact.digest]), cast.alice())


def begin_to_sign(client: Client, request: Request) -> str:
    """Send a decision and return the path of the page that shows the statement."""
    key = SigningKey.objects.filter(identity=cast.alice(), revoked_at=None).latest("enrolled_at")
    snapshot = request.revisions.get().snapshot_id
    sent = {"snapshot": snapshot, "decision": "reject", "reason_codes": ["not-now"], "reason": "Not on a Friday", "key": key.pk}
    answer = client.post(reverse("approvals:sign", args=[request.pk]), sent)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return str(answer["Location"])


def _decide(request: Request, decision: str) -> str:
    newest = request.revisions.order_by("-number")[0]
    return f"{reverse('approvals:sign', args=[request.pk])}?decision={decision}&snapshot={newest.snapshot_id}"
