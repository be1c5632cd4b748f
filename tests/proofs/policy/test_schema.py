"""The JSON Schema and the parser say the same of a policy, as far as a schema can: it refuses nothing that the parser reads."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.canonical import canonical_bytes
from proofs.errors import Refusal
from proofs.policy.document import parse_policy
from proofs.policy.schema import schema_bytes

SCHEMA = json.loads(schema_bytes())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
BASE = {"kinds": ["release", "promotion"]}
# Every field of the language stands somewhere in here.
WHOLE: dict[str, Any] = {
    "schema": "countersign-policy/v1",
    "id": "whole",
    "version": "1",
    "title": "Everything",
    "minimumAssurance": "H2",
    "validityHours": 72,
    "rules": [
        {
            **BASE,
            "id": "a",
            "kind": "evidence",
            "title": "Built",
            "predicateTypes": ["https://slsa.dev/provenance/v1"],
            "builders": [
                {"issuer": "https://i", "identity": "x"},
                {"issuer": "https://i", "workflow": "w"},
                {"keyId": "k"},
                {"delegated": "https://b"},
            ],
            "sources": [{"repository": "https://r", "repositoryId": "7", "refs": ["refs/tags/v*", "^refs/tags/v[0-9]+$"]}],
            "registeredSigner": True,
            "runners": ["github-hosted"],
            "parameters": [],
            "inputs": {"digests": ["sha256:" + "a" * 64], "verified": True},
            "results": ["PASSED", "WARNED"],
            "signers": 2,
            "maxAgeHours": 24,
        },
        {"id": "b", "kind": "evidence", "title": "As expected", "predicateTypes": ["t"], "expectations": "project"},
        {**BASE, "id": "c", "kind": "approvals", "title": "Two", "role": "approver:release", "count": 2, "minimumAssurance": "H3"},
        {"id": "d", "kind": "separation-of-duties", "title": "Others", "exclude": ["commit-authors"]},
        {"id": "e", "kind": "separation-of-duties", "title": "Not oneself", "requesterMayApprove": False},
        {
            "id": "f",
            "kind": "freeze",
            "title": "Freeze",
            "zone": "Europe/Berlin",
            "windows": [{"from": "2026-12-20T00:00", "to": "2027-01-04T08:00", "why": "Nobody is here"}],
        },
        {"id": "g", "kind": "hours", "title": "Hours", "zone": "UTC", "days": ["mon", "fri"], "from": "09:00", "to": "24:00"},
        {"id": "h", "kind": "condition", "title": "Ours", "expression": "kind == 'release'"},
        {"id": "i", "kind": "approved-in", "title": "Staging", "environment": "staging", "minimumHours": 24},
    ],
    "waivers": {"maxDays": 30, "approvals": [{"role": "approver:security", "count": 2}]},
    "delegation": "allowed",
    "breakGlass": {
        "roles": ["approver:owner"],
        "validityHours": 2,
        "maxUses": 3,
        "reviewHours": 24,
        "reviewers": {"role": "approver:security", "count": 1},
    },
}
ODD = st.sampled_from(
    [None, "", "x", "24:00", "H3", "project", "release", "https://slsa.dev/provenance/v1", 0, 1, -1, 33, 9999, True, False, [], ["x"], ["x", "x"],
     ["PASSED"], ["WARNED"], ["mon"], {}, {"role": "r", "count": 1}, "y" * 90, "y" * 300, "2026-12-20T00:00", "Europe/Nowhere", "Zone\n"]
)  # fmt: skip
NAMES = st.sampled_from(sorted({name for part in str(WHOLE).split("'") if (name := part).isidentifier()} | {"colour"}))


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for name, part in parts for below in paths_of(part, (*path, name)))]


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """The whole policy, with a rule or two left out, and up to three places changed, dropped or added to."""
    document = copy.deepcopy(WHOLE)
    document["rules"] = draw(st.lists(st.sampled_from(document["rules"]), min_size=1, max_size=9, unique_by=lambda rule: rule["id"]))
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from([path for path in paths_of(document) if path]))
        holder: Any = document
        for name in path[:-1]:
            holder = holder[name]
        match draw(st.sampled_from(["change", "drop", "add"])):
            case "change":
                holder[path[-1]] = copy.deepcopy(draw(ODD))
            case "drop":
                del holder[path[-1]]
            case _ if isinstance(holder, dict):
                holder[draw(NAMES)] = copy.deepcopy(draw(ODD))
            case _:
                holder.append(copy.deepcopy(draw(ODD)))
    return document


def is_read(document: dict[str, Any]) -> bool:
    try:
        parse_policy(canonical_bytes(document))
    except Refusal:
        return False
    return True


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_whole_policy_is_read_by_both() -> None:
    assert is_read(WHOLE)
    assert list(VALIDATOR.iter_errors(WHOLE)) == []


@given(policies())
@settings(max_examples=200, deadline=None)
def test_what_the_parser_reads_the_schema_accepts_and_what_the_schema_refuses_the_parser_refuses(document: dict[str, Any]) -> None:
    if is_read(document):
        assert list(VALIDATOR.iter_errors(document)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "countersign-policy/v2"),
        (("colour",), "red"),
        (("minimumAssurance",), "H0"),
        (("validityHours",), 721),
        (("rules",), []),
        (("rules", 0, "results"), ["WARNED"]),
        (("rules", 0, "builders", 0), {"issuer": "https://i"}),
        (("rules", 1, "builders"), [{"keyId": "k"}]),
        (("rules", 2, "count"), 0),
        (("rules", 3, "exclude"), ["the-boss"]),
        (("rules", 5, "windows", 0, "from"), "yesterday"),
        (("rules", 6, "days"), ["monday"]),
        (("rules", 8, "minimumHours"), -1),
        (("waivers", "maxDays"), 91),
        (("breakGlass", "maxUses"), 11),
    ],
)
def test_what_both_refuse(path: tuple[Any, ...], value: object) -> None:
    document = copy.deepcopy(WHOLE)
    holder: Any = document
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    assert not is_read(document)
    assert list(VALIDATOR.iter_errors(document)) != []


def test_everything_in_it_has_a_title() -> None:
    def untitled(schema: Any, path: str) -> list[str]:
        below = [*schema.get("properties", {}).items(), *schema.get("$defs", {}).items()] if isinstance(schema, dict) else []
        return [
            where
            for name, part in below
            if isinstance(part, dict)
            for where in ([f"{path}.{name}"] if not {"title", "$ref", "anyOf"} & part.keys() else []) + untitled(part, f"{path}.{name}")
        ]

    assert untitled(SCHEMA, "policy") == []
