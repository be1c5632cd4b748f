"""The pages of the whole sample of the demo: what people really read, of every kind and in every state, full of what ninety days left there."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from approvals.models import Approval, BreakGlass, Request, RequestState
from attestations.models import Attestation, Verdict
from identities.models import Identity
from tests.axe.pages import Seen

Kind, Status = Request.Kind, RequestState.Status
# Who reads what another kind of request asks, by team and kind; all else is read by the first.
READERS = {"payments": "alice", "platform": "kira", "data": "theo"}
OF_SECURITY = (Kind.ROTATION, Kind.EXCEPTION, Kind.BREAK_GLASS_REVIEW, Kind.AGENT_ACTION)
OPEN = (Status.READY, Status.BLOCKED, Status.IN_REVIEW, Status.STALE, Status.CHANGES_REQUESTED)
QUEUES = (
    *(f"show={tab}" for tab in ("mine", "others", "stuck", "snoozed", "done")),
    "show=done&kind=policy-change",
    "show=mine&q=nothing-is-called-so",
)
LISTS = (
    ("reports:artifacts", "/artifacts", "alice"),
    ("reports:search", "/search?q=payments", "alice"),
    ("reports:search", "/search?q=requests", "alice"),
    ("reports:search", "/search?q=nothing-is-called-so", "alice"),
    ("reports:holding", "/packages?purl=pkg:pypi/requests", "alice"),
    ("reports:holding", "/packages?purl=pkg:pypi/nothing-is-called-so", "alice"),
    ("identities:list", "/identities", "dave"),
    ("approvals:policies", "/policies", "dave"),
    ("approvals:exceptions", "/exceptions", "alice"),
    ("approvals:break_glasses", "/break-glass", "alice"),
    ("approvals:indicators", "/reviews/indicators", "dave"),
    ("gates:decisions", "/gates/decisions", "dave"),
    ("ledger:log", "/log", "carol"),
    ("portal:notices", "/notices", "bob"),
)


def pages_of_sample() -> Iterator[Seen]:
    """Return a page of each kind the sample has, each with who reads it."""
    yield Seen("portal:home", "/", None)
    yield from (Seen("approvals:queue", f"/queue?{query}", person("alice")) for query in QUEUES)
    for request in one_of_each():
        yield from pages_of_request(request)
    yield from pages_of_records()
    yield from (Seen(name, path, person(username)) for name, path, username in LISTS)
    for kind in Identity.Kind.values:
        somebody = Identity.objects.filter(kind=kind, team__slug="payments").earliest("created_at", "pk")
        yield Seen("identities:identity", f"/identities/{somebody.pk}", person("dave"))
    yield Seen("identities:identity", f"/identities/{person('olga').pk}", person("dave"))
    for result in ("verified", "rejected"):
        latest = Verdict.objects.filter(result=result).latest("pk").attestation_id
        yield Seen("attestations:attestation", f"/attestations/{Attestation.objects.get(pk=latest).pk}", person("carol"))


def person(username: str) -> Identity:
    return Identity.objects.get(user__username=username)


def one_of_each() -> list[Request]:
    """The newest request of each kind in each state it is in."""
    rows = Request.objects.select_related("state", "project__team").order_by("opened_at", "pk")
    return list({(row.kind, row.state.status): row for row in rows}.values())


def reader_of(request: Request) -> Identity:
    """Who decides such a request, or at least reads it."""
    team = request.project.team.slug
    if team == "payments" and request.kind in OF_SECURITY:
        return person("mina")
    return person("erin" if team == "payments" and request.kind == Kind.POLICY_CHANGE else READERS[team])


def pages_of_request(request: Request) -> Iterator[Seen]:
    """Its review, and as far as it has them the page to answer on, another comparison, and what its first artifact has been through."""
    reader, status = reader_of(request), request.state.status
    yield Seen("approvals:request", f"/requests/{request.pk}", reader)
    if status in OPEN:
        given = {"decision": "reject", "snapshot": request.revisions.latest("number").snapshot_id}
        yield Seen("approvals:sign", f"/requests/{request.pk}/sign?{urlencode(given)}", reader)
    if request.kind in (Kind.RELEASE, Kind.PROMOTION) and status != Status.DRAFT:
        yield Seen("approvals:beside", f"/requests/{request.pk}/compare?with=nothing", reader)
        digest = request.artifacts.earliest("artifact_id").artifact_id
        yield Seen("reports:artifact", f"/artifacts/{digest}", reader)
        yield Seen("reports:artifact_contents", f"/artifacts/{digest}/contents", reader)


def pages_of_records() -> Iterator[Seen]:
    """The newest record of each answer to each kind of request, and of one that was revoked."""
    rows = Approval.objects.select_related("record", "revision__request__project__team", "revision__request__state").order_by(
        "signed_at", "pk"
    )
    newest = {(row.revision.request.kind, row.decision, hasattr(row, "end")): row for row in rows.select_related("end")}
    for row in newest.values():
        yield Seen("approvals:record", f"/records/{row.record.digest}", reader_of(row.revision.request))
    glass = BreakGlass.objects.latest("declared_at")
    yield Seen("approvals:break_glass_new", f"/break-glass/new/{glass.artifact_id}", person("olga"))
