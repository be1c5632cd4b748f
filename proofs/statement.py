"""in-toto Statements (v1 and v0.1): the layer that says what a signed payload is about.

Reading checks the shape only: who signed, and whether the predicate is true, is decided elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeGuard

from proofs.canonical import parse_json
from proofs.digest import LENGTHS, Digest, parse_digest
from proofs.errors import Malformed, Refusal, TooLarge, Unproven

STATEMENT_V1 = "https://in-toto.io/Statement/v1"
STATEMENT_TYPES = (STATEMENT_V1, "https://in-toto.io/Statement/v0.1")
MAX_SUBJECTS = 1024
MAX_DIGESTS = 32
MAX_NAME = 4096
# What stands in all objects and lists of a payload together that nobody has been shown to have signed. Bills of materials have many.
MAX_CLAIMED = 8 * 1024

_ALGORITHMS = tuple(sorted(LENGTHS))

# Control characters and the ones that turn the writing direction: a name made of them would lie on the page that shows it.
_DECEPTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# What nobody sees, or what breaks a line or turns the direction unseen: two names that differ by it alone look the same.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u2060-\u2064\ufeff]")

# Signed metadata of in-toto before there were statements: about steps, not about artifacts.
_CLASSIC_TYPES = ("link", "layout")


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing a statement is about. `digests` holds the algorithms we know, `others` what else it is named by: never trusted as a digest."""

    name: str
    digests: tuple[Digest, ...]
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A parsed statement. `predicate` is what the signer said; nothing in it is true by itself."""

    statement_type: str
    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: dict[str, Any]

    @property
    def is_bare_file(self) -> bool:
        """Whether nothing was stated: a bare file was signed, and no in-toto statement."""
        return not self.statement_type


def parse_statement(payload: bytes, *, may_lack_digest: bool = False, max_members: int | None = None) -> Statement:
    """Parse the payload bytes of an in-toto envelope: verified ones, or with a limit of `max_members` (`MAX_CLAIMED`) unverified ones.

    With `may_lack_digest` a statement counts although no subject has a digest we know: for who names the subject by other means.

    Refuses with `statement.malformed`, `statement.no_digest` (no subject with a digest we know), `statement.too_many_subjects`
    or a `json.*` code. Does not read the predicate.
    """
    value = parse_json(payload, max_members=max_members)
    if isinstance(value, dict) and value.get("_type") in _CLASSIC_TYPES:
        raise Unproven(
            "evidence.unsupported_statement", f"got in-toto's older {value['_type']}, expected a statement; it is kept and not read"
        )
    if not isinstance(value, dict) or value.get("_type") not in STATEMENT_TYPES:
        got = value.get("_type") if isinstance(value, dict) else type(value).__name__
        raise Malformed("statement.malformed", f"got _type {str(got)[:100]!r}, expected one of {', '.join(STATEMENT_TYPES)}")
    predicate_type, predicate = value.get("predicateType"), value.get("predicate", {})
    # An empty type is the specification's neighbour, and real; nobody understands it, so no rule can ask for it.
    if not is_plain_text(predicate_type) or not (predicate is None or isinstance(predicate, dict)):
        raise Malformed("statement.malformed", "expected a predicateType and a predicate object")
    subjects = value.get("subject")
    if not isinstance(subjects, list) or not subjects:
        raise Malformed("statement.malformed", "got no subject, expected at least one")
    if len(subjects) > MAX_SUBJECTS:
        raise TooLarge("statement.too_many_subjects", f"got {len(subjects)} subjects, expected at most {MAX_SUBJECTS}")
    parsed = tuple(_parse_subject(item) for item in subjects)
    if not may_lack_digest and not any(subject.digests for subject in parsed):
        raise Malformed(
            "statement.no_digest", "no subject carries a sha256, sha384 or sha512 digest, so the statement is about nothing we can name"
        )
    return Statement(value["_type"], parsed, predicate_type, predicate or {})


def statement_about_file(digest: Digest) -> Statement:
    """Return what a signature over a bare file states: that there is a file with this digest, and nothing about it."""
    return Statement("", (Subject("", (digest,)),), "", {})


def is_plain_text(value: object) -> TypeGuard[str]:
    """Return whether `value` is text of at most `MAX_NAME` characters that no control or direction character disguises."""
    if not isinstance(value, str) or len(value) > MAX_NAME:
        return False
    # Nearly all of it is plain ASCII, and that is told at once.
    return (value.isascii() and value.isprintable()) or not _DECEPTIVE.search(value)


def is_plain_name(value: object) -> bool:
    """Return whether `value` is plain text in which every character is seen."""
    return is_plain_text(value) and (value.isascii() or not _UNSEEN.search(value))


def _parse_subject(item: Any) -> Subject:
    if not isinstance(item, dict) or not isinstance(item.get("digest"), dict) or not is_plain_name(item.get("name", "")):
        raise Malformed("statement.malformed", "expected every subject to be an object with a digest object and an optional plain name")
    if len(item["digest"]) > MAX_DIGESTS:
        raise TooLarge("statement.too_many_digests", f"got {len(item['digest'])} digests for one subject, expected at most {MAX_DIGESTS}")
    digests = []
    for algorithm in _ALGORITHMS:
        value = item["digest"].get(algorithm)
        if value is None:
            continue
        if not isinstance(value, str):
            raise Malformed("statement.malformed", f"got {type(value).__name__} for a {algorithm} digest, expected text")
        try:
            digests.append(parse_digest(f"{algorithm}:{value}"))
        except Refusal as error:
            raise Malformed("statement.malformed", f"subject {item.get('name', '')[:80]!r}: {error.reason}") from error
    if len(digests) == len(item["digest"]):
        return Subject(item.get("name", ""), tuple(digests))
    others = ((name, value) for name, value in sorted(item["digest"].items()) if name not in LENGTHS)
    return Subject(item.get("name", ""), tuple(digests), tuple(pair for pair in others if all(map(is_plain_text, pair))))
