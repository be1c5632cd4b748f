"""What an identity may do and what records show it did in a window, as plain values: what the checks look at and what they answer.

Nothing here reads a database or judges.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

PASS, FAIL, REVIEW, NOT_APPLICABLE, INDETERMINATE = "pass", "fail", "review", "not_applicable", "indeterminate"
ATTEST, TOOL, SECRET, API, TOKEN = "attest", "tool", "secret", "api", "token"
GRANT, CREDENTIAL, BINDING = "grant", "credential", "binding"
ANYTHING = "*"
READ_SCOPE = "read"
TITLES = {
    "use.outside_grant": "Use outside its grants",
    "use.shared_key": "Key shared by several",
    "use.human": "Used by a person",
    "use.across_environments": "Acts across environments",
    "use.unused_grant": "Unused rights",
    "use.wildcard_grant": "Right to anything",
    "use.long_lived_secret": "Long-lived secret",
    "use.first_time": "First-time use",
    "use.dormant_revived": "Active again after long silence",
}
RIGHT_WORDS = {ATTEST: "attest", TOOL: "use the tool", SECRET: "read the secret", API: "call the API:", TOKEN: "exchange tokens of"}


@dataclass(frozen=True, slots=True)
class Record:
    """A row that makes a word so: what it is, its id, the page that shows it, and what it says here."""

    kind: str
    id: str
    url: str
    at: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` on, and before `until`."""

    since: datetime
    until: datetime

    def holds(self, at: datetime) -> bool:
        """Say whether that moment is in it."""
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that an identity did, as one record shows it.

    Of signed evidence: `signer` is the registered way of signing; `named` what the certificate names and `issuer` who vouched for that, both
    empty where a key signed; `source` the repository, which only a certificate proves; `trigger` what started the run, where that is said;
    `ended` whether the registration had ended.
    """

    right: str
    object: str
    at: datetime
    record: Record
    project: str = ""
    environment: str = ""
    tier: int | None = None
    signer: str = ""
    named: str = ""
    issuer: str = ""
    source: str = ""
    trigger: str = ""
    ended: bool = False
    subject: str = ""

    @property
    def words(self) -> str:
        """What was done, as the end of a sentence."""
        where = f" for {self.project}" if self.project else ""
        where += f" in {self.environment}" if self.environment else ""
        return f"{RIGHT_WORDS[self.right]} {self.object}{where}"


@dataclass(frozen=True, slots=True)
class Earlier:
    """When the identity last did this before the window."""

    right: str
    object: str
    environment: str
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """A right that the identity had at some time of the window, or was given later, and what it had it from.

    `last_called` is when a stored credential, or one that was had for a token, was last used; of a right to exchange tokens, when one was.
    """

    source: str
    right: str
    object: str
    since: datetime
    until: datetime | None
    record: Record
    project: str = ""
    environment: str = ""
    last_called: datetime | None = None

    def fits(self, deed: Deed) -> bool:
        """Say whether it is a right to this deed, whenever; what a record does not say is not held against it."""
        return (
            self.right == deed.right
            and self.object in (deed.object, ANYTHING)
            and (not self.project or not deed.project or self.project == deed.project)
            and (not self.environment or not deed.environment or self.environment == deed.environment)
        )

    def covers(self, deed: Deed) -> bool:
        """Say whether it is a right to this deed and was held at that time."""
        return self.fits(deed) and self.holds(deed.at)

    def holds(self, at: datetime) -> bool:
        """Say whether it was held at that time."""
        return self.since <= at and (self.until is None or at < self.until)

    def may_have_called_in(self, window: Window) -> bool:
        """Say whether its credential was used in that window, or may have been: only the last time is known."""
        return self.last_called is not None and self.last_called >= window.since

    def counts_for(self, deed: Deed) -> bool:
        """Say whether it covers this deed, or makes it good: a grant to attest counts for what was signed before somebody gave it."""
        return self.covers(deed) or (self.right == ATTEST and self.fits(deed) and deed.at < self.since)

    @property
    def words(self) -> str:
        """What may be done, as the end of a sentence."""
        where = f" for {self.project}" if self.project else ""
        where += f" in {self.environment}" if self.environment else ""
        return f"{RIGHT_WORDS[self.right]} {'anything' if self.object == ANYTHING else self.object}{where}"


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A stored API credential: since when, until when it can be used, and when it was revoked."""

    record: Record
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Use:
    """All that the checks look at. `cut_off` says in words what was not read because there was too much of it."""

    window: Window
    created_at: datetime
    deeds: tuple[Deed, ...]
    earlier: tuple[Earlier, ...]
    held: tuple[Held, ...]
    secrets: tuple[StoredSecret, ...] = ()
    retired_at: datetime | None = None
    compromised_from: datetime | None = None
    cut_off: tuple[str, ...] = ()

    @property
    def held_then(self) -> tuple[Held, ...]:
        """What was held at some time of the window; the others were given later."""
        return tuple(held for held in self.held if held.since < self.window.until)

    @property
    def has_telemetry(self) -> bool:
        """Whether any record at all, of this window or before, shows the identity doing something."""
        called = any(held.last_called is not None and held.last_called < self.window.until for held in self.held)
        return bool(self.deeds or self.earlier) or called


@dataclass(frozen=True, slots=True)
class UseFinding:
    """One check's answer, the records behind it, and what it did not look at."""

    code: str
    outcome: str
    sentence: str
    records: tuple[Record, ...] = ()
    not_looked_at: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What the check is called on a page."""
        return TITLES[self.code]


def count(number: int, one: str, many: str = "") -> str:
    """Return the number with its word: "1 deed", "2 deeds"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(words: Iterable[str], *, most: int = 5) -> str:
    """Return the different words in order, the first few by name."""
    names = sorted(set(words))
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {count(more, 'other')}" if more > 0 else "")
