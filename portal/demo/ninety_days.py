"""The whole sample: forty identities, three hundred requests over ninety days, and what waits for a visitor today."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from approvals.models import Request
from approvals.requests.expire import expire_unanswered
from approvals.requests.refresh import refresh_requests
from identities.people.roles import end_role, grant_role
from portal.demo.answers import Signers
from portal.demo.clock import Clock
from portal.demo.emergencies import DECLARER, Emergencies, bring_in_owner
from portal.demo.instance import Instance
from portal.demo.past_decisions import PastDecisions, list_decisions
from portal.demo.past_releases import PastReleases, list_flows
from portal.demo.people import PEOPLE, Cast, give_credentials, grant_project_roles, register_people, register_programs
from portal.demo.places import add_places, add_teams, put_first_policies
from portal.demo.small_sample import begin, register_accounts
from portal.demo.today import COMPARED, Today, list_stories
from portal.demo.trains import Trains
from portal.demo.unfinished import Unfinished, list_unfinished
from portal.demo.world import World
from portal.notices.follow_ledger import follow_ledger
from portal.notices.mark_read import mark_all_read

DAYS = 90
REQUESTS = 300
# Those of the stories of today and of the releases they are held against.
LAST_REQUESTS = len(COMPARED) + 16 + 1
LATE = 20
# When the programs got the credentials they have today.
CREDENTIALS = 10
# When somebody broke the glass, and two looked at it afterwards.
EMERGENCY = 12
# How long nobody has to answer before time runs out, with a few days to spare.
UNANSWERED_BEFORE = 34
Flow = Callable[[], None]


def make_ninety_days(*, now: datetime, tell: Callable[[int, int, int], None]) -> None:
    """Make all of it, going through time from the first day to this moment. `tell` hears of days done, days in all, and requests."""
    world = set_up(now)
    trains = Trains(world.random)
    past = PastReleases(world, trains)
    decisions = PastDecisions(world, past)
    emergencies = Emergencies(world, past)
    by_day = plan_days(world, past, decisions)
    by_day.setdefault(EMERGENCY, []).append(emergencies.reviewed)
    for day in range(DAYS, 1, -1):
        _begin_day(world, now, day)
        for flow in by_day.get(day, ()):
            flow()
            world.clock.go_on(minutes=11)
        if day == CREDENTIALS:
            give_credentials(world.cast.programs, now=world.now)
        tell(DAYS - day, DAYS, Request.objects.count())
    today = Today(world, past, decisions)
    _begin_day(world, now, 1)
    for image in COMPARED:
        today.released_before(image)
    leave_refunds_to_alice(world)
    decisions.loosen_ledger()
    tell(DAYS - 1, DAYS, Request.objects.count())
    world.clock.go_to(now - timedelta(hours=3))
    world.publish()
    read_notices(world)
    for story in [*list_stories(today), emergencies.waiting]:
        story()
        world.clock.go_on(minutes=7)
    world.clock.go_to(now)
    refresh_requests(now=world.now)
    world.publish()
    tell(DAYS, DAYS, Request.objects.count())


def set_up(now: datetime) -> World:
    """Make people, programs, places and policies, the day before the first."""
    clock = Clock((now - timedelta(days=DAYS + 1)).replace(hour=8, minute=0, second=0))
    instance = Instance(now)
    beginning = begin(instance, clock.now)
    teams = add_teams(beginning)
    people = register_people(beginning, register_accounts(beginning, clock.now), teams, now=clock.now)
    places = add_places(beginning, teams, now=clock.now)
    grant_project_roles(people, places.projects, now=clock.now)
    programs, scanner_key = register_programs(people, teams, now=clock.now)
    put_first_policies(places, {"payments": people["dave"], "platform": people["kira"], "data": people["theo"]}, now=clock.now)
    for username in ("erin", "frank", "petra"):
        team = teams[PEOPLE[username][1]]
        grant_role(identity=people[username], role="policy-owner", team=team, by=None, now=clock.now)
    signers = Signers()
    world = World(clock, instance, places, Cast(people, programs, signers, scanner_key))
    for username in PEOPLE:
        signers.enrol(people[username], now=clock.go_on(minutes=2))
    people[DECLARER] = bring_in_owner(signers, teams["payments"], name="Olga Novak", clock=clock)
    world.publish()
    return world


def plan_days(world: World, past: PastReleases, decisions: PastDecisions) -> dict[int, list[Flow]]:
    """Return what happens on which day, counted back from today: 300 requests with those of the last two days."""
    flows: list[tuple[Flow, int]] = []
    for flow, times, requests in [*list_flows(past), *list_decisions(decisions)]:
        flows += [(flow, requests)] * times
    late: list[Flow] = [flow for flow, times in list_unfinished(Unfinished(world, past)) for _ in range(times)]
    unanswered: list[Flow] = [past.unanswered] * 6
    fixed = sum(requests for _, requests in flows) + len(late) + len(unanswered) + LAST_REQUESTS
    # Two more: the first policy change of all, so that agents and rotations can be decided, and the review of the past's emergency.
    usual: list[Flow] = [flow for flow, _ in flows] + [past.through] * (REQUESTS - fixed - 2)
    world.random.shuffle(usual)
    world.random.shuffle(late)
    by_day: dict[int, list[Flow]] = {DAYS: [decisions.widen_api]}
    for number, flow in enumerate(usual):
        by_day.setdefault(DAYS - number * (DAYS - 2) // len(usual), []).append(flow)
    for number, flow in enumerate(unanswered):
        by_day.setdefault(UNANSWERED_BEFORE + 8 * number, []).append(flow)
    for number, flow in enumerate(late):
        by_day.setdefault(2 + number % LATE, []).append(flow)
    return by_day


def leave_refunds_to_alice(world: World) -> None:
    """Grace has gone to other things: from now on nobody but Alice releases refunds."""
    refunds = world.project("payments-refunds")
    end_role(assignment=world.person("grace").roles.get(project=refunds), by=None, now=world.clock.go_on(minutes=5))


def read_notices(world: World) -> None:
    """Let everybody have read what they were told until now: what a visitor finds unread is of today."""
    while follow_ledger(now=world.now):
        pass
    for person in world.cast.people.values():
        mark_all_read(by=person, now=world.now)


def _begin_day(world: World, now: datetime, day: int) -> None:
    """Start a day with what a worker does by itself: time runs out on some requests, and the ledger's head is published."""
    world.clock.go_to((now - timedelta(days=day)).replace(hour=8, minute=0, second=0))
    expire_unanswered(now=world.now)
    follow_ledger(now=world.now)
    if day % 10 == 0:
        refresh_requests(now=world.now)
    world.publish()
