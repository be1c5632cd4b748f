"""Which of two versions of a package is the newer, for whoever does not know by which rules its maker counts."""

from __future__ import annotations

import re
from typing import NamedTuple

_EPOCH = re.compile(r"(\d{1,9}):")
_PART = re.compile(r"([^0-9A-Za-z]*)(\d+|[A-Za-z]+)")
_BEFORE = frozenset(("alpha", "beta", "rc", "cr", "pre", "preview", "dev", "snapshot", "milestone", "canary", "nightly", "next", "ea"))
_AFTER = frozenset(("post", "sp", "p", "pl", "patch", "r", "rev", "hotfix"))
_SAME = frozenset(("release", "final", "ga", "build"))
# `1.0a1` comes before 1.0, and 1.0.2a after 1.0.2.
_EITHER = frozenset("abc")
# Who counts on after a `+` (2.36-9+deb12u4); anybody else says there how it was built, which has no order (semver.org, 10).
_DISTRIBUTIONS = frozenset(("deb", "ubuntu", "esm"))


class _Part(NamedTuple):
    mark: str
    text: str


def order_versions(before: str, after: str) -> int | None:
    """Return 1 where `after` is the newer of two versions, -1 where it is the older, 0 for the same, None where nobody can tell.

    An epoch (`1:2.0`) comes first, then numbers and words between the marks, then what a distribution counts after a `+`. What goes on where
    the other ends is newer by a number, by a letter that stands on a number (`1.1.1w`) and by a word like `post`; any other word, and whatever
    follows a `~`, comes before (`1.0-rc1`). Two names without a number before them (`main`, `dev`) have no order.
    """
    if before == after:
        return 0
    (old_epoch, old, old_build), (new_epoch, new, new_build) = _read(before), _read(after)
    if old_epoch != new_epoch:
        return 1 if new_epoch > old_epoch else -1
    if [part.text for part in old] != [part.text for part in new]:
        return _order(old, new)
    counts = all(any(part.text.lower() in _DISTRIBUTIONS for part in build) for build in (old_build, new_build))
    return _order(old_build, new_build) if counts else None


def _read(version: str) -> tuple[int, list[_Part], list[_Part]]:
    epoch = _EPOCH.match(version)
    main, _, build = version[epoch.end() if epoch else 0 :].partition("+")
    return int(epoch[1]) if epoch else 0, *([_Part(*found) for found in _PART.findall(text)] for text in (main, build))  # type: ignore[return-value]


def _order(old: list[_Part], new: list[_Part]) -> int | None:
    for number, (left, right) in enumerate(zip(old, new, strict=False)):
        one, other = left.text.lower(), right.text.lower()
        if one == other:
            continue
        if one.isdigit() != other.isdigit() or (number == 0 and not one.isdigit()):
            return None
        if not one.isdigit():
            return 1 if other > one else -1
        if int(one[:30]) != int(other[:30]):
            return 1 if int(other[:30]) > int(one[:30]) else -1
    if len(old) == len(new):
        return None
    sign = _what_goes_on(*((new, len(old)) if len(new) > len(old) else (old, len(new))))
    return sign if sign is None or len(new) > len(old) else -sign


def _what_goes_on(longer: list[_Part], at: int) -> int | None:
    """Return 1 where what begins at a place makes a version newer, -1 where it makes it older."""
    mark, word = longer[at].mark, longer[at].text.lower()
    if "~" in mark:
        return -1
    if word.isdigit() or word in _AFTER:
        return 1
    if word in _SAME:
        return None
    stands_on_a_number = at > 0 and not mark
    if stands_on_a_number and len(word) == 1:
        is_counted = len(longer) > at + 1 and not longer[at + 1].mark
        return (-1 if is_counted else None) if word in _EITHER else 1
    if stands_on_a_number and word not in _BEFORE:
        return None
    return -1
