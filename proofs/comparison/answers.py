"""What VEX says of vulnerabilities, and of which product it says it: OpenVEX held against the artifact that a scan is about.

A word that calms counts for the product it names, by digest or by a name with a version, and for the parts of it that it names; where it names no
product it is about what its statement is signed about. A word that alarms counts for whatever its statement is signed about. Whether a word is right
nobody can tell from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from proofs.errors import Malformed
from proofs.packages.purl import PackageUrl, read_purl
from proofs.predicates.reading import at, items, text, time

# A VEX statement with one of these says that a finding does no harm here.
HARMLESS = ("not_affected", "fixed")
# Why a word that calms is not heard.
OTHER_PRODUCT, OTHER_PART = "product", "part"
MAX_STATEMENTS = 5_000
_STATUSES = (*HARMLESS, "affected", "under_investigation")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_AT_DIGEST = re.compile(r"(?:.*@)?(sha256|sha384|sha512):([0-9a-fA-F]{64,128})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that a statement is about: its name, empty where it has none, and its digests."""

    name: str
    digests: frozenset[str]


@dataclass(frozen=True, slots=True)
class Product:
    """One product of a VEX statement: what names it, and which parts of it are meant, None for the whole."""

    digests: frozenset[str]
    names: frozenset[str]
    parts: tuple[PackageUrl | None, ...] | None


@dataclass(frozen=True, slots=True)
class Said:
    """One word about one vulnerability, how old it is, and its products; None where it is about whatever it is signed about."""

    vulnerability: str
    status: str
    age: tuple[datetime, int]
    products: tuple[Product, ...] | None = None
    parts: tuple[PackageUrl | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """The words of one signed OpenVEX document, what it is signed about, and how far away its signer stands."""

    said: Sequence[Said]
    subjects: tuple[Subject, ...]
    distance: int


def read_answers(predicate: Mapping[str, Any]) -> list[Said]:
    """Return each word of an OpenVEX predicate with its products; never refuses. Of a document that is too long, none that calms."""
    said = items(predicate, "statements")
    version = at(predicate, "version")
    number = version if type(version) is int else 0
    found = []
    for item in said[:MAX_STATEMENTS]:
        name, status = text(item, "vulnerability", "name") or text(item, "vulnerability"), text(item, "status")
        if not name:
            continue
        # A statement with a time of its own is as old as that, however new the document around it.
        written = time(item, "timestamp") if at(item, "timestamp") is not None else time(predicate, "timestamp")
        known = status if status in _STATUSES else ""
        found.append(Said(name, known or "", (_moment(written), number), _products(item), _parts(item)))
    return found if len(said) <= MAX_STATEMENTS else [each for each in found if each.status not in HARMLESS]


def read_answers_of_version_2(document: Mapping[str, Any]) -> list[Said]:
    """Return the words of an OpenVEX document as `proofs.predicates` reads it, as comparisons of version 2 took them: without its products."""
    age = (_moment(document["timestamp"]), document["version"] or 0)
    return [Said(item["vulnerability"], item["status"] or "", age) for item in document["statements"] if item["vulnerability"]]


def index_answers(answers: Iterable[Answers], subject: Subject) -> dict[str, list[tuple[Said, frozenset[str]]]]:
    """Return what is said about each vulnerability of `subject`, each with the names that its statement gives the subject."""
    found: dict[str, list[tuple[Said, frozenset[str]]]] = {}
    for each in answers:
        about = [other for other in each.subjects if other.digests & subject.digests]
        names = frozenset(name for name in (subject.name, *(other.name for other in about)) if name)
        for said in each.said if about else ():
            found.setdefault(said.vulnerability, []).append((said, names))
    return found


def weigh_answers(found: Iterable[tuple[Said, frozenset[str]]], subject: Subject, package: str | None) -> tuple[str, str]:
    """Return the status that counts for a finding in `subject`, "" for none, and why a word that would calm it is not heard.

    The newest word counts, and of several at the same time the worst. `package` is the package URL of where it was found, None where the scan names none.
    """
    newest: tuple[datetime, int] | None = None
    status, unheard = "", ""
    for said, names in found:
        if said.status in HARMLESS and (reason := _not_meant(said, subject.digests, names, package)):
            unheard = unheard or reason
        elif newest is None or said.age > newest:
            newest, status = said.age, said.status
        elif said.age == newest:
            status = worse(status, said.status)
    return status, "" if status else unheard


def worse(one: str | None, other: str) -> str:
    """Return the worse of two statuses; None is none at all yet."""
    return other if one is None or one in HARMLESS else one


def _not_meant(said: Said, digests: frozenset[str], names: frozenset[str], package: str | None) -> str:
    """Return why a word is about something else; empty where it is about this."""
    if said.products is None:
        return "" if said.parts is None or _is_in(package, said.parts) else OTHER_PART
    meant = [product for product in said.products if _is_product(product, digests, names)]
    if not meant:
        return OTHER_PRODUCT
    parts = [product.parts if product.parts is not None else said.parts for product in meant]
    return "" if any(each is None or _is_in(package, each) for each in parts) else OTHER_PART


def _is_product(product: Product, digests: frozenset[str], names: frozenset[str]) -> bool:
    if product.digests:
        # By digest alone, where there is one: a name beside another digest is another thing of that name.
        kinds = {_algorithm(digest) for digest in digests}
        comparable = {digest for digest in product.digests if _algorithm(digest) in kinds}
        return bool(comparable) and comparable <= digests
    return bool(product.names & names) or any(_same_package(one, other) for one in product.names for other in names)


def _same_package(one: str, other: str) -> bool:
    """Say whether two package URLs name the same version of the same thing; without a version they name none."""
    first, second = _package(one), _package(other)
    return bool(first and second and first.version and _key(first) == _key(second))


def _is_in(package: str | None, parts: Sequence[PackageUrl | None]) -> bool:
    found = _package(package or "")
    if found is None:
        return False
    return any(
        part is not None and (part.type, part.name) == (found.type, found.name) and part.version in ("", found.version) for part in parts
    )


def _key(package: PackageUrl) -> tuple[str, str, str, str]:
    return package.type, package.name, package.version, package.qualifiers.get("repository_url", "")


def _products(statement: Any) -> tuple[Product, ...] | None:
    if not isinstance(statement, dict) or statement.get("products") is None:
        return None
    return tuple(_product(item) for item in items(statement, "products"))


def _product(item: Any) -> Product:
    digests, names = set(_hashes(item)), set()
    for name in _identifiers(item):
        written = _AT_DIGEST.fullmatch(name)
        package = _package(name)
        pinned = _AT_DIGEST.fullmatch(package.version) if package else None
        if found := written or pinned:
            digests.add(f"{found[1]}:{found[2].lower()}")
        else:
            names.add(name)
    return Product(frozenset(digests), frozenset(names), _parts(item))


def _parts(item: Any) -> tuple[PackageUrl | None, ...] | None:
    if not isinstance(item, dict) or item.get("subcomponents") is None:
        return None
    return tuple(_package(name) for part in items(item, "subcomponents") for name in _identifiers(part))


def _identifiers(item: Any) -> Iterator[str]:
    names = (item if isinstance(item, str) else None, text(item, "@id"), text(item, "identifiers", "purl"))
    yield from (name for name in names if name)


def _hashes(item: Any) -> Iterator[str]:
    found = at(item, "hashes")
    for name, value in found.items() if isinstance(found, dict) else ():
        if isinstance(name, str) and isinstance(value, str):
            algorithm = re.sub(r"^sha-(\d+)$", r"sha\1", name.lower())
            yield f"{algorithm}:{value.lower()}"


def _package(name: str) -> PackageUrl | None:
    try:
        return read_purl(name)
    except Malformed:
        return None


def _algorithm(digest: str) -> str:
    return digest.partition(":")[0]


def _moment(written: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(written or "")
    except ValueError:
        return _LONG_AGO
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
