"""Reading the rules of a policy: closed and strict, each refusal with the place of the field.

A condition is compiled where the library for it is at hand, so that one that cannot be weighed is refused before it is in force.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from proofs.approval.record import LEVELS
from proofs.digest import parse_digest
from proofs.errors import Malformed
from proofs.expectations import refuse_loose_pattern
from proofs.fields import Fields
from proofs.policy.condition import MAX_EXPRESSION, refuse_unusable
from proofs.policy.rules import (
    DAYS,
    EXCLUDABLE,
    REQUEST_KINDS,
    ApprovalsRule,
    ApprovedInRule,
    Builder,
    ConditionRule,
    EvidenceRule,
    FreezeRule,
    HoursRule,
    InputsRule,
    Rule,
    SeparationRule,
    Source,
    Window,
)
from proofs.policy.zones import is_zone
from proofs.predicates.verdicts import PASSED, WARNED

MAX_SIGNERS = 32
MAX_AGE_HOURS = 365 * 24
MAX_WINDOWS = 64
ACCEPTED_FIELDS = ("predicateTypes", "builders", "sources", "registeredSigner", "runners", "parameters", "inputs")
EVERY = ("id", "kind", "title", "kinds")

_WALL_CLOCK = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def read_rule(item: Fields) -> Rule:
    """Read one rule; refuses with `policy.unknown_rule` where its kind is none of ours."""
    kind = item.text("kind", limit=80)
    read = _READERS.get(kind)
    if read is None:
        raise Malformed(
            "policy.unknown_rule",
            f"got a rule of kind {kind!r}, expected {', '.join(list(_READERS)[:-1])} or {list(_READERS)[-1]}",
            path=f"{item.path}.kind",
        )
    try:
        return read(item)
    except Malformed as refusal:
        raise refusal.within(item.path)  # noqa: B904 - the same refusal, which now names its place


def _approvals_rule(item: Fields) -> ApprovalsRule:
    item.only(*EVERY, "role", "count", "minimumAssurance")
    return ApprovalsRule(
        id=_id(item),
        title=_title(item),
        role=item.text("role", limit=80),
        count=item.integer("count", low=1, high=32),
        minimum_assurance=item.choice("minimumAssurance", LEVELS[1:]) if item.has("minimumAssurance") else None,
        kinds=_kinds(item),
    )


def _separation_rule(item: Fields) -> SeparationRule:
    item.only(*EVERY, "requesterMayApprove", "exclude")
    exclude = item.texts("exclude", low=1, high=len(EXCLUDABLE)) if item.has("exclude") else ()
    if not set(exclude) <= set(EXCLUDABLE):
        item.refuse("exclude", f"only {', '.join(EXCLUDABLE)}")
    may = item.flag("requesterMayApprove") if item.has("requesterMayApprove") or not exclude else False
    if may and (exclude or item.has("kinds")):
        item.refuse("requesterMayApprove", "false beside exclude or kinds: whoever asks is excluded as well")
    return SeparationRule(_id(item), _title(item), may, exclude, _kinds(item))


def _freeze_rule(item: Fields) -> FreezeRule:
    item.only(*EVERY, "zone", "windows")
    windows = tuple(_window(window) for window in item.each("windows", low=1, high=MAX_WINDOWS))
    return FreezeRule(_id(item), _title(item), _zone(item), windows, _kinds(item))


def _window(item: Fields) -> Window:
    item.only("from", "to", "why")
    start, end = _wall_clock(item, "from"), _wall_clock(item, "to")
    if end <= start:
        item.refuse("to", "a time after from")
    return Window(start, end, item.text("why", limit=200))


def _hours_rule(item: Fields) -> HoursRule:
    item.only(*EVERY, "zone", "days", "from", "to")
    days = item.texts("days", low=1, high=len(DAYS))
    if not set(days) <= set(DAYS):
        item.refuse("days", f"only {', '.join(DAYS)}")
    start = _time_of_day(item, "from")
    end = 24 * 60 if item.value.get("to") == "24:00" else _time_of_day(item, "to")
    if start == end:
        item.refuse("to", "another time than from; the whole day is 00:00 to 24:00")
    return HoursRule(_id(item), _title(item), _zone(item), days, start, end, _kinds(item))


def _condition_rule(item: Fields) -> ConditionRule:
    item.only(*EVERY, "expression")
    expression = item.text("expression", limit=MAX_EXPRESSION, lines=True)
    refuse_unusable(expression)
    return ConditionRule(_id(item), _title(item), expression, _kinds(item))


def _approved_in_rule(item: Fields) -> ApprovedInRule:
    item.only(*EVERY, "environment", "minimumHours")
    hours = item.integer("minimumHours", low=0, high=MAX_AGE_HOURS) if item.has("minimumHours") else 0
    return ApprovedInRule(_id(item), _title(item), item.text("environment", limit=64), hours, _kinds(item))


def _evidence_rule(item: Fields) -> EvidenceRule:
    results = item.texts("results", low=1) if item.has("results") else (PASSED,)
    if not {PASSED} <= set(results) <= {PASSED, WARNED}:
        item.refuse("results", f"{PASSED}, or {PASSED} and {WARNED}")
    signers = item.integer("signers", low=1, high=MAX_SIGNERS) if item.has("signers") else 1
    age = item.integer("maxAgeHours", low=1, high=MAX_AGE_HOURS) if item.has("maxAgeHours") else None
    if item.has("expectations"):
        # All or nothing: a rule that took half of it from elsewhere would mean something else than it shows.
        item.only(*EVERY, "predicateTypes", "results", "signers", "maxAgeHours", "expectations")
        item.choice("expectations", ("project",))
        return EvidenceRule(
            id=_id(item),
            title=_title(item),
            predicate_types=item.texts("predicateTypes", low=1),
            builders=(),
            sources=(),
            registered_signer=True,
            results=results,
            signers=signers,
            by_project=True,
            max_age_hours=age,
            kinds=_kinds(item),
        )
    item.only(*EVERY, "results", "signers", "maxAgeHours", *ACCEPTED_FIELDS)
    rule = read_accepted(item, rule_id=_id(item), title=_title(item))
    rule = replace(rule, results=results, signers=signers, max_age_hours=age, kinds=_kinds(item))
    if signers > 1 and not rule.registered_signer:
        item.refuse("signers", "1 where registeredSigner is false: without identities nobody can tell whether two signers are one")
    return rule


def read_accepted(item: Fields, *, rule_id: str, title: str) -> EvidenceRule:
    """Read the fields that say whose evidence counts (`ACCEPTED_FIELDS`), as rules and expectations share them."""
    builders = tuple(_builder(builder) for builder in item.each("builders", low=1, high=64))
    if any(builder.delegated for builder in builders) and not item.has("sources"):
        # Anybody's workflow can have a delegator build and sign: only the source tells whose build it was.
        item.refuse("sources", "the accepted sources, because a delegator signs for everybody")
    return EvidenceRule(
        id=rule_id,
        title=title,
        predicate_types=item.texts("predicateTypes", low=1),
        builders=builders,
        sources=tuple(_source(source) for source in item.each("sources", low=1, high=64)) if item.has("sources") else (),
        registered_signer=item.flag("registeredSigner") if item.has("registeredSigner") else True,
        runners=item.texts("runners", low=1) if item.has("runners") else None,
        parameters=item.texts("parameters") if item.has("parameters") else None,
        inputs=_inputs(item.fields("inputs")) if item.has("inputs") else None,
    )


def _inputs(item: Fields) -> InputsRule:
    item.only("digests", "verified")
    digests = item.texts("digests", high=1024) if item.has("digests") else ()
    for digest in digests:
        parse_digest(digest)
    verified = item.flag("verified") if item.has("verified") else False
    if not digests and not verified:
        item.refuse("digests", "at least one digest, or verified: true; otherwise no input could ever be approved")
    return InputsRule(digests, verified)


def _builder(item: Fields) -> Builder:
    if item.has("keyId"):
        return Builder(key_id=item.only("keyId").text("keyId", limit=60))
    if item.has("delegated"):
        return Builder(delegated=item.only("delegated").text("delegated", limit=500))
    if item.has("workflow"):
        item.only("issuer", "workflow")
        return Builder(issuer=item.text("issuer", limit=300), workflow=item.text("workflow", limit=500))
    item.only("issuer", "identity")
    return Builder(issuer=item.text("issuer", limit=300), identity=item.text("identity", limit=500))


def _source(item: Fields) -> Source:
    item.only("repository", "repositoryId", "refs")
    refs = item.texts("refs", low=1) if item.has("refs") else ()
    for ref in refs:
        if ref.startswith("^"):
            refuse_loose_pattern(ref)
        elif "*" in ref[:-1] or ref == "*":
            item.refuse("refs", "whole refs, beginnings of refs with one * at the end, or patterns from ^ to $")
    return Source(item.text("repository", limit=500), item.text("repositoryId", limit=80) if item.has("repositoryId") else "", refs)


def _id(item: Fields) -> str:
    return item.text("id", limit=80)


def _title(item: Fields) -> str:
    return item.text("title", limit=200)


def _kinds(item: Fields) -> tuple[str, ...]:
    kinds = item.texts("kinds", low=1, high=len(REQUEST_KINDS)) if item.has("kinds") else ()
    if not set(kinds) <= set(REQUEST_KINDS):
        item.refuse("kinds", f"only {', '.join(REQUEST_KINDS)}")
    return kinds


def _zone(item: Fields) -> str:
    zone = item.text("zone", limit=64)
    if not is_zone(zone):
        item.refuse("zone", "the name of a time zone, such as Europe/Berlin")
    return zone


def _wall_clock(item: Fields, name: str) -> datetime:
    text = item.text(name, limit=16)
    expected = "a time on the wall clock of the zone, such as 2026-12-20T00:00"
    if not _WALL_CLOCK.fullmatch(text):
        item.refuse(name, expected)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        item.refuse(name, expected)


def _time_of_day(item: Fields, name: str) -> int:
    found = _TIME_OF_DAY.fullmatch(item.text(name, limit=5))
    if found is None:
        item.refuse(name, "a time of day, such as 09:00")
    return int(found[1]) * 60 + int(found[2])


_READERS: Mapping[str, Callable[[Fields], Rule]] = {
    "evidence": _evidence_rule,
    "approvals": _approvals_rule,
    "separation-of-duties": _separation_rule,
    "freeze": _freeze_rule,
    "hours": _hours_rule,
    "condition": _condition_rule,
    "approved-in": _approved_in_rule,
}
