"""Packs with an envelope that several registered keys signed: who they were is derived again, and a rule for two signers holds offline."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proofs.assess import VERIFIER_VERSION
from proofs.pack import layout
from tests.proofs.pack.lies import check, code_when_signed
from tests.proofs.pack.world import POLICY, World, alice
from tests.proofs.policy.test_signers import ANN, BEN, KEYS, TRUST, signed_by

TOGETHER = signed_by(ANN, BEN)


def two_signers() -> dict[str, Any]:
    policy: dict[str, Any] = copy.deepcopy(POLICY)
    policy["rules"][0].pop("sources")
    policy["rules"][0].update(builders=[{"keyId": key.key_id} for key in KEYS], signers=2)
    return policy


def register(verdict: dict[str, Any]) -> None:
    """Name an identity for the co-signer, as the portal's register does."""
    for other in verdict["facts"].get("coSigners", ()):
        named = {"id": "idn_other", "kind": "service", "name": "other", "issuer": "https://x.example", "subject": "other"}
        identity = {**named, "team": "payments", "grants": [{"project": None, "environment": None}]}
        verdict["coIdentities"] = [{"keyId": other["keyId"], "identity": identity}]


def world(lie: Callable[[dict[str, Any]], object] = lambda verdict: None, *, evidence: bytes = TOGETHER, **more: Any) -> World:
    def tell(verdict: dict[str, Any]) -> None:
        register(verdict)
        lie(verdict)

    return World(evidence=(evidence,), verdict_lie=tell, evidence_keys=TRUST.keys, **{"policy": two_signers(), **more})


def test_two_signers_of_one_envelope_meet_the_rule_and_are_shown_in_the_snapshot() -> None:
    made = world()
    assert made.result["rules"][0]["outcome"] == "pass"
    files = made.pack()
    assert check(files, trust=made.trust).steps
    assert KEYS[BEN].key_id.encode() in files[layout.SNAPSHOT]


def test_the_order_in_which_a_reader_trusts_the_keys_changes_nothing() -> None:
    made = world()
    made.trust = replace(made.trust, evidence_keys=TRUST.keys[::-1])
    assert check(made.pack(), trust=made.trust).steps


@pytest.mark.parametrize(
    "lie",
    [
        lambda verdict: verdict["facts"].update(coSigners=[{"kind": "key", "keyId": KEYS[2].key_id}]),
        lambda verdict: verdict["facts"]["coSigners"].append({"kind": "key", "keyId": KEYS[2].key_id}),
        lambda verdict: verdict["facts"].pop("coSigners"),
    ],
)
def test_a_verdict_that_names_other_co_signers_is_refused(lie: Callable[[dict[str, Any]], object]) -> None:
    lax = {"policy": {**POLICY, "rules": [rule for rule in POLICY["rules"] if rule["kind"] != "evidence"]}}
    honest, lying = world(**lax), world(lie, **lax)
    assert check(honest.pack(), trust=honest.trust).steps
    assert code_when_signed(alice(), lying) == "evidence.verdict_mismatch"


@pytest.mark.parametrize(("version", "holds"), [("2", True), (VERIFIER_VERSION, False)])
def test_a_verdict_from_before_co_signers_were_named_still_holds(version: str, holds: bool) -> None:
    def earlier(verdict: dict[str, Any]) -> None:
        verdict["facts"].pop("coSigners")
        verdict.pop("coIdentities")
        verdict["verifier"]["version"] = version

    one = two_signers()
    one["rules"][0]["signers"] = 1
    made = world(earlier, policy=one)
    if holds:
        assert check(made.pack(), trust=made.trust).steps
    else:
        assert code_when_signed(alice(), made) == "evidence.verdict_mismatch"


def test_one_signer_does_not_meet_the_rule() -> None:
    made = world(evidence=signed_by(ANN))
    assert made.result["rules"][0]["code"] == "policy.signers_missing"
    assert code_when_signed(alice(), made) == "policy.result"
