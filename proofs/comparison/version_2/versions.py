"""Which of two versions of a package is the newer, as version 2 of the comparison told it."""

from __future__ import annotations

import re

_PART = re.compile(r"\d+|[A-Za-z]+")


def order_versions(before: str, after: str) -> int | None:
    """Return 1 where `after` is the newer of two versions, -1 where it is the older, 0 for the same, None where nobody can tell.

    Compared by numbers and words between the marks; a version with a word where the other ends (`1.0-rc1`) comes before it.
    """
    if before == after:
        return 0
    old, new = (_PART.findall(version.partition("+")[0]) for version in (before, after))
    for left, right in zip(old, new, strict=False):
        if left == right:
            continue
        if left.isdigit() != right.isdigit():
            return None
        if left.isdigit():
            if int(left[:30]) != int(right[:30]):
                return 1 if int(right[:30]) > int(left[:30]) else -1
            continue
        return 1 if right > left else -1
    if len(old) == len(new):
        return None
    longer, sign = (new, 1) if len(new) > len(old) else (old, -1)
    return sign if longer[min(len(old), len(new))].isdigit() else -sign
