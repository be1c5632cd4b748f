"""Plain makers for changes of policy and exceptions: a second policy owner, proposals, waivers, and the answers to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from approvals.changes.propose_policy import propose_policy
from approvals.exceptions.ask_exception import ask_exception
from approvals.models import Approval, PolicyVersion, Request, Waiver
from approvals.policies.versions import store_policy
from identities.models import Identity, SigningKey
from ledger.publish import publish_checkpoint
from tests import cast
from tests import make_approvals as make
from tests.passkey import SoftPasskey
from tests.retell import remembers, retold

NOW = make.NOW
WAIVERS = 'waivers: {{maxDays: 14, approvals: [{{role: "approver:security", count: 1}}]}}\n'
# A policy under which its rules about evidence can be waived for a while.
WAIVABLE = make.POLICY.replace("rules:\n", WAIVERS + "rules:\n", 1)

_KEYS: dict[str, tuple[SoftPasskey, SigningKey]] = {}
remembers(_KEYS)


def frank(*, now: datetime = NOW) -> Identity:
    """The other policy owner."""
    return cast.person("frank", "Frank Osei", "policy-owner", now=now)


def sam(*, now: datetime = NOW) -> Identity:
    """Decides about security, and so about exceptions."""
    return cast.person("sam", "Sam Lindqvist", "approver:security", now=now)


@retold
def version(number: int, *, source: str = make.POLICY, count: int = 1, **changes: str) -> PolicyVersion:
    """A stored version of the policy of the story; `changes` replace words of its source."""
    text = source.format(version=number, count=count)
    for old, new in changes.items():
        text = text.replace(old.replace("_", " "), new)
    return store_policy(source=text, by=make.erin(), now=NOW)


@retold
def propose(
    policy: PolicyVersion, *, by: Identity | None = None, mode: str = "enforce", note: str = "Because.", now: datetime = NOW
) -> Request:
    """Erin proposes a policy for payments-api in production."""
    return propose_policy(
        policy=policy, project=cast.payments_api(), environment=cast.production(), mode=mode, by=by or make.erin(), note=note, now=now
    )


@retold
def answer(request: Request, person: Identity, *, decision: str = "approve", reason: str = "", now: datetime = NOW) -> Approval:
    """A person answers the newest revision with a passkey of theirs, enrolled when they first need one, and the head is published."""
    key = SigningKey.objects.filter(identity=person, revoked_at=None).first()
    if key is None or person.pk not in _KEYS or _KEYS[person.pk][1].pk != key.pk:
        _KEYS[person.pk] = make.enrol(person, now=now)
    passkey, key = _KEYS[person.pk]
    approval = make.complete(make.begin(request, person, key, decision=decision, reason=reason, now=now), passkey, now=now)
    publish_checkpoint(now=now)
    return approval


@retold
def change(policy: PolicyVersion, *, mode: str = "enforce", now: datetime = NOW) -> Request:
    """Erin proposes a policy, and both owners approve it."""
    owners = (make.erin(now=now), frank(now=now))
    request = propose(policy, mode=mode, now=now)
    for person in owners:
        answer(request, person, now=now)
    return request


@retold
def ask_for_exception(
    about: Request,
    *,
    rule: str = "provenance",
    owner: Identity | None = None,
    by: Identity | None = None,
    days: int = 7,
    artifacts: Sequence[str] | None = (),
    reason: str = "The runner is broken until Friday.",
    now: datetime = NOW,
) -> Request:
    """Bob asks for an exception for the artifacts of a request (unless told), for which he answers himself."""
    named = list(about.artifacts.values_list("artifact_id", flat=True)) if artifacts == () else artifacts
    asks = by or cast.bob(now=now)
    return ask_exception(
        about=about,
        rule_id=rule,
        reason=reason,
        owner=owner or asks,
        until=now + timedelta(days=days),
        artifacts=named,
        by=asks,
        now=now,
    )


@retold
def waive(about: Request, *, rule: str = "provenance", days: int = 7, artifacts: Sequence[str] | None = (), now: datetime = NOW) -> Waiver:
    """Bob asks for an exception, and Sam agrees."""
    request = ask_for_exception(about, rule=rule, days=days, artifacts=artifacts, now=now)
    answer(request, sam(now=now), now=now)
    return Waiver.objects.get(request=request)
