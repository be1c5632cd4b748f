"""Each benchmark runs with the fewest rounds and prints every row it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.bundles import Measured, made_bundles
from benchmarks.interleaved import Times
from benchmarks.policy import WHATS, make_input, make_policy
from benchmarks.signature_checks import unavoidable_checks
from proofs.assess import assess_evidence
from proofs.evidence import TrustMaterial
from proofs.policy.evaluate import evaluate_rules
from proofs.sigstore.trust_root import parse_trust_root

ROOT = Path(__file__).resolve().parents[2]
BUNDLES = made_bundles()
pytestmark = pytest.mark.once


def run(*arguments: str) -> list[str]:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    # Whether a goal was met is not asked here, only that it ran to its end.
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.slow
class TestVerify:
    def test_prints_every_row(self) -> None:
        lines = run("benchmarks.verify", "--made", "--rounds", "1", "--slot", "1")
        for bundle in BUNDLES:
            rows = [line for line in lines if line.startswith(f"{bundle.name} ")]
            whats = [
                "limit:",
                "never seen",
                "certificate known",
                "assessed",
                *([] if bundle.is_intoto else ["one verifier kept", "by ours"]),
            ]
            assert len(rows) == len(whats), bundle.name
            assert all(what in row for what, row in zip(whats, rows, strict=True))
        assert [line.split("  ")[0] for line in lines if line.startswith("two workers")] == ["two workers"] * 2
        assert lines[0].startswith("Made bundles") and lines[-1] == "no goal judged"


@pytest.mark.slow
class TestHostile:
    def test_prints_every_refusal_with_the_code_of_its_limit(self) -> None:
        lines = run("benchmarks.hostile", "--rounds", "1")
        assert lines[0].startswith("genuine: ")
        codes = [line.split()[-1] for line in lines[1:-2]]
        for code in (
            "json.too_many_parts",
            "json.duplicate_key",
            "tlog.checkpoint_too_large",
            "bundle.too_many_timestamps",
            "bundle.too_many_entries",
            "statement.too_many_subjects",
            "statement.too_many_digests",
            "json.too_deep",
            "evidence.too_large",
        ):
            assert code in codes
        assert "evidence.verified" not in codes
        assert lines[-1].endswith("goals missed")


@pytest.mark.slow
class TestPolicy:
    def test_prints_every_row(self) -> None:
        lines = run("benchmarks.policy", "--rounds", "1", "--slot", "1")
        assert all(line.startswith(what) for line, what in zip(lines, WHATS.values(), strict=False))
        assert lines[-1].endswith("goals missed")


class TestWhatIsMeasured:
    def test_the_policy_is_as_large_as_it_is_said_to_be_and_all_of_it_passes(self) -> None:
        rules = evaluate_rules(make_policy(), make_input())
        assert len(rules) == 30
        assert {rule["outcome"] for rule in rules} == {"pass", "awaiting"}
        assert all(len(rule["evidence"]) == 5 for rule in rules if rule["kind"] == "evidence")

    @pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
    def test_the_bundles_verify_and_every_unavoidable_check_is_found(self, bundle: Measured) -> None:
        trust = TrustMaterial((parse_trust_root(bundle.trusted_root),))
        assert assess_evidence(bundle.content, trust=trust, received_at=bundle.received_at).result == "verified"
        # Authority, certificate log, log's promise or timestamp, log's checkpoint, content.
        assert len(unavoidable_checks(bundle.content, bundle.trusted_root)) == 5

    def test_ratios_are_taken_within_a_round(self) -> None:
        times = Times({"ours": (2.0, 30.0, 4.0), "limit": (1.0, 10.0, 2.0)})
        assert times.ratio("ours", "limit") == 2.0
        assert times.p10("ours") == 2e6
