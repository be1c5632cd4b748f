"""Who broke the glass in the demo, and what others said of it. Olga owns the product, and her key is one that the company vouches for."""

from __future__ import annotations

from functools import partial

from approvals.declaration.declare_break_glass import begin_break_glass
from approvals.models import Approval, BreakGlass
from gates.decide import decide
from gates.models import Decision
from identities.models import Identity, Team
from identities.people.roles import grant_role
from identities.sso.add_provider import add_provider
from identities.sso.come_in import come_in
from identities.sso.described import Described
from identities.sso.remove_provider import remove_provider
from identities.sso.set_group_rules import set_group_rules
from portal.demo.answers import Signers
from portal.demo.clock import Clock
from portal.demo.company import CLIENT, Company
from portal.demo.evidence import Release
from portal.demo.past_releases import PastReleases
from portal.demo.world import DEPLOYERS, World

DECLARER = "olga"
GROUP, ROLE = "product-owners", "approver:owner"
HOURS, USES = 2, 2


def bring_in_owner(signers: Signers, team: Team, *, name: str, clock: Clock) -> Identity:
    """Let the company's provider bring in who owns the product, and vouch for her key; then the provider goes, and she keeps the role."""
    with Company(clock) as company:
        described = Described(
            name="Acme sign-in",
            protocol="oidc",
            issuer=company.issuer,
            client_id=CLIENT,
            client_secret=company.secret,
            may_be_private=True,
            admits_unregistered=True,
        )
        provider = add_provider(slug="acme", said=described, by=None, now=clock.now)
        rules = [{"group": GROUP, "team": team.slug, "project": None, "role": ROLE}]
        set_group_rules(provider=provider, rules=rules, seen=0, by=None, now=clock.now)
        account = come_in(
            provider=provider,
            subject=f"acme-{DECLARER}",
            username=DECLARER,
            name=name,
            email=f"{DECLARER}@acme.example",
            groups=[GROUP],
            now=clock.go_on(minutes=2),
        )
        owner = Identity.objects.get(user=account)
        signers.enrol_vouched(owner, company, clock=clock)
        # Nobody else signs in there, and what it vouched for stands without it.
        remove_provider(provider=provider, by=None, now=clock.go_on(minutes=2))
    grant_role(identity=owner, role=ROLE, team=team, by=None, now=clock.go_on(minutes=1))
    return owner


class Emergencies:
    """Each method breaks the glass once for a release whose tests nobody has sent, and makes one request: its review."""

    def __init__(self, world: World, past: PastReleases) -> None:
        self.world = world
        self.past = past

    def reviewed(self) -> None:
        """Two from security looked at it, and found that it was right."""
        glass = self._break("INC-4471", "Checkout is down in production, and the test runner with it.")
        self.world.clock.go_on(minutes=50)
        for username in ("mina", "sam"):
            self.world.clock.go_on(minutes=10)
            self.world.answer(glass.review, username, Approval.Decision.APPROVE, reason="The incident was real, and this ended it.")
        self.world.publish()

    def waiting(self) -> None:
        """It was this morning, the gates are open for it yet, and nobody has looked at it."""
        self._break("INC-4502", "Payments fail for one bank in three; the fix is here, the load test takes two hours.")

    def _break(self, incident: str, why: str) -> BreakGlass:
        release = self.past.side("urgent")
        self.world.send(release, "production", without=("tests",))
        self.world.verify()
        self.world.clock.go_on(minutes=4)
        project, environment = self.world.project(release.project), self.world.environment("production")
        begin = partial(
            begin_break_glass,
            project=project,
            environment=environment,
            digest=f"sha256:{release.hex}",
            incident=incident,
            justification=why,
            hours=HOURS,
            max_uses=USES,
        )
        signed = self.world.cast.signers.sign_statement(self.world.person(DECLARER), begin, now=self.world.now)
        self._roll_out(release)
        self.world.publish()
        return BreakGlass.objects.get(pk=signed.pk)

    def _roll_out(self, release: Release) -> None:
        deployer = self.world.program(DEPLOYERS[self.world.project(release.project).team.slug])
        at = {"environment_slug": "production", "project_slug": release.project}
        decision = decide(digest=f"sha256:{release.hex}", by=deployer, now=self.world.clock.go_on(minutes=3), **at)
        if decision.outcome != Decision.Outcome.BREAK_GLASS:
            raise RuntimeError(f"the gate says {decision.outcome} to {release.name}, expected break_glass: {decision.reasons}")
