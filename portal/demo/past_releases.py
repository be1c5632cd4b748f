"""Releases and promotions of the demo's past: most go through, and some do not, each for a reason that people really give."""

from __future__ import annotations

from collections.abc import Callable

from approvals.models import Approval, Request
from approvals.requests.answer_changes import answer_changes
from approvals.requests.withdraw import withdraw_request
from gates.models import Decision as Gate
from identities.models import Identity
from portal.demo.evidence import Release
from portal.demo.trains import IMAGES, Train, Trains
from portal.demo.world import REQUESTERS, World

Decision = Approval.Decision
# Where a project goes: first, and then on.
STAGES = {
    "payments-api": ("staging", "production"),
    "payments-web": ("staging", "production"),
    "payments-ledger": ("staging", "production"),
    "payments-refunds": ("staging", "production"),
    "platform-gateway": ("platform-staging", "platform-production"),
    "data-pipelines": ("data-staging", "data-production"),
}
# How often each project releases.
BUSY = ("payments-api",) * 5 + ("payments-web",) * 4 + ("payments-ledger",) * 3 + ("payments-refunds", "platform-gateway", "platform-gateway", "data-pipelines", "data-pipelines")  # fmt: skip
NOTES = (
    "Small fixes from this week. Rollback: the digest before.",
    "Adds metrics to the import job.",
    "Updates dependencies; no change of behaviour expected.",
    "Retries calls that time out. Tested in staging.",
    "New layout of the receipt. Product has seen it.",
    "Moves a job from cron to the queue.",
)
NOES = (
    (("evidence-missing",), "The load test is missing, and this touches the hot path."),
    (("not-explained",), "I cannot tell from the note what this does to refunds."),
    (("not-now",), "Not on the day before the sale. Ask again on Monday."),
)
WITHDRAWN = ("Not needed any more: the next one holds it.", "Wrong version; I ask again.", "We found a bug ourselves.")


class PastReleases:
    """The flows of releases and promotions; each method is one, and makes one request or two."""

    def __init__(self, world: World, trains: Trains) -> None:
        self.world = world
        self.trains = trains
        self._side = 0

    def through(self) -> None:
        """Asked for, approved, and let through by the gate."""
        self._through(self._pick())

    def several(self) -> None:
        """Two or three images of a project in one request."""
        project = self.world.random.choice(("payments-api", "payments-web", "payments-ledger"))
        images = IMAGES[project][1]
        releases = [self.trains.of(project, image).next() for image in images[: self.world.random.choice((2, 3))]]
        request = self._ask(releases, self._stage(project))
        self.world.approve(request)
        self._maybe_ask_gate(request)

    def promoted_on(self) -> None:
        """Released to staging, and promoted from there to production."""
        train = self._pick()
        first, then = STAGES[train.project]
        release = train.next()
        request = self.through_as(release, first)
        target = "production-eu" if train.project == "payments-web" and self.world.random.random() < 0.4 else then
        self.world.clock.go_on(minutes=70)
        promotion = self.world.ask([release], target, kind=Request.Kind.PROMOTION, origin=request.environment.slug, note="Ran in staging.")
        self.world.approve(promotion)
        self._maybe_ask_gate(promotion)

    def lapsed(self) -> None:
        """Approved, and never rolled out before the approval ran out."""
        self.world.approve(self._ask([self._pick().next()], self.world.random.choice(("first", "then"))))

    def rejected(self) -> None:
        """Somebody says no, with a reason code and a sentence."""
        request = self._ask([self._pick().next()], "then")
        self.world.clock.go_on(minutes=20)
        codes, why = self.world.random.choice(NOES)
        self.world.answer(request, self.world.approvers_of(request)[0], Decision.REJECT, reason=why, codes=codes)

    def revised(self) -> None:
        """Somebody asks for changes, the requester answers, and then it goes through."""
        request = self._ask([self._pick().next()], "then")
        self.world.clock.go_on(minutes=15)
        self.world.answer(
            request, self.world.approvers_of(request)[0], Decision.REQUEST_CHANGES, reason="Say in the note how we roll this back."
        )
        self.world.clock.go_on(minutes=12)
        answer_changes(
            request=request, note="Rollback: the digest before; no migration in it.", by=self._asker(request), now=self.world.now
        )
        self.world.approve(request)
        self.world.ask_gate(request)

    def withdrawn(self) -> None:
        """The requester takes it back."""
        request = self._ask([self._pick().next()], "first")
        self.world.clock.go_on(minutes=9)
        withdraw_request(request=request, reason=self.world.random.choice(WITHDRAWN), by=self._asker(request), now=self.world.now)

    def superseded(self) -> None:
        """The next version is asked for before anybody answers, and takes its place."""
        train = self._pick()
        self._ask([train.next()], "then")
        self.world.clock.go_on(minutes=30)
        self.through_as(train.next(), STAGES[train.project][1])

    def unanswered(self) -> None:
        """Nobody answers, and time runs out on it."""
        self._ask([self.side("preview")], "first")

    def revoked(self) -> None:
        """Approved, and taken back by the approver before it went anywhere; the gate says so."""
        request = self._ask([self.side("hotfix")], "then")
        approval = self.world.approve(request)
        self.world.clock.go_on(minutes=25)
        self.world.cast.signers.revoke(
            approval, reason="approver_withdrew", why="I looked at the wrong version; ask again.", now=self.world.now
        )
        self.world.publish()
        self.world.ask_gate(request, expected=Gate.Outcome.DENY)

    def side(self, what: str) -> Release:
        """Return the only release of an image that has no other: nothing takes its place later."""
        self._side += 1
        project = ("payments-api", "payments-web")[self._side % 2]
        train = Train(project, f"{project}-{what}-{self._side}", IMAGES[project][0], self.world.random)
        return train.next()

    def _through(self, train: Train) -> Request:
        return self.through_as(train.next(), self._stage(train.project))

    def through_as(self, release: Release, environment: str) -> Request:
        """Let one release be asked for, approved and let through; return its request."""
        request = self._ask([release], environment)
        self.world.approve(request)
        self._maybe_ask_gate(request)
        return request

    def _maybe_ask_gate(self, request: Request) -> None:
        """Roll out most of them: the rest runs out unused, or is overtaken."""
        if self.world.random.random() < 0.5:
            self.world.ask_gate(request)

    def _ask(self, releases: list[Release], environment: str) -> Request:
        first, then = STAGES[releases[0].project]
        place = {"first": first, "then": then}.get(environment, environment)
        for release in releases:
            self.world.send(release, place)
        self.world.verify()
        self.world.clock.go_on(minutes=3)
        by = None
        if self.world.random.random() < 0.4:
            by = self.world.program(f"{releases[0].project} release")
        return self.world.ask(releases, place, by=by, note=self.world.random.choice(NOTES))

    def _asker(self, request: Request) -> Identity:
        return request.requester if request.requester.is_person else self.world.person(REQUESTERS[request.project.slug])

    def _pick(self) -> Train:
        project = self.world.random.choice(BUSY)
        images = IMAGES[project][1]
        return self.trains.of(project, self.world.random.choice((images[0], *images)))

    def _stage(self, project: str) -> str:
        return self.world.random.choice(STAGES[project])


def list_flows(past: PastReleases) -> list[tuple[Callable[[], None], int, int]]:
    """Return each flow with how often it happens, and how many requests it makes."""
    return [
        (past.several, 10, 1),
        (past.promoted_on, 34, 2),
        (past.lapsed, 8, 1),
        (past.rejected, 12, 1),
        (past.revised, 8, 1),
        (past.withdrawn, 7, 1),
        (past.superseded, 7, 2),
    ]
