"""Hold a frozen revision against another baseline: an earlier approved release, what runs now, or nothing.

A view for whoever reads. The comparison that is signed stands in the snapshot and nothing here changes it, so nothing is asked to be ticked
and nothing forbids approving. Picture and context are the frozen ones; only the baseline, and the policy it was approved under, are others.
Reads only, with a number of queries that does not grow with what was approved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.comparison.baseline import Baseline, list_alike
from approvals.comparison.build_comparison import describe_baseline, read_picture
from approvals.comparison.context import policy_changes
from approvals.models import OutcomeStatement, Request, Revision
from approvals.requests.snapshot import read_snapshot
from attestations.blobs import bytes_of, read_blob
from attestations.models import Place
from attestations.observe import does_count, newest_of_each_digest
from proofs.canonical import parse_canonical
from proofs.comparison.compare import compare_releases
from proofs.comparison.said import BLOCK
from proofs.errors import NotFound
from proofs.observation import RUNNING as RUNS

RUNNING, NOTHING = "running", "nothing"
FIRST_RELEASE = "REQ_FIRST_RELEASE"
MOST_CHOICES = 12
MOST_PLACES = 50


@dataclass(frozen=True)
class Choice:
    """Something to compare with. `key` names it in the address; `is_signed` marks what the signed comparison rests on."""

    key: str
    title: str
    environment: str
    approved_at: datetime
    is_signed: bool
    runs_now: bool


@dataclass(frozen=True)
class Beside:
    """What the page shows: the choices, which of them is shown, and the comparison with it; none where there is nothing else to choose."""

    choices: tuple[Choice, ...]
    signed: str
    running: Choice | None
    shown: str
    comparison: Mapping[str, Any]


def compare_beside(*, request: Request, revision: Revision, with_: str) -> Beside:
    """Return the comparison of `revision` with what `with_` names: a request's id, `running`, `nothing`, or "" for the first that is not signed.

    Refuses with `comparison.none` where its kind is compared with nothing, and with `comparison.unknown` for what is no choice.
    """
    frozen = read_snapshot(bytes_of(revision.snapshot)).get("comparison")
    if frozen is None:
        raise NotFound("comparison.none", "nothing is compared of this kind of request")
    rows = list_alike(request)[:MOST_CHOICES]
    digests = _running_digests(request)
    signed = str((frozen["baseline"] or {}).get("request", NOTHING))
    choices = tuple(_choice(row, signed, digests) for row in rows)
    running = next((choice for choice in choices if choice.runs_now), None)
    shown = with_ or next((choice.key for choice in choices if not choice.is_signed), NOTHING)
    wanted = running.key if shown == RUNNING and running is not None else shown
    row = next((row for row, choice in zip(rows, choices, strict=True) if choice.key == wanted), None)
    if row is None and shown != NOTHING:
        raise NotFound("comparison.unknown", "got something that this is not compared with, expected one of the choices on the page")
    return Beside(choices, signed, running, shown, _compare(request, revision, frozen, row))


def _compare(request: Request, revision: Revision, frozen: Mapping[str, Any], row: OutcomeStatement | None) -> dict[str, Any]:
    picture = parse_canonical(read_blob(frozen["picture"]["sha256"]))
    context = {name: value for name, value in frozen["context"].items() if name != "policy"}
    if row is None:
        compared = _unasked(compare_releases(None, picture, context))
        # That there is nothing before it is what was chosen here, and no news.
        told = [signal for signal in compared["signals"] if signal["id"] != FIRST_RELEASE]
        return {"baseline": None, **compared, "signals": told}
    earlier = Baseline(row, _request_of(row).environment_id == request.environment_id)
    if weighed := policy_changes(request, earlier, revision.policy):
        context["policy"] = weighed
    before = read_picture(earlier.revision)
    return {"baseline": describe_baseline(earlier, before), **_unasked(compare_releases(parse_canonical(before), picture, context))}


def _unasked(compared: dict[str, Any]) -> dict[str, Any]:
    """Take the question out of every signal: only the signed comparison asks for a word, and only its signals forbid approving."""
    told = [{**each, "asked": False, "level": "notice" if each["level"] == BLOCK else each["level"]} for each in compared["signals"]]
    return {**compared, "signals": told}


def _choice(row: OutcomeStatement, signed: str, digests: frozenset[str]) -> Choice:
    request = _request_of(row)
    named = {item.artifact_id for item in request.artifacts.all()}
    return Choice(request.pk, request.title, request.environment.name, row.signed_at, request.pk == signed, bool(named & digests))


def _running_digests(request: Request) -> frozenset[str]:
    """Return what runs in the request's environment, by the newest word of observers somebody answers for."""
    kinds = sorted(RUNS)
    places = Place.objects.filter(team=request.project.team_id, environment=request.environment_id, kind__in=kinds)[:MOST_PLACES]
    newest = newest_of_each_digest(list(places))
    last = [next((seen for seen in newest[place.pk] if does_count(seen)), None) for place in places]
    return frozenset(seen.digest for seen in last if seen is not None)


def _request_of(row: OutcomeStatement) -> Request:
    assert row.revision is not None
    return row.revision.request
