"""What is wrong with an outcome, held against what a row or a case of a suite expects."""

from __future__ import annotations

from typing import Any

from portal.vectors.facts import differences
from portal.vectors.manifest import REJECTED, VERIFIED, Outcome
from portal.vectors.reasons import REASONS


def complaint_of(expected: dict[str, Any], outcome: Outcome) -> str:
    """Return what is wrong with the outcome, in one line; nothing when it is the expected one. What was not judged is always wrong."""
    wanted = expected["verdict"]
    if wanted not in (VERIFIED, REJECTED):
        return f"the row expects {wanted!r}, which is no verdict"
    if outcome.code.startswith("vectors."):
        return f"not judged: {outcome.reason}"
    if wanted == REJECTED:
        if outcome.verdict == VERIFIED:
            return f"verified, expected rejected ({expected.get('reason')})"
        accepted = {expected.get("reason"), *expected.get("reason_also_ok", [])}
        if not accepted & set(REASONS.get(outcome.code, ())):
            return f"rejected for {outcome.code}, expected one of {', '.join(sorted(filter(None, accepted)))}"
    elif outcome.verdict != VERIFIED:
        return f"{outcome.verdict} ({outcome.code}: {outcome.reason}), expected verified"
    # Facts of what is rejected are those of evidence whose signatures hold and that a policy does not want.
    wrong = differences(expected.get("facts", {}), outcome.facts)
    return f"{outcome.verdict} with other facts: {'; '.join(wrong[:3])}" if wrong else ""
