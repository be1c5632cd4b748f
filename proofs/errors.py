"""The refusals of the house: every "no" that crosses a room is one of these.

A refusal carries a stable dotted `code` for programs and a `reason` for people ("got …, expected …").
What is raised and is not a refusal is a bug.
"""

from __future__ import annotations


class Refusal(Exception):
    """A "no" with a stable code and a sentence a person can act on."""

    kind = "refusal"

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class Malformed(Refusal):
    """We cannot read it. `path` names the place in a document, such as `policy.rules[2].count`, where it is known."""

    kind = "malformed"

    def __init__(self, code: str, reason: str, *, path: str = "") -> None:
        super().__init__(code, reason)
        self.path = path

    def within(self, path: str) -> Malformed:
        """Return this refusal, at `path` where nothing nearer is known of its place."""
        self.path = self.path or path
        return self


class Unproven(Refusal):
    """We can read it, and it does not verify."""

    kind = "unproven"


class NotAllowed(Refusal):
    """You may not."""

    kind = "not_allowed"


class NotFound(Refusal):
    """There is no such thing, or not for you."""

    kind = "not_found"


class Conflict(Refusal):
    """Not in this state."""

    kind = "conflict"


class TooLarge(Refusal):
    """Over a stated limit of bytes, depth or count."""

    kind = "too_large"


class RateLimited(Refusal):
    """Too often; try again later."""

    kind = "rate_limited"


class Unavailable(Refusal):
    """Something we depend on does not answer; the answer is no until it does."""

    kind = "unavailable"
