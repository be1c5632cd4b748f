"""The signing time lies inside every window it rests on; each is moved alone, so that it alone says no."""

from __future__ import annotations

import pytest

from tests.proofs.advisories.asked import KINDS, VERIFIED, code, make
from tests.proofs.advisories.moved import LEAF_LIFE, LONG, SECOND, WINDOWS, Moved
from tests.proofs.factory import NOON

# For each window: a kind of evidence that rests on it, and the refusal when it does not hold.
RESTS_ON = {
    "leaf": [("envelope-dsse-stamped", "certificate.time"), ("envelope-v2", "certificate.time"), ("file-v1", "certificate.time")],
    "intermediate": [("envelope-intoto", "certificate.untrusted"), ("envelope-v2", "certificate.untrusted")],
    "root": [("envelope-intoto", "certificate.untrusted"), ("envelope-v2", "certificate.untrusted")],
    "TSA leaf": [("envelope-v2", "tsa.time"), ("private-envelope", "tsa.time"), ("key-file-v2", "tsa.time")],
    "TSA root": [("envelope-v2", "tsa.time"), ("private-file", "tsa.time")],
    "managed key": [("key-file-v1", "key.not_valid"), ("key-file-v2", "key.not_valid"), ("key-envelope-dsse", "key.not_valid")],
    "CA validFor": [("file-v1", "certificate.authority_window"), ("private-envelope", "certificate.authority_window")],
    "TSA validFor": [("envelope-v2", "tsa.time"), ("private-envelope", "tsa.time")],
    "Rekor v1 validFor": [("file-v1", "tlog.key_window"), ("envelope-intoto", "tlog.key_window"), ("key-envelope-dsse", "tlog.key_window")],
    "Rekor v2 validFor": [("envelope-v2", "tlog.key_window"), ("key-file-v2", "tlog.key_window")],
    "CT validFor": [("file-v1", "sct.key_window"), ("envelope-v2", "sct.key_window")],
}
CASES = [(window, name, wanted) for window in WINDOWS for name, wanted in RESTS_ON[window]]


def outcome(window: str, name: str, *, start_late: int = 0, end_early: int = 0, at_start: bool) -> str:
    """Return what evidence signed at noon comes to, when the window begins (or ends) at noon, moved by so many seconds."""
    life = LEAF_LIFE if window == "leaf" else LONG
    start = NOON + start_late * SECOND if at_start else NOON - end_early * SECOND - life
    moved = Moved(window, (start, start + life))
    return code(make(name, by=moved), name, trust=moved.trusted(KINDS[name].profile))


@pytest.mark.parametrize(("window", "name", "wanted"), CASES)
class TestSigningTimeOutsideAWindow:
    """CVE-2026-54787 (sigstore-go, managed keys), CVE-2026-24122 (cosign, an intermediate that had expired).

    A window that is not asked for is a key or an authority that lives for ever.
    """

    def test_that_begins_at_that_second_or_the_next(self, window: str, name: str, wanted: str) -> None:
        assert outcome(window, name, at_start=True) == VERIFIED
        assert outcome(window, name, at_start=True, start_late=1) == wanted

    def test_that_ends_at_that_second_or_the_one_before(self, window: str, name: str, wanted: str) -> None:
        assert outcome(window, name, at_start=False) == VERIFIED
        assert outcome(window, name, at_start=False, end_early=1) == wanted


def test_no_window_is_left_out() -> None:
    assert set(RESTS_ON) == set(WINDOWS)
