"""Step 21 of the argument, its part about what changed: the picture is made again from the evidence, and held against the baseline again.

The words and signals on the page follow from the two pictures and from what only the portal knew, which is taken from the snapshot as it is.
Whether the baseline was approved is for its own pack to show: its record is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofs.approval.approval_parts import HumanApproval
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.comparison.compare import asked_signals, blocking_signals, compare_releases
from proofs.comparison.picture import KNOWN_VERSIONS, Pictured, build_picture
from proofs.digest import sha256_hex
from proofs.errors import Unproven
from proofs.fields import Fields
from proofs.pack import layout
from proofs.pack.check_evidence import EvidenceItem

_SNAPSHOT = "snapshot.mismatch"
APPROVE = "approve"


def rebuild_comparison(
    files: Mapping[str, bytes], snapshot: Fields, *, request: Mapping[str, Any], approval: HumanApproval, items: Sequence[EvidenceItem]
) -> dict[str, Any] | None:
    """Return the comparison as it follows from the pack; None where the snapshot has none. Refuses with `snapshot.mismatch`."""
    if not snapshot.has("comparison"):
        return None
    shown = snapshot.fields("comparison").only("version", "baseline", "picture", "context", "areas", "signals")
    version = shown.integer("version", low=1)
    if version not in KNOWN_VERSIONS:
        raise Unproven(
            _SNAPSHOT,
            f"the page was compared by rules of version {version}, this verifier knows {' and '.join(map(str, KNOWN_VERSIONS))}; take one that knows them",
        )
    picture = build_picture(
        [Pictured(item.verdict, files[layout.EVIDENCE + item.reference.digest]) for item in items],
        artifacts=request["artifacts"],
        policy={"id": approval.policy.id, "version": approval.policy.version, "digest": approval.policy.digest},
        subject=request.get("subject"),
        team=str(request["team"]),
        environment=str(request["environment"]["name"]),
        version=version,
    )
    before = _read_baseline(files, shown)
    context = shown.fields("context").value
    try:
        compared = compare_releases(before, picture, context)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unproven(_SNAPSHOT, "what the portal knew, as the snapshot holds it, cannot be compared with") from error
    return {
        "version": version,
        "baseline": shown.raw("baseline"),
        "picture": {"sha256": sha256_hex(canonical_bytes(picture))},
        "context": context,
        **compared,
    }


def check_acknowledged(comparison: Mapping[str, Any] | None, approval: HumanApproval) -> None:
    """21. Return when the person acknowledged just what the page asked them to, and nothing on it forbade the approval."""
    review = approval.review
    expected = tuple(asked_signals(comparison)) if approval.decision == APPROVE else ()
    if review.acknowledged != expected:
        raise Unproven("review.mismatch", "the signals that the statement acknowledges are not those that its page asked about")
    if approval.decision == APPROVE and (blocking := blocking_signals(comparison)):
        raise Unproven("review.mismatch", f"the page said that nobody can approve this: {blocking[0]}")
    if review.baseline != baseline_record(comparison):
        raise Unproven("review.mismatch", "the statement names another baseline than its page compared with")


def baseline_record(comparison: Mapping[str, Any] | None) -> str:
    """Return the SHA-256 of the last record with which the baseline was approved; empty where there is no baseline."""
    baseline = comparison["baseline"] if comparison is not None else None
    return str(baseline["records"][-1]["sha256"]) if baseline and baseline["records"] else ""


def _read_baseline(files: Mapping[str, bytes], shown: Fields) -> dict[str, Any] | None:
    if shown.raw("baseline") is None:
        return None
    content = files.get(layout.BASELINE)
    if content is None:
        raise Unproven(_SNAPSHOT, f"the page compared with an earlier release, and {layout.BASELINE} is not in the pack")
    if sha256_hex(content) != shown.fields("baseline").sha256("picture"):
        raise Unproven(_SNAPSHOT, f"{layout.BASELINE} is not the picture that the page compared with")
    read: dict[str, Any] = parse_canonical(content)
    return read
