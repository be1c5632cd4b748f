"""What a person wrote as YAML: read as plain data, with the place of every value, so that an error can be shown at its line.

Comments are allowed and mean nothing. Not checked here: whether a policy is a good one, and who may store it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from proofs.canonical import canonical_bytes
from proofs.errors import Malformed, Refusal, TooLarge
from proofs.fields import Fields
from proofs.policy.document import parse_policy, refuse_widening
from proofs.policy.read_rules import read_rule

MAX_SOURCE_BYTES = 64 * 1024
# How the places of a policy begin in refusals.
_ROOT = "policy"
_CODE = "policy.malformed"
_MAX_BITS = 53
# What the library raises, undressed, for a date, a number, a flag or an escape that there cannot be.
_IMPOSSIBLE = (ValueError, OverflowError, LookupError, AttributeError, TypeError)


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column of a text, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """A text that was read: its value, and the place of every part by its path (`rules[2].count`)."""

    value: Any
    places: Mapping[str, Place]

    def find_place(self, path: str) -> Place:
        """Return where `path` stands, or the nearest part around it: what is missing has no place of its own."""
        while path and path not in self.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get(path, Place(1, 1))


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with a text, and where."""

    line: int
    column: int
    code: str
    sentence: str


class Unreadable(Malformed):
    """Text that is no plain YAML, with the place where reading stopped."""

    def __init__(self, code: str, reason: str, mark: Any = None) -> None:
        super().__init__(code, reason)
        self.place = Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)


class _StrictLoader(yaml.SafeLoader):
    """YAML as data alone: no tags that build objects, no key twice in one mapping, no aliases (a few lines could mean gigabytes)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise Unreadable("policy.yaml", "got a YAML alias, expected every value written out", mark)
        return super().compose_node(parent, index)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep=deep)
        except _IMPOSSIBLE as error:
            raise Unreadable("policy.yaml", f"got a value that there cannot be ({error}), expected plain text", node.start_mark) from error
        if isinstance(value, int) and value.bit_length() > _MAX_BITS:
            # Not shown: past some length nobody can write it out.
            raise Unreadable("policy.yaml", "got a number that is too large, expected one below 2^53", node.start_mark)
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        marks = [key.start_mark for key, _ in node.value]
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        seen = set()
        for number, key in enumerate(keys):
            if not isinstance(key, str):
                raise Unreadable("policy.yaml", f"got the key {str(key)[:60]!r}, expected text", marks[number])
            if key in seen:
                raise Unreadable("policy.duplicate_key", f"got the key {key[:60]!r} twice in one mapping, expected it once", marks[number])
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_source(source: str) -> Source:
    """Read YAML as plain data, with the places of its parts.

    Refuses with `policy.too_large`, `policy.duplicate_key` or `policy.yaml`. Does not check what the data means.
    """
    if len(source.encode()) > MAX_SOURCE_BYTES:
        raise TooLarge("policy.too_large", f"got {len(source.encode())} bytes, expected at most {MAX_SOURCE_BYTES}")
    try:
        loader = _StrictLoader(source)
    except yaml.YAMLError as error:  # A character that no YAML has.
        raise Unreadable("policy.yaml", f"got text that is not YAML ({error}), expected a mapping") from error
    try:
        node = loader.get_single_node()
        value = None if node is None else loader.construct_document(node)
        return Source(value, {} if node is None else dict(_list_places(node, "")))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        raise Unreadable("policy.yaml", f"got text that is not YAML ({error}), expected a mapping", mark) from error
    except RecursionError as error:
        raise Unreadable("policy.yaml", "got YAML that is nested too deeply") from error
    except (ValueError, OverflowError) as error:  # An escape in a text for a character that there cannot be.
        raise Unreadable("policy.yaml", f"got a character that there cannot be ({error})", loader.get_mark()) from error


def parse_yaml(source: str) -> Any:
    """Return the plain data alone. Refuses as `read_source` does."""
    return read_source(source).value


def policy_document(source: str) -> bytes:
    """Return the canonical bytes of a policy written as YAML: what is stored, and what the digest is over.

    Refuses as `read_source` and `proofs.policy.evaluate.parse_policy` do.
    """
    document = canonical_bytes(parse_yaml(source))
    parse_policy(document)
    return document


def find_troubles(source: str) -> list[Trouble]:
    """Return what is wrong with a policy written as YAML, in the order of the lines: the first trouble of every rule, and of the whole.

    Nothing is wrong where the list is empty: then the same text can be stored.
    """
    try:
        read = read_source(source)
    except Refusal as refusal:
        place = getattr(refusal, "place", Place(1, 1))
        return [Trouble(place.line, place.column, refusal.code, refusal.reason)]
    found = {_at(read, refusal) for refusal in _refusals_of(read.value)}
    return sorted(found, key=lambda trouble: (trouble.line, trouble.column, trouble.code))


def _refusals_of(value: Any) -> Iterator[Refusal]:
    """Yield every refusal of the value: of each rule by itself, so that several come at once, then of the whole."""
    try:
        document = canonical_bytes(value)
    except Refusal as refusal:
        yield Malformed(refusal.code, refusal.reason, path=_find_odd(value, _ROOT))
        return
    rules = value.get("rules") if isinstance(value, dict) else None
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        try:
            read_rule(Fields(rule, path=f"{_ROOT}.rules[{index}]", code=_CODE))
        except Refusal as refusal:
            yield refusal
    try:
        refuse_widening(parse_policy(document))
    except Refusal as refusal:
        yield refusal


def _find_odd(value: Any, path: str) -> str:
    """Return the path of the first value that canonical JSON does not have."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        try:
            canonical_bytes(part)
        except Refusal:
            return _find_odd(part, f"{path}[{name}]" if isinstance(value, list) else f"{path}.{name}")
    return path


def _at(read: Source, refusal: Refusal) -> Trouble:
    place = read.find_place(getattr(refusal, "path", "").removeprefix(_ROOT).removeprefix("."))
    return Trouble(place.line, place.column, refusal.code, refusal.reason)


def _list_places(node: yaml.Node, path: str) -> Iterator[tuple[str, Place]]:
    if not path:
        yield "", _place_of(node)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = f"{path}.{key.value}" if path else str(key.value)
            yield below, _place_of(key)
            yield from _list_places(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield f"{path}[{index}]", _place_of(item)
            yield from _list_places(item, f"{path}[{index}]")


def _place_of(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
