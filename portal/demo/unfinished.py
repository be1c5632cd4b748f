"""What lies about from the last three weeks: requests that nobody has finished, each in another state."""

from __future__ import annotations

from collections.abc import Callable

from approvals.models import Approval, Request
from approvals.requests.refresh import refresh_requests
from portal.demo import evidence
from portal.demo.evidence import Release
from portal.demo.instance import Workload, build_provenance, claim_builder
from portal.demo.past_releases import PastReleases
from portal.demo.small_sample import CI_ISSUER
from portal.demo.trains import Train
from portal.demo.world import World

FORK = "https://git.acme.example/intern/fork"


def stranger() -> Workload:
    """A run in somebody's fork, which no policy knows."""
    return Workload(
        identity=f"{FORK}/.github/workflows/build.yml@refs/heads/main",
        repository=FORK,
        commit=evidence.hex_of("fork", length=40),
        ref="refs/heads/main",
        issuer=CI_ISSUER,
        repository_id="990042",
        run_id="15",
    )


class Unfinished:
    """Each method makes one request, of an image that has no later version."""

    def __init__(self, world: World, past: PastReleases) -> None:
        self.world = world
        self.past = past

    def stale(self) -> None:
        """Approved, and then somebody sent a lie about it: people have to look again."""
        release = self.past.side("import")
        request = self._asked(release)
        self.world.approve(request)
        self.world.clock.go_on(minutes=30)
        self.lie(release)
        refresh_requests(now=self.world.clock.go_on(minutes=1))

    def blocked(self) -> None:
        """The only provenance is a lie."""
        release = self.past.side("patch")
        self.lie(release)
        self.world.ask([release], "production", note="From the fork, it is the same code.")

    def changes_requested(self) -> None:
        """Somebody asked for changes, and nobody answered that yet."""
        request = self._asked(self.past.side("batch"))
        self.world.clock.go_on(minutes=30)
        approver = self.world.approvers_of(request)[0]
        self.world.answer(
            request, approver, Approval.Decision.REQUEST_CHANGES, reason="Which tickets does this close? Name them in the note."
        )

    def collecting(self) -> None:
        """The tests have not been sent yet."""
        release = self.past.side("report")
        self.world.ask([release], "production", note="The build still runs.")

    def in_review(self) -> None:
        """One of two has approved."""
        # An image of its own: nothing takes its place.
        train = Train("platform-gateway", f"platform-proxy-{self.world.now:%d}", "golang", self.world.random)
        request = self._asked(train.next(), "platform-production")
        self.world.approve(request, ["kira"])

    def draft(self) -> None:
        """Not put to people yet."""
        release = self.past.side("experiment")
        self.world.send(release, "staging")
        self.world.verify()
        self.world.ask([release], "staging", is_draft=True, note="Not sure about the name yet.")

    def lie(self, release: Release) -> None:
        """Send provenance that names the release workflow as its builder, and was signed by a fork's."""
        claimed = evidence.workload_of(release, "release").identity
        statement = claim_builder(build_provenance(stranger(), release.subjects), claimed)
        self.world.sign_and_send(stranger(), statement, by=self.world.program(f"{release.project} release"))
        self.world.verify()

    def _asked(self, release: Release, environment: str = "production") -> Request:
        self.world.send(release, environment)
        self.world.verify()
        self.world.clock.go_on(minutes=3)
        return self.world.ask([release], environment)


def list_unfinished(made: Unfinished) -> list[tuple[Callable[[], None], int]]:
    """Return each of them with how often it happens."""
    made_once_or_more = [
        (made.stale, 2),
        (made.blocked, 3),
        (made.changes_requested, 3),
        (made.collecting, 2),
        (made.in_review, 2),
        (made.draft, 3),
    ]
    return [*made_once_or_more, (made.past.revoked, 2)]
