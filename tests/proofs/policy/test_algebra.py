"""The algebra: adding a rule never widens, taking away never widens, what is missing denies, and a person counts once."""

from __future__ import annotations

import copy
import itertools
import json as plain_json
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from proofs.moment import rfc3339
from proofs.policy.count import CountedApproval, fill_places
from proofs.policy.document import parse_policy, refuse_widening
from proofs.policy.evaluate import build_policy_input, count_approvals, evaluate_policy, evaluate_times, exclusions
from proofs.policy.rules import EXCLUDABLE, ApprovalsRule
from tests.proofs.factory import NOON
from tests.proofs.pack.world import ARTIFACT, BOB, ORIGIN, POLICY
from tests.proofs.policy.test_evaluate import GOOD
from tests.proofs.policy.test_language import FREEZE, HOURS, WAIVERS

ROLES = ("approver:release", "approver:security", "approver:owner")
LEVELS = ("H1", "H2", "H3", "H4")
PEOPLE = ("01ALICE", "01BOB", "01CAROL", "01DAN")
PROVENANCE, TESTS = "https://slsa.dev/provenance/v1", "https://in-toto.io/attestation/test-result/v0.1"
HOUR = timedelta(hours=1)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def evidence_rule(predicate_type: str, age: int | None, signers: int) -> dict[str, Any]:
    rule = {**POLICY["rules"][0], "predicateTypes": [predicate_type], "signers": signers}
    return {**rule, **({"maxAgeHours": age} if age else {})}


KINDS = st.one_of(st.none(), st.lists(st.sampled_from(["release", "promotion"]), min_size=1, unique=True))
RULES = st.one_of(
    st.builds(evidence_rule, st.sampled_from([PROVENANCE, TESTS]), st.sampled_from([None, 1, 48]), st.integers(1, 2)),
    st.builds(
        lambda role, count, level: {"kind": "approvals", "role": role, "count": count, **({"minimumAssurance": level} if level else {})},
        st.sampled_from(ROLES),
        st.integers(1, 2),
        st.sampled_from([None, "H2", "H3"]),
    ),
    st.builds(
        lambda names: {"kind": "separation-of-duties", "exclude": names},
        st.lists(st.sampled_from(list(EXCLUDABLE)[:3]), min_size=1, unique=True),
    ),
    st.just({"kind": "separation-of-duties", "requesterMayApprove": False}),
    st.just(FREEZE),
    st.just(HOURS),
    st.sampled_from(["true", "false", "kind == 'release'", "evidence.exists(e, e.type == 'x')", "evidence[0].type != ''"]).map(
        lambda expression: {"kind": "condition", "expression": expression}
    ),
    st.just({"kind": "approved-in", "environment": "staging", "minimumHours": 2}),
)
RULE = st.builds(lambda rule, kinds: {**rule, **({"kinds": kinds} if kinds else {})}, RULES, KINDS)
VERDICTS = st.lists(st.tuples(st.sampled_from([PROVENANCE, TESTS]), st.sampled_from(["PASSED", "FAILED"]), st.integers(0, 60)), max_size=4)
VOTES = st.lists(
    st.builds(
        lambda subject, roles, level, lent: CountedApproval(ORIGIN, subject, tuple(roles), level, (ORIGIN, lent) if lent else None),
        st.sampled_from(PEOPLE),
        st.lists(st.sampled_from(ROLES), min_size=1, unique=True),
        st.sampled_from(LEVELS),
        st.sampled_from([None, None, *PEOPLE]),
    ),
    max_size=5,
)
REASONS = st.lists(st.tuples(st.sampled_from(list(EXCLUDABLE.values())[:3]), st.sampled_from([None, *PEOPLE])), max_size=4)


def make_policy(rules: list[dict[str, Any]], *, waivable: bool = True) -> bytes:
    named = [{"title": "Rule", **rule, "id": f"r{number}"} for number, rule in enumerate(rules)]
    base = [rule for rule in POLICY["rules"] if rule["kind"] == "approvals"]
    return canonical_bytes({**POLICY, "rules": [*base, *named], **({"waivers": WAIVERS} if waivable else {})})


@st.composite
def facts(draw: st.DrawFn) -> dict[str, Any]:
    """Return the arguments of an input: evidence, people, waivers and what was approved elsewhere, each there or not."""
    evidence = []
    for number, (predicate_type, result, age) in enumerate(draw(VERDICTS)):
        verdict = copy.deepcopy(GOOD)
        verdict["facts"]["predicateType"] = predicate_type
        if predicate_type == TESTS:
            verdict["facts"]["predicate"] = {"kind": "test-result", "result": result}
        verdict["facts"]["signer"]["notBefore"] = rfc3339(NOON - age * HOUR)
        verdict["facts"]["times"] = [{"source": "log", "at": rfc3339(NOON - age * HOUR)}]
        evidence.append({"digest": f"{number:064x}", "verdictDigest": sha256_hex(canonical_bytes(verdict)), "verdict": verdict})
    waived = draw(st.lists(st.integers(0, 4), unique=True, max_size=3))
    return {
        "project": "payments-api",
        "team": "payments",
        "environment": "production",
        "artifacts": [{"digest": ARTIFACT, "name": "a"}],
        "requester": BOB,
        "on_behalf_of": None,
        "owner": None,
        "evidence": evidence,
        "kind": draw(st.sampled_from(["release", "promotion"])),
        "at": NOON,
        "people": [{"because": b, "account": f"{s}", "issuer": ORIGIN if s else None, "subject": s} for b, s in draw(REASONS)],
        "waivers": [
            {"digest": f"{n:064x}", "rule": f"r{n}", "policy": POLICY["id"], "artifacts": None, "until": rfc3339(NOON + HOUR)}
            for n in waived
        ],
        "approved_in": [
            {"environment": "staging", "digest": ARTIFACT, "at": rfc3339(NOON - h * HOUR), "request": "r"}
            for h in draw(st.lists(st.integers(0, 4), max_size=2))
        ],
    }


def is_allowed(document: bytes, arguments: dict[str, Any], votes: list[CountedApproval]) -> bool:
    """Return what a gate would make of it: the rules, the clocks and the approvals together."""
    policy, policy_input = parse_policy(document), build_policy_input(**arguments)
    refuse_widening(policy)
    kind = arguments["kind"]
    counted = count_approvals(policy.for_kind(kind), votes, excluded=exclusions(policy, policy_input))
    times = evaluate_times(policy, kind, NOON, policy_input=policy_input)
    return (
        evaluate_policy(policy, policy_input)["result"] == "pass"
        and all(rule["outcome"] == "pass" for rule in counted)
        and all(rule["outcome"] in ("pass", "waived") for rule in times)
    )


@FEW
@given(st.lists(RULE, max_size=4), RULE, facts(), VOTES)
def test_adding_a_rule_never_widens(
    rules: list[dict[str, Any]], more: dict[str, Any], arguments: dict[str, Any], votes: list[CountedApproval]
) -> None:
    assert is_allowed(make_policy(rules), arguments, votes) or not is_allowed(make_policy([*rules, more]), arguments, votes)


@FEW
@given(st.lists(RULE, max_size=4), facts(), VOTES, st.data())
def test_taking_away_never_widens(
    rules: list[dict[str, Any]], arguments: dict[str, Any], votes: list[CountedApproval], data: st.DataObject
) -> None:
    document = make_policy(rules)
    if is_allowed(document, arguments, votes):
        return
    gone = data.draw(st.sampled_from([PROVENANCE, TESTS]))
    kept = [item for item in arguments["evidence"] if item["verdict"]["facts"]["predicateType"] != gone]
    assert not is_allowed(document, {**arguments, "evidence": kept}, votes)
    for name in ("waivers", "approved_in"):
        for one in arguments[name]:
            assert not is_allowed(document, {**arguments, name: [other for other in arguments[name] if other is not one]}, votes)
    for place in range(len(votes)):
        assert not is_allowed(document, arguments, [*votes[:place], *votes[place + 1 :]])
    strict = {**POLICY, **parse_strict(document)}
    assert not is_allowed(canonical_bytes(strict), arguments, votes)
    assert not is_allowed(make_policy(rules, waivable=False), arguments, votes)


def parse_strict(document: bytes) -> dict[str, Any]:
    """Return the policy with the highest level asked for everywhere."""

    found: dict[str, Any] = plain_json.loads(document)
    return {**found, "minimumAssurance": "H4"}


@FEW
@given(st.lists(RULE, max_size=4), facts())
def test_a_field_that_is_missing_denies_or_refuses(rules: list[dict[str, Any]], arguments: dict[str, Any]) -> None:
    policy, policy_input = parse_policy(make_policy(rules)), build_policy_input(**arguments)
    if evaluate_policy(policy, policy_input)["result"] == "pass":
        return
    # The kind says which rules apply, and who checks a pack holds it against the request.
    for name in policy_input.keys() - {"kind", "evidence"}:
        less = {key: value for key, value in policy_input.items() if key != name}
        try:
            result = evaluate_policy(policy, less)["result"]
        except (Refusal, KeyError):  # Nothing is weighed at all: the gate denies, a pack refuses.
            continue
        assert result == "fail", name


def test_the_way_to_yes_is_open() -> None:
    verdict = copy.deepcopy(GOOD)
    item = {"digest": "0" * 64, "verdictDigest": sha256_hex(canonical_bytes(verdict)), "verdict": verdict}
    arguments: dict[str, Any] = {"project": "payments-api", "team": "payments", "environment": "production", "requester": BOB}
    arguments |= {
        "on_behalf_of": None,
        "owner": None,
        "artifacts": [{"digest": ARTIFACT, "name": "a"}],
        "evidence": [item],
        "kind": "release",
    }
    document, alice = make_policy([evidence_rule(PROVENANCE, None, 1)]), CountedApproval(ORIGIN, "01ALICE", ("approver:release",), "H2")
    assert is_allowed(document, arguments, [alice])
    assert not is_allowed(document, arguments, [])


def brute(votes: list[CountedApproval], places: list[ApprovalsRule]) -> int:
    """Return how many places can be filled, by trying every assignment of votes to places."""
    best = 0
    for size in range(min(len(votes), len(places)), 0, -1):
        for chosen in itertools.combinations(votes, size):
            tokens = [person for vote in chosen for person in {vote.person, vote.standing_in_for or vote.person}]
            if len(set(tokens)) < len(tokens):
                continue
            for seats in itertools.permutations(places, size):
                if all(
                    seat.role in vote.roles and (seat.minimum_assurance is None or vote.level >= seat.minimum_assurance)
                    for vote, seat in zip(chosen, seats, strict=True)
                ):
                    return size
    return best


PLACES = st.lists(
    st.builds(lambda role, level: ApprovalsRule("r", "R", role, 1, level), st.sampled_from(ROLES), st.sampled_from([None, "H3"])),
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(VOTES, PLACES)
def test_seats_are_filled_as_well_as_by_trying_everything(votes: list[CountedApproval], places: list[ApprovalsRule]) -> None:
    filled = fill_places(votes, places)
    assert len(filled) == brute(votes, places)
    assert len(set(filled.values())) == len(filled)
    assert {len(fill_places(list(order), places)) for order in itertools.islice(itertools.permutations(votes), 6)} == {len(filled)}


def test_many_who_stand_in_for_others_are_counted_at_once() -> None:
    """A place that nobody fills makes no gate try every choice among forty of them."""
    votes = [CountedApproval(ORIGIN, f"d{n}", ("approver:release",), "H2", (ORIGIN, f"p{n}")) for n in range(40)]
    places = [ApprovalsRule("r", "R", "approver:release", 20)] * 20 + [ApprovalsRule("o", "O", "approver:owner", 1)]
    assert len(fill_places(votes, places)) == 20
    # Two of them are torn between standing in and being stood in for, and one is busy with an own approval.
    torn = CountedApproval(ORIGIN, "p0", ("approver:release",), "H2", (ORIGIN, "p1"))
    own = CountedApproval(ORIGIN, "p2", ("approver:owner",), "H2")
    assert len(fill_places([*votes, torn, own], places)) == 21
