"""Measures the verification of bundles: `make bench-verify`, or `python -m benchmarks.verify --rounds 15` for a quick look.

Each kind of bundle is held against the signature checks that nobody can leave out, and against `sigstore`, another project's
verifier. Everything runs in the same rounds. Ends with 1 where a goal is missed. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.bundles import REKOR_V1, REKOR_V2, Measured, is_published_here, made_bundles, published_bundles
from benchmarks.interleaved import Times, Work, measure
from benchmarks.other_verifier import verify_with_sigstore
from benchmarks.signature_checks import together, unavoidable_checks
from benchmarks.two_workers import COUNT, VERIFY, Speedup, measure_two_workers
from proofs.assess import assess_evidence
from proofs.evidence import TrustMaterial, verify_evidence
from proofs.sigstore.trust_root import parse_trust_root

COLD_GOALS = {REKOR_V1: 1.75, REKOR_V2: 1.6}
SIGSTORE_GOALS = {REKOR_V1: 1.3, REKOR_V2: 2.0}
KNOWN_GOAL = 0.6
WORKERS_GOAL = 1.8
# What two processes that share nothing must reach before the machine counts as free enough to judge us.
BUSY = 1.8


@dataclass(frozen=True, slots=True)
class Row:
    """One printed figure; `goal` is empty where there is none, and `is_met` counts only where there is one."""

    kind: str
    what: str
    microseconds: float | None
    figure: str
    goal: str = ""
    is_met: bool = True


def main() -> None:
    """Measure, print one line for each figure beside its goal, and end with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="rounds of the interleaved run (60); 15 take half a minute")
    parser.add_argument("--slot", type=float, default=15, help="milliseconds for each function in each round (15)")
    parser.add_argument("--made", action="store_true", help="measure made bundles, even where published ones are at hand")
    wanted = parser.parse_args()
    is_judged = is_published_here() and not wanted.made
    bundles = published_bundles() if is_judged else made_bundles()
    if not is_judged:
        print("Made bundles: no published ones are at hand (or --made). Their keys are smaller, so goals are shown and not judged.\n")
    times = measure(_functions(bundles), rounds=wanted.rounds, slot=wanted.slot / 1000)
    rows = [row for bundle in bundles for row in _rows_of(bundle, times)]
    rows += _rows_of_workers(first_published if is_judged else first_made, rounds=max(3, wanted.rounds // 4))
    _print(rows, is_judged=is_judged)
    missed = sum(not row.is_met for row in rows)
    print(f"\n{missed} goals missed" if is_judged else "\nno goal judged")
    raise SystemExit(1 if missed and is_judged else 0)


def verify_cold(bundle: Measured) -> Work:
    """Return the verification of a bundle whose certificate was never seen before, under a trust root read beforehand."""
    trust_root = parse_trust_root(bundle.trusted_root)
    trust = TrustMaterial((trust_root,))

    def verify() -> None:
        trust_root.known.forget()
        verify_evidence(bundle.content, trust=trust, received_at=bundle.received_at)

    return verify


def verify_known(bundle: Measured) -> Work:
    """Return the verification of a bundle whose certificate was seen before."""
    trust = TrustMaterial((parse_trust_root(bundle.trusted_root),))
    return lambda: verify_evidence(bundle.content, trust=trust, received_at=bundle.received_at)


def assess(bundle: Measured) -> Work:
    """Return the whole assessment, as a worker makes it: verified, facts read, statement held against the certificate."""
    trust = TrustMaterial((parse_trust_root(bundle.trusted_root),))
    return lambda: assess_evidence(bundle.content, trust=trust, received_at=bundle.received_at)


def first_published() -> Work:
    """Return what the two worker processes do."""
    return verify_cold(published_bundles()[0])


def first_made() -> Work:
    """Return what they do where made bundles were asked for."""
    return verify_cold(made_bundles()[0])


def _functions(bundles: list[Measured]) -> dict[str, Work]:
    functions: dict[str, Work] = {}
    for bundle in bundles:
        functions[f"{bundle.name}: limit"] = together(unavoidable_checks(bundle.content, bundle.trusted_root))
        functions[f"{bundle.name}: cold"] = verify_cold(bundle)
        functions[f"{bundle.name}: known"] = verify_known(bundle)
        functions[f"{bundle.name}: assessed"] = assess(bundle)
        if not bundle.is_intoto:  # It does not read this kind of log entry.
            functions[f"{bundle.name}: sigstore"] = verify_with_sigstore(bundle.content, bundle.trusted_root)
    return functions


def _rows_of(bundle: Measured, times: Times) -> list[Row]:
    def row(what: str, name: str, goal: float | None) -> Row:
        ratio = times.ratio(f"{bundle.name}: {name}", limit)
        wanted = f"<= {goal} x limit" if goal else ""
        return Row(bundle.name, what, times.p10(f"{bundle.name}: {name}"), f"{ratio:.2f} x limit", wanted, goal is None or ratio <= goal)

    limit = f"{bundle.name}: limit"
    checks = unavoidable_checks(bundle.content, bundle.trusted_root)
    rows = [
        Row(bundle.name, f"limit: {len(checks)} signature checks", times.p10(limit), "1.00 x limit"),
        row("verified, certificate never seen", "cold", COLD_GOALS[bundle.log]),
        row("verified, certificate known", "known", KNOWN_GOAL if bundle.log == REKOR_V1 else None),
        row("assessed, certificate known", "assessed", None),
    ]
    if not bundle.is_intoto:
        rows.append(row("sigstore, one verifier kept", "sigstore", None))
        speedup = times.ratio(f"{bundle.name}: sigstore", f"{bundle.name}: cold")
        goal = SIGSTORE_GOALS[bundle.log]
        rows.append(
            Row(bundle.name, "sigstore's time by ours, never seen", None, f"{speedup:.2f} times", f">= {goal} times", speedup >= goal)
        )
    return rows


def _rows_of_workers(make_work: Callable[[], Work], *, rounds: int) -> list[Row]:
    found = measure_two_workers(make_work, rounds=rounds, batch_seconds=0.1)
    ours, control = found[VERIFY], found[COUNT]
    # On a busy machine two processes that share nothing do not reach two either; then only the distance to them is ours.
    is_met = ours.wall >= WORKERS_GOAL or (control.wall < BUSY and ours.wall >= 0.95 * control.wall)
    goal = f">= {WORKERS_GOAL} times" + (" (machine busy: beside the control)" if control.wall < BUSY else "")
    return [
        Row("two workers", "verifying, certificates never seen", None, _shown(ours), goal, is_met),
        Row("two workers", "control: counting", None, _shown(control)),
    ]


def _shown(speedup: Speedup) -> str:
    return f"{speedup.wall:.2f} times (CPU {speedup.cpu:.2f})"


def _print(rows: list[Row], *, is_judged: bool) -> None:
    for row in rows:
        microseconds = "" if row.microseconds is None else f"{row.microseconds:9.0f} us"
        verdict = "" if not row.goal or not is_judged else "  met" if row.is_met else "  MISSED"
        print(f"{row.kind:34} {row.what:38} {microseconds:12}  {row.figure:24} {row.goal}{verdict}".rstrip())


if __name__ == "__main__":
    main()
