"""Documents of before there were additions to the language keep their bytes and their result.

`before.json` holds policies, facts and votes, and the digests of what the code of that time made of each combination.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.policy.evaluate import CountedApproval, build_policy_input, count_approvals, evaluate_policy, exclusions, parse_policy

BEFORE = json.loads((Path(__file__).parent / "before.json").read_text())
POLICIES = [parse_policy(canonical_bytes(document)) for document in BEFORE["policies"]]
INPUTS = [build_policy_input(**facts) for facts in BEFORE["facts"]]


def digest_of(value: Any) -> str:
    return sha256_hex(canonical_bytes(value))


def test_every_input_and_result_is_what_it_was() -> None:
    for policy, facts, input_digest, result_digest, result, excluded in BEFORE["cases"]:
        again = evaluate_policy(POLICIES[policy], INPUTS[facts])
        assert (digest_of(INPUTS[facts]), again["result"]) == (input_digest, result)
        assert digest_of(again) == result_digest, (policy, facts, again)
        assert digest_of(exclusions(POLICIES[policy], INPUTS[facts])) == excluded
    assert {case[4] for case in BEFORE["cases"]} == {"pass", "fail"}


def test_every_count_is_what_it_was() -> None:
    for policy, votes, expected in BEFORE["counts"]:
        approvals = [CountedApproval(**{**vote, "roles": tuple(vote["roles"])}) for vote in BEFORE["votes"][votes]]
        excluded = exclusions(POLICIES[policy], INPUTS[0])
        assert digest_of(count_approvals(POLICIES[policy], approvals, excluded=excluded)) == expected


def test_the_policies_of_before_have_none_of_the_additions() -> None:
    for policy in POLICIES:
        assert (policy.waivers, policy.break_glass, policy.asks_moment) == (None, None, False)
        assert policy.for_kind("promotion") is policy
