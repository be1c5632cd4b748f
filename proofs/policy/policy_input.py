"""What a policy is evaluated on: every fact it may ask for, in one order, so that the same facts give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from proofs.canonical import canonical_bytes
from proofs.digest import parse_digest, sha256_hex
from proofs.fields import Fields
from proofs.moment import rfc3339
from proofs.policy.expectations_document import read_carried
from proofs.policy.rules import EXCLUDABLE, RELEASE, REQUEST_KINDS

INPUT_SCHEMA = "countersign-policy-input/v1"
INPUT_CODE = "policy.input_malformed"


def build_policy_input(
    *,
    project: str,
    team: str,
    environment: str,
    artifacts: Iterable[dict[str, str]],
    requester: dict[str, str],
    on_behalf_of: dict[str, str] | None,
    owner: dict[str, str] | None,
    evidence: Iterable[dict[str, Any]],
    expectations: dict[str, Any] | None = None,
    kind: str = RELEASE,
    at: str | datetime | None = None,
    people: Iterable[dict[str, Any]] = (),
    waivers: Iterable[dict[str, Any]] = (),
    approved_in: Iterable[dict[str, str]] = (),
) -> dict[str, Any]:
    """Return everything a policy is evaluated on, in one order: the same facts give the same bytes.

    `project`, its `team` and `environment` are slugs; `artifacts` are {"digest", "name"}; `requester` is {"kind", "issuer", "subject"};
    `on_behalf_of` and `owner` (who answers for the program that asks) are {"issuer", "subject"} or None; `evidence` are
    {"digest", "verdictDigest", "verdict"}, digests in plain SHA-256 hex; `expectations` are {"digest", "document"} of the project, where
    the policy asks for them and they are in force: without them the input has no such field. Nor has it one for what is not there of the
    rest: the `kind` of request, where it is no release; `at`, when the question was frozen; `people` as {"because", "account", "issuer",
    "subject"}, the last two None where nobody is known to have the account; `waivers` that are alive, as {"digest", "rule", "policy",
    "artifacts", "until"}, artifacts None for any; `approved_in` as {"environment", "digest", "at", "request"}.
    Refuses with `policy.input_malformed`, also when a verdict does not have the digest given for it, or an item comes twice.
    """
    whole = Fields(
        {
            "project": project,
            "team": team,
            "environment": environment,
            "artifacts": list(artifacts),
            "requester": requester,
            "onBehalfOf": on_behalf_of,
            "owner": owner,
            "evidence": list(evidence),
            "kind": kind,
            "at": rfc3339(at) if isinstance(at, datetime) else at,
            "people": list(people),
            "waivers": list(waivers),
            "approvedIn": list(approved_in),
        },
        path="policy input",
        code=INPUT_CODE,
    )
    named, items = _each_once(whole)
    asked = whole.fields("requester").only("kind", "issuer", "subject")
    return {
        "schema": INPUT_SCHEMA,
        "project": whole.text("project"),
        "team": whole.text("team"),
        "environment": whole.text("environment"),
        "artifacts": [{"digest": digest, "name": name} for digest, name in sorted(named)],
        "requester": {name: asked.text(name) for name in ("kind", "issuer", "subject")},
        "onBehalfOf": _named(whole, "onBehalfOf"),
        "owner": _named(whole, "owner"),
        "evidence": sorted(items, key=lambda item: str(item["digest"])),
        **_carried(expectations, project),
        **_additions(whole),
    }


def _carried(expectations: dict[str, Any] | None, project: str) -> dict[str, Any]:
    if expectations is None:
        return {}
    expected = read_carried(expectations, project=project, code=INPUT_CODE)
    return {"expectations": {"digest": expected.digest, "document": expectations["document"]}}


def _each_once(whole: Fields) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """Return digest and name of each artifact, and the items of evidence."""
    named = [(str(parse_digest(item.text("digest"))), item.text("name", empty=True)) for item in whole.each("artifacts", high=256)]
    items = [_evidence_item(item) for item in whole.each("evidence", high=4096)]
    for what, digests in (("artifacts", [digest for digest, _ in named]), ("evidence", [item["digest"] for item in items])):
        if len(set(digests)) != len(digests):
            whole.refuse(what, "every digest once")
    return named, items


def is_within(scope: str, policy_input: dict[str, Any]) -> bool:
    """Return whether a role with this scope is held where the request is: in its project, or in the whole team of that project."""
    return scope in (project_scope(policy_input["project"]), team_scope(policy_input["team"]))


def project_scope(slug: str) -> str:
    """Return the scope of a role held in one project, as it stands in signed statements."""
    return f"project:{slug}"


def team_scope(slug: str) -> str:
    """Return the scope of a role held in a whole team. The word in front keeps a project and a team of one name apart."""
    return f"team:{slug}"


def _additions(whole: Fields) -> dict[str, Any]:
    """Return the fields that stand in an input only where there is something to say, so that the inputs of before keep their bytes."""
    kind = whole.choice("kind", REQUEST_KINDS)
    people = [_person(item) for item in whole.each("people", high=1024)]
    waivers = [_waiver(item) for item in whole.each("waivers", high=256)]
    approved = [_approved(item) for item in whole.each("approvedIn", high=1024)]
    if len({waiver["digest"] for waiver in waivers}) != len(waivers):
        whole.refuse("waivers", "every waiver once")
    return {
        **({"kind": kind} if kind != RELEASE else {}),
        **({"at": rfc3339(whole.time("at"))} if whole.has("at") else {}),
        **({"people": _once(people)} if people else {}),
        **({"waivers": _once(waivers)} if waivers else {}),
        **({"approvedIn": _once(approved)} if approved else {}),
    }


def _once(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {canonical_bytes(item): item for item in items}
    return [found[content] for content in sorted(found)]


def _person(item: Fields) -> dict[str, Any]:
    item.only("because", "account", "issuer", "subject")
    if item.has("issuer") != item.has("subject"):
        item.refuse("subject", "issuer and subject, or neither where nobody is known")
    return {
        "because": item.choice("because", tuple(EXCLUDABLE.values())),
        "account": item.text("account", limit=300),
        "issuer": item.optional_text("issuer", limit=300),
        "subject": item.optional_text("subject", limit=300),
    }


def _waiver(item: Fields) -> dict[str, Any]:
    item.only("digest", "rule", "policy", "artifacts", "until")
    artifacts = [str(parse_digest(text)) for text in item.texts("artifacts", low=1, high=256)] if item.has("artifacts") else None
    return {
        "digest": item.hex_sha256("digest"),
        "rule": item.text("rule", limit=80),
        "policy": item.text("policy", limit=80),
        "artifacts": sorted(artifacts) if artifacts is not None else None,
        "until": rfc3339(item.time("until")),
    }


def _approved(item: Fields) -> dict[str, str]:
    item.only("environment", "digest", "at", "request")
    return {
        "environment": item.text("environment", limit=64),
        "digest": str(parse_digest(item.text("digest"))),
        "at": rfc3339(item.time("at")),
        "request": item.text("request", limit=80),
    }


def _named(whole: Fields, name: str) -> dict[str, str] | None:
    if not whole.has(name):
        return None
    party = whole.fields(name).only("issuer", "subject")
    return {part: party.text(part) for part in ("issuer", "subject")}


def _evidence_item(item: Fields) -> dict[str, Any]:
    item.only("digest", "verdictDigest", "verdict")
    verdict = item.raw("verdict")
    if not isinstance(verdict, dict) or sha256_hex(canonical_bytes(verdict)) != item.hex_sha256("verdictDigest"):
        item.refuse("verdictDigest", "the SHA-256 of the canonical verdict document beside it")
    return {"digest": item.hex_sha256("digest"), "verdictDigest": item.hex_sha256("verdictDigest"), "verdict": verdict}
