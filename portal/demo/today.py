"""What waits for a visitor today: clean requests, and beside them those that should be refused, each for one reason that is seen at a glance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from approvals.models import Approval, Request
from approvals.path.receive_observations import receive_observations
from portal.demo.evidence import Release, Runner, hex_of
from portal.demo.past_decisions import PastDecisions
from portal.demo.past_releases import PastReleases
from portal.demo.small_sample import COMMIT, ask_for_waiting, image_digest, send_lie
from portal.demo.world import World
from proofs.moment import rfc3339

# Image: its project. What each was released as yesterday or before is what today's is held against.
COMPARED = {
    "payments-api": "payments-api",
    "payments-worker": "payments-api",
    "payments-cron": "payments-api",
    "payments-web": "payments-web",
    "payments-checkout": "payments-web",
    "payments-admin": "payments-web",
    "payments-ledger": "payments-ledger",
    "payments-export": "payments-ledger",
    "payments-reports": "payments-ledger",
    "payments-refunds": "payments-refunds",
}


class Today:
    """The stories of today, in the order they are told in `docs/demo.md`. Each makes one request, unless it says otherwise."""

    def __init__(self, world: World, past: PastReleases, decisions: PastDecisions) -> None:
        self.world = world
        self.past = past
        self.decisions = decisions
        self._last: dict[str, Release] = {}

    def released_before(self, image: str) -> None:
        """Release a version of an image to production, for today's to be held against."""
        self._last[image] = self.past.trains.of(COMPARED[image], image).next()
        self.past.through_as(self._last[image], _place_of(image))

    def clean_and_lie(self) -> None:
        """payments-api 1.4.2, which is in order, and payments-worker 1.4.3, whose builder is only claimed. Two requests."""
        release = self._next("payments-api", version="1.4.2", commit=COMMIT, digest=image_digest("1.4.2"))
        self.world.send(release, "production")
        self.world.verify()
        bob = self.world.person("bob")
        workflow = self.world.program("payments-api release")
        send_lie(self.world.instance, workflow, self.world.now)
        self.world.verify()
        self.world.clock.go_on(minutes=2)
        ask_for_waiting(self.world.project("payments-api"), self.world.environment("production"), workflow, bob, self.world.now)

    def another_workflow(self) -> None:
        """Signed by a workflow that is not the registered one."""
        self._ask(self._next("payments-checkout", workflow="nightly"), "Built by the nightly job, because the other queue is full.")

    def retagged(self) -> None:
        """The registry has another image under the tag now."""
        release = self._next("payments-export")
        self.world.send(release, "production")
        self.world.verify()
        self._seen(release, release.hex)
        self.world.clock.go_on(minutes=6)
        self._seen(release, hex_of("another image", release.name))
        self.world.clock.go_on(minutes=2)
        self.world.ask([release], "production", note="Export for the auditors.")

    def not_based_on_approved(self) -> None:
        """The commits it counts begin after another commit than the one that was approved."""
        self._ask(self._next("payments-web", since=hex_of("a branch of long ago", length=40)), "Hotfix from the old branch.")

    def nobody_answers_for_it(self) -> None:
        """Something new acts for it, may do a lot, and is in no register."""
        train = self.past.trains.of("payments-api", "payments-cron")
        scopes = ("read secret/payments/*", "write secret/payments/*", "admin cluster/production")
        runner = Runner("https://cluster.acme.example", "cron-migrator", "cron-migrator", scopes)
        self._ask(self._next("payments-cron", runners=(train.workflow(), runner)), "Moves the old jobs in one go.")

    def typo(self) -> None:
        """A new dependency is called almost like a well-known one."""
        release = self._next("payments-admin")
        wrong = "pkg:npm/expresss@4.21.0"
        self._ask(release.with_(packages=(*release.packages, wrong), direct=(*release.direct, wrong)), "Adds an admin page.")

    def typo_python(self) -> None:
        """The same in Python, a name that a tired eye reads over."""
        release = self._next("payments-reports")
        wrong = "pkg:pypi/reqeusts@2.32.3"
        self._ask(release.with_(packages=(*release.packages, wrong), direct=(*release.direct, wrong)), "Fetches rates from the bank.")

    def only_approver_asks(self) -> None:
        """Alice asks herself, and nobody else may release refunds."""
        self._ask(self._next("payments-refunds"), "I need this today.", by="alice")

    def agent_again(self) -> None:
        """An agent asks once more for what it was refused. Two requests: the first was rejected this morning."""
        request, _ = self.decisions.ask_action("fixer", 1)
        self.world.clock.go_on(minutes=6)
        why = "Not while checkout is being watched; a person restarts it."
        self.world.answer(request, "ivan", Approval.Decision.REJECT, reason=why, codes=("too-risky",))
        self.world.clock.go_on(minutes=9)
        self.decisions.ask_action("fixer", 1)

    def policy_loosened(self) -> None:
        """The policy it is decided under was loosened yesterday."""
        self._ask(self._next("payments-ledger"), "End of month.", environment=_place_of("payments-ledger"))

    def clean(self) -> None:
        """What is in order, beside the others. Three requests."""
        web = self.past.trains.of("payments-web", "payments-web-help").next()
        self._ask(web, "New help pages.", environment="staging")
        self._ask(self.past.trains.of("payments-ledger", "payments-ledger-archive").next(), "Archives last year.", environment="staging")
        self.decisions.ask_action("fixer", 2)

    def _next(self, image: str, *, version: str = "", **changes: Any) -> Release:
        """Return the release after the last one: based on it, unless the changes say otherwise."""
        last = self._last[image]
        release = self.past.trains.of(COMPARED[image], image).next(version)
        return release.with_(**{"since": last.commit, "findings": last.findings, "answers": last.answers, **changes})

    def _ask(self, release: Release, note: str, *, environment: str = "production", by: str = "") -> Request:
        self.world.send(release, environment)
        self.world.verify()
        self.world.clock.go_on(minutes=3)
        return self.world.ask([release], environment, note=note, by=self.world.person(by) if by else None)

    def _seen(self, release: Release, digest: str) -> None:
        seen = {
            "kind": "registry",
            "location": f"registry.acme.example/{release.image}",
            "reference": release.version,
            "digest": f"sha256:{digest}",
            "observedAt": rfc3339(self.world.now - timedelta(minutes=1)),
        }
        receive_observations(unverified=seen, by=self.world.program("registry-watcher"), now=self.world.now)


def _place_of(image: str) -> str:
    return "production-eu" if image == "payments-ledger" else "production"


def list_stories(today: Today) -> list[Callable[[], None]]:
    """Return what happens today, in its order."""
    return [
        today.another_workflow,
        today.retagged,
        today.not_based_on_approved,
        today.nobody_answers_for_it,
        today.typo,
        today.typo_python,
        today.only_approver_asks,
        today.agent_again,
        today.policy_loosened,
        today.clean,
        today.clean_and_lie,
    ]
