"""What else people of the demo's past decided: actions of agents, rotations, changes of policy, and exceptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from approvals.carried_out.report_execution import note_missing_reports, report_execution
from approvals.changes.propose_policy import propose_policy
from approvals.exceptions.ask_exception import ask_exception
from approvals.models import Approval, Request
from approvals.policies.versions import store_policy
from approvals.requests.open_request import open_request
from approvals.requests.refresh import refresh_requests
from approvals.requests.withdraw import withdraw_request
from identities.models import Identity
from portal.demo.past_releases import PastReleases
from portal.demo.places import SHAPES, source_of
from portal.demo.policies import Shape
from portal.demo.world import DEPLOYERS, REQUESTERS, SECURITY, World
from proofs.approval.subjects import Argument, build_agent_action, build_rotation

Decision = Approval.Decision
API = Shape("release-production", "Releases of payments-api to production")
# Agent: project, environment, who decides, and what it asks for: tool, arguments, target.
Asked = tuple[str, dict[str, Argument], str]
AGENTS: dict[str, tuple[str, str, tuple[str, ...], tuple[Asked, ...]]] = {
    "fixer": ("payments-web", "production", ("ivan", "grace"), (
        ("kubectl scale", {"replicas": 6}, "payments/web"),
        ("kubectl rollout restart", {"wait": True}, "payments/checkout"),
        ("feature flag", {"name": "slow-checkout-banner", "to": "on"}, "payments/web"),
    )),
    "helper": ("payments-api", "production", ("mina", "sam"), (
        ("git tag", {"from": "main"}, "acme/payments-api"),
        ("changelog", {"since": "last release"}, "acme/payments-api"),
    )),
    "planner": ("platform-gateway", "platform-production", ("kira", "petra"), (
        ("terraform apply", {"module": "gateway-nodes", "count": 3}, "platform/eu-1"),
        ("terraform apply", {"module": "dns", "count": 1}, "platform/eu-1"),
    )),
}  # fmt: skip
ROTATIONS = (
    ("payments-api", "production", "The signing key of receipts", "receipts"),
    ("payments-web", "production", "The session key of the shop", "shop-session"),
    ("payments-ledger", "production", "The database password of the ledger", "ledger-db"),
)
# What a change of policy does, in turn, to which project in which environment.
CHANGES: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("payments-refunds", "staging", {"hours": 72}, "Shorter in staging as well."),
    ("payments-web", "production-eu", {"hours": 12}, "The EU wants fresh approvals."),
    ("platform-gateway", "platform-staging", {"hours": 96}, "Four days are enough."),
    ("payments-api", "integration", {"hours": 72}, "As in production."),
    ("payments-refunds", "staging", {"hours": 120}, "Five days, after all."),
)


def named(identity: Identity) -> dict[str, str]:
    """Name a party as subject documents do."""
    return {"issuer": identity.issuer, "subject": identity.subject}


class PastDecisions:
    """Each method is one flow and makes one request, or two where it says so."""

    def __init__(self, world: World, past: PastReleases) -> None:
        self.world = world
        self.past = past
        self._count = 0
        self._shapes: dict[tuple[str, str], Shape] = dict(SHAPES)
        self._versions: dict[tuple[str, str], int] = {}

    def action_done(self) -> None:
        """An agent's action is approved, let through once, and reported."""
        self._act("executed")

    def action_failed(self) -> None:
        """The agent reports that it did not work."""
        self._act("failed")

    def action_unknown(self) -> None:
        """A gate lets it through, and nobody ever reports."""
        self._act("")

    def action_rejected(self) -> None:
        """Somebody says no to an agent."""
        request, deciders = self.ask_action(self.world.random.choice(sorted(AGENTS)))
        self.world.clock.go_on(minutes=5)
        why = "A person looks at this first."
        self.world.answer(request, deciders[0], Decision.REJECT, reason=why, codes=("too-risky",))

    def action_lapsed(self) -> None:
        """Approved, and not used within the quarter of an hour that it is good for."""
        request, deciders = self.ask_action(self.world.random.choice(sorted(AGENTS)))
        self.world.clock.go_on(minutes=5)
        self.world.approve(request, deciders[:1])

    def ask_action(self, agent: str, which: int | None = None) -> tuple[Request, tuple[str, ...]]:
        """Let an agent ask; return the request and who may decide."""
        project, environment, deciders, actions = AGENTS[agent]
        tool, arguments, target = actions[which] if which is not None else self.world.random.choice(actions)
        self._count += 1
        who = self.world.program(agent)
        subject = build_agent_action(
            tool=tool,
            arguments={**arguments, "ticket": f"OPS-{400 + self._count}"},
            target=target,
            plan_digest=None,
            agent=named(who),
            executor=named(self.world.program(DEPLOYERS[self.world.project(project).team.slug])),
        )
        request = open_request(
            project=self.world.project(project),
            environment=self.world.environment(environment),
            kind=Request.Kind.AGENT_ACTION,
            title=f"{tool} on {target}",
            note="Found by the alert of this morning.",
            subject=subject,
            by=who,
            now=self.world.now,
        )
        names = (self.world.random.choice(deciders), *deciders)
        two = (project, environment) in self.world.two
        return request, tuple(dict.fromkeys(names)) if two else names

    def _act(self, outcome: str) -> None:
        agent = self.world.random.choice(sorted(AGENTS))
        request, deciders = self.ask_action(agent)
        self.world.clock.go_on(minutes=4)
        self.world.approve(request, deciders[:1])
        who = self.world.program(DEPLOYERS[request.project.team.slug])
        self.world.ask_gate(request)
        self.world.clock.go_on(minutes=3)
        if outcome:
            report_execution(
                request=request, outcome=outcome, by=who, now=self.world.now, detail="Done." if outcome == "executed" else "Timed out."
            )
        else:
            note_missing_reports(now=self.world.clock.go_on(minutes=90))

    def rotated(self) -> None:
        """A person starts a rotation, security agrees, and the rotator carries it out."""
        project, environment, what, key = ROTATIONS[self._count % len(ROTATIONS)]
        self._count += 1
        initiator = self.world.person(REQUESTERS[project])
        executor = self.world.program("rotator")
        subject = build_rotation(
            what=what,
            initiator=named(initiator),
            executor=named(executor),
            old_keys=[f"{key}-{self._count}"],
            new_keys=[f"{key}-{self._count + 1}"],
            reason="Every thirty days.",
        )
        request = open_request(
            project=self.world.project(project),
            environment=self.world.environment(environment),
            kind=Request.Kind.ROTATION,
            title=what,
            subject=subject,
            by=initiator,
            now=self.world.now,
        )
        self.world.clock.go_on(minutes=10)
        if self._count % 6 == 5:
            self.world.answer(request, "sam", Decision.REJECT, reason="The old key is still pinned by the app.", codes=("not-now",))
            return
        self.world.approve(request, [self.world.random.choice(SECURITY["payments"])])
        self.world.ask_gate(request, by=executor)
        report_execution(request=request, outcome="executed", by=executor, now=self.world.clock.go_on(minutes=4), detail="")

    def widen_api(self) -> None:
        """The policy payments-api began with says nothing of agents and rotations: two owners give it rules for them."""
        self._change("payments-api", "production", API, "Rules for agents and rotations, and a way round within bounds.", first=2)

    def policy_changed(self) -> None:
        """Two owners put another version of a policy into force."""
        project, environment, changes, why = CHANGES[self._count % len(CHANGES)]
        self._count += 1
        before = self._shapes[project, environment]
        after = replace(before, **changes)
        # The second time around it says so already: an hour less is a change too.
        self._change(project, environment, after if after != before else replace(before, hours=before.hours - 1), why)

    def loosen_ledger(self) -> None:
        """Somebody was in a hurry: in the EU the ledger takes one approver where it took two."""
        place = ("payments-ledger", "production-eu")
        self._change(*place, replace(self._shapes[place], approvers=1), "Two approvers are hard to find at the end of the month.")
        self.world.two.discard(place)

    def policy_rejected(self) -> None:
        """The other owner says no to a change."""
        request, owners = self._propose("payments-web", "production", 168 + self._count, "A week would be easier.")
        self.world.clock.go_on(minutes=30)
        self.world.answer(request, owners[1], Decision.REJECT, reason="Nobody remembers after a week.", codes=("not-allowed",))

    def policy_withdrawn(self) -> None:
        """The owner who proposed it takes it back."""
        request, owners = self._propose("payments-web", "production", 96 + self._count, "Four days?")
        withdraw_request(request=request, reason="Not now.", by=self.world.person(owners[0]), now=self.world.clock.go_on(minutes=40))

    def excepted(self) -> None:
        """The tests could not run: an exception is asked for and granted, and the release goes through. Two requests."""
        train = self.past.trains.of("payments-web", "payments-web")
        release = train.next()
        self.world.send(release, "production", without=("tests",))
        self.world.verify()
        about = self.world.ask([release], "production", note="The test runner is down; the fix cannot wait.")
        self.world.clock.go_on(minutes=8)
        noor = self.world.person("noor")
        request = ask_exception(
            about=about,
            rule_id="tests",
            reason="The test runner is down until tomorrow, and the shop is broken now.",
            owner=noor,
            until=self.world.now + timedelta(days=3),
            artifacts=[f"sha256:{release.hex}"],
            by=noor,
            now=self.world.now,
        )
        self.world.clock.go_on(minutes=8)
        self.world.approve(request, [self.world.random.choice(SECURITY["payments"])])
        refresh_requests(now=self.world.clock.go_on(minutes=1))
        self.world.approve(about)
        self.world.ask_gate(about)

    def _propose(self, project: str, environment: str, hours: int, why: str) -> tuple[Request, tuple[str, str]]:
        self._count += 1
        return self._open_change(project, environment, replace(self._shapes[project, environment], hours=hours), why)

    def _change(self, project: str, environment: str, shape: Shape, why: str, first: int = 2) -> None:
        request, owners = self._open_change(project, environment, shape, why, first=first)
        self.world.clock.go_on(minutes=30)
        self.world.approve(request, owners)
        self._shapes[project, environment] = shape

    def _open_change(self, project: str, environment: str, shape: Shape, why: str, first: int = 2) -> tuple[Request, tuple[str, str]]:
        owners = ("kira", "petra") if project.startswith("platform") else ("erin", "frank")
        version = self._versions.get((project, environment), first - 1) + 1
        self._versions[project, environment] = version
        by = self.world.person(owners[0])
        policy = store_policy(source=source_of(project, shape, version=str(version)), by=by, now=self.world.now)
        where, place = self.world.project(project), self.world.environment(environment)
        request = propose_policy(policy=policy, project=where, environment=place, mode="enforce", by=by, note=why, now=self.world.now)
        return request, owners


def list_decisions(past: PastDecisions) -> list[tuple[Callable[[], None], int, int]]:
    """Return each flow with how often it happens, and how many requests it makes."""
    return [
        (past.action_done, 20, 1),
        (past.action_failed, 2, 1),
        (past.action_unknown, 3, 1),
        (past.action_rejected, 4, 1),
        (past.action_lapsed, 3, 1),
        (past.rotated, 15, 1),
        (past.policy_changed, 7, 1),
        (past.policy_rejected, 2, 1),
        (past.policy_withdrawn, 1, 1),
        (past.excepted, 5, 2),
    ]
