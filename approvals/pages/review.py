"""Turn a stored snapshot into what the review page draws: words and times, from the frozen bytes and nothing else. Pure.

Nothing is added that is not in the snapshot; what is live stands in `approvals.pages.decision_panel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from approvals.pages.comparison_words import describe_comparison
from approvals.pages.subject_words import EXPECTATIONS, KINDS, describe_subject
from approvals.requests.snapshot import read_snapshot
from attestations.side_by_side import describe_predicate
from proofs.approval.expectations_change import EXPECTATIONS_CHANGE_SCHEMA
from proofs.approval.review_words import signer_label
from proofs.moment import parse_moment

DATE_FIELDS = ("frozenAt", "openedAt", "receivedAt", "verifiedAt", "at")
GOOD = "pass"
ABOUT_ARTIFACTS = ("release", "promotion")


def read_review(content: bytes) -> dict[str, Any]:
    """Return the snapshot with times parsed, evidence described in words, and rules sorted with what is not met first."""
    frozen = read_snapshot(content)
    snapshot: dict[str, Any] = _with_times(frozen)
    # The digests of signals are over what is frozen, so these are described before anything is parsed.
    snapshot["comparison"] = describe_comparison(frozen.get("comparison"))
    snapshot["evidence"] = [_described(item) for item in snapshot["evidence"]]
    order = {"fail": 0, "awaiting": 1, "waived": 2, "pass": 3}
    snapshot["kind"], snapshot["asks"] = KINDS.get(snapshot["request"]["kind"], ("Request", ""))
    if (snapshot.get("subject") or {}).get("schema") == EXPECTATIONS_CHANGE_SCHEMA:
        snapshot["kind"], snapshot["asks"] = EXPECTATIONS
    snapshot["subjectRows"] = describe_subject(snapshot["subject"]) if "subject" in snapshot else []
    if snapshot["request"]["kind"] == "exception":
        snapshot["subject"]["until"] = parse_moment(snapshot["subject"]["until"], code="snapshot.malformed", what="until")
    # What is asked about a document has no build, so nothing of one can be missing; evidence about it is shown all the same.
    snapshot["is_about_artifacts"] = snapshot["request"]["kind"] in ABOUT_ARTIFACTS or bool(snapshot["evidence"])
    snapshot["policy"]["rules"] = sorted(snapshot["policy"]["rules"], key=lambda rule: order.get(rule["outcome"], 0))
    snapshot["unmet"] = [rule for rule in snapshot["policy"]["rules"] if rule["outcome"] != GOOD and rule["kind"] != "approvals"]
    snapshot["met"] = [rule for rule in snapshot["policy"]["rules"] if rule["outcome"] == GOOD and rule["kind"] != "approvals"]
    snapshot["troubles"] = [item for item in snapshot["evidence"] if item["result"] != "verified" or item["notable"]]
    return snapshot


def _described(item: Mapping[str, Any]) -> dict[str, Any]:
    notable = [finding for finding in item["findings"] if finding["outcome"] in ("fail", "review", "error")]
    # A rejection repeats the sentence of the finding it rests on.
    notable = [finding for finding in notable if finding["sentence"] != item["reason"]]
    return {
        **item,
        "words": describe_predicate(item["predicateType"]),
        "signedBy": signer_label(item["signer"]),
        "notable": notable,
        "passed": sum(1 for finding in item["findings"] if finding["outcome"] == GOOD),
    }


def _with_times(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: parse_moment(item, code="snapshot.malformed", what=name)
            if name in DATE_FIELDS and isinstance(item, str)
            else _with_times(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_with_times(item) for item in value]
    return value
