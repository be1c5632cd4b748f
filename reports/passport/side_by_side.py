"""Two artifacts side by side: source, builder, inputs, signers, approvals, and what is in them. Reads two passports; judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_noop as noop

from approvals.models import RequestState
from attestations.queries import verdict_document
from identities.models import Identity
from identities.read_once import reading_once
from proofs.answers.told import short_type
from reports.passport.build import Passport, build_passport
from reports.passport.contents import Bills, Moved, compare_packages, read_bills

MAX_LISTED = 100
LINK_STATES = {"proved": noop("proved"), "claimed": noop("only claimed")}


@dataclass(frozen=True)
class Line:
    """One thing that a passport says: a name that people or evidence gave, and apart from it the words of ours that a page translates."""

    name: str = ""
    at: str = ""
    said: str = ""
    signed: str = ""
    people: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True)
class Row:
    """One thing about both: its name, what the one says and the other, and whether that is the same. No lines where nothing is known."""

    words: str
    left: tuple[Line, ...]
    right: tuple[Line, ...]

    @property
    def is_known(self) -> bool:
        return bool(self.left and self.right)

    @property
    def is_same(self) -> bool:
        return self.is_known and self.left == self.right


@dataclass(frozen=True)
class SideBySide:
    """Two passports, the rows that compare them, and how their packages differ where both have a bill of materials."""

    left: Passport
    right: Passport
    rows: tuple[Row, ...]
    left_bills: Bills
    right_bills: Bills
    packages: Moved | None

    @property
    def are_packages_whole(self) -> bool:
        """Whether every entry of every bill of materials of both was read."""
        both = (self.left_bills, self.right_bills)
        return all(bills.contents.is_complete and not bills.contents.unnamed and not bills.left_out for bills in both)


def compare_artifacts(digest: str, other: str, *, reader: Identity, now: datetime) -> SideBySide:
    """Return what `reader` may know of `digest` and of `other`, side by side; the packages as changes from the other to this one."""
    with reading_once():
        left, right = (build_passport(each, reader=reader, now=now) for each in (digest, other))
    left_bills, right_bills = read_bills(digest), read_bills(other)
    both = left_bills.is_known and right_bills.is_known
    return SideBySide(
        left=left,
        right=right,
        rows=tuple(Row(words, told(left), told(right)) for words, told in _ROWS),
        left_bills=left_bills,
        right_bills=right_bills,
        packages=compare_packages(right_bills.contents, left_bills.contents) if both else None,
    )


def _link(passport: Passport, kind: str) -> tuple[Line, ...]:
    found = [link for link in passport.chain if link.kind == kind and link.state != "missing"]
    return tuple(Line(link.title, at=link.digest, said=LINK_STATES[link.state]) for link in found)


def _source(passport: Passport) -> tuple[Line, ...]:
    return _link(passport, "source")


def _builder(passport: Passport) -> tuple[Line, ...]:
    return _link(passport, "build")


def _inputs(passport: Passport) -> tuple[Line, ...]:
    """The inputs that the build record of the chain lists, by address and digest."""
    builds = {link.attestation_id for link in passport.chain if link.kind == "build"} - {""}
    for verdict in passport.verdicts:
        if verdict.attestation_id in builds:
            claims = (verdict_document(verdict)["facts"] or {}).get("claims") or {}
            listed = {(str(item.get("uri") or ""), " ".join(item["digests"])) for item in claims.get("dependencies") or ()}
            # What has no address is known by its digests.
            found = tuple(Line(uri or digests, at=digests if uri else "") for uri, digests in sorted(listed))
            return (*found[:MAX_LISTED], *((Line(more=len(found) - MAX_LISTED),) if len(found) > MAX_LISTED else ()))
    return ()


def _signers(passport: Passport) -> tuple[Line, ...]:
    said = {(verdict.signer.name, short_type(verdict.predicate_type)) for verdict in passport.verdicts if verdict.signer}
    return tuple(Line(name, signed=kind) for name, kind in sorted(said))


def _approvals(passport: Passport) -> tuple[Line, ...]:
    targets = passport.targets
    found = tuple(Line(target.words, said=str(RequestState.Status(target.status).label), people=target.named) for target in targets)
    return found or (Line(said=noop("nobody asked")),)


def _places(passport: Passport) -> tuple[Line, ...]:
    here = [seen for seen in passport.path.places if seen.now.observation.digest == passport.digest]
    names = sorted(seen.now.check.about.words for seen in here if seen.now.check.about)
    return tuple(Line(name) for name in names) or (Line(said=noop("not seen")),)


_ROWS = (
    (noop("Source"), _source),
    (noop("Builder"), _builder),
    (noop("Inputs"), _inputs),
    (noop("Signed by"), _signers),
    (noop("Approvals"), _approvals),
    (noop("Seen at"), _places),
)
