"""What a row asks, checked before it is judged: a question of a form that nobody would look at must not pass for an answered one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from portal.vectors.manifest import Row
from proofs.digest import LENGTHS, Digest, parse_digest
from proofs.errors import Malformed, Refusal, Unproven

T = TypeVar("T")

EXPECTED = frozenset(["verdict", "reason", "reason_also_ok", "detail", "facts"])
# What a publisher of each kind is named by; all but the environment must be there.
_PUBLISHERS = {"GitHub": {"repository", "workflow"}, "GitLab": {"repository", "workflow_filepath"}, "Google": {"email"}}


def check_row(row: Row, *, inputs: frozenset[str], files: frozenset[str], has_cases: bool) -> None:
    """Return when all that the row asks has a known name and the form that its judge reads; refuses with `vectors.input`.

    A file in hand must also be the one that the row's digests name, which refuses with `expectation.artifact`.
    """
    if not isinstance(row.inputs, dict) or not isinstance(row.files, dict) or not isinstance(row.cases, list):
        raise Malformed("vectors.input", "got a row whose inputs, files or cases are of another type than objects and a list")
    demand_expectation(row.expected, "what is expected")
    demand_names(row.inputs, inputs, "the inputs of such a row")
    demand_names(row.files, files, "the files of such a row")
    if row.cases and not has_cases:
        raise Malformed("vectors.input", "got cases in a row that is no suite")
    for name, value in row.inputs.items():
        form, holds = _FORMS.get(name, _TEXT)
        if not holds(value):
            raise Malformed("vectors.input", f"got {str(value)[:60]!r} for the input {name}, expected {form}")
    for name, value in row.files.items():
        form, holds = _FILE_FORMS.get(name, _TEXT)
        if not holds(value):
            raise Malformed("vectors.input", f"got {str(value)[:60]!r} for the file {name}, expected {form}")
    if row.inputs.get("artifact_file", row.has("artifact")) != row.has("artifact"):
        raise Malformed("vectors.input", "what the row says of a file in hand differs from the files it names")
    _refuse_changed_file(row)


def demand_names(found: Iterable[str], known: frozenset[str], what: str) -> None:
    """Return when every name found is a known one; refuses with `vectors.input`."""
    strange = sorted(map(str, set(found) - known))
    if strange:
        raise Malformed("vectors.input", f"got {strange[0][:60]!r} in {what}, and nothing here looks at it")


def demand_expectation(expected: object, what: str) -> None:
    """Return when what a row or a case expects can be held against an outcome; refuses with `vectors.input`."""
    if not isinstance(expected, dict):
        raise Malformed("vectors.input", f"got {type(expected).__name__} for {what}, expected an object")
    demand_names(expected, EXPECTED, what)
    for name, (form, holds) in _EXPECTED_FORMS.items():
        if name in expected and not holds(expected[name]):
            raise Malformed("vectors.input", f"got {str(expected[name])[:60]!r} for the {name} of {what}, expected {form}")
    if "verdict" not in expected:
        raise Malformed("vectors.input", f"got no verdict in {what}")


def demand_inputs(row: Row, *names: str) -> None:
    """Return when a row gives what its judge cannot do without; refuses with `vectors.input`."""
    absent = [name for name in names if name not in row.inputs and name not in row.files]
    if absent:
        raise Malformed("vectors.input", f"the row gives no {absent[0]}, and nothing can be judged without")


def read_input(read: Callable[[], T], what: str) -> T:
    """Return what `read` makes of something the row gives a verifier; a refusal of it is no answer about the evidence: `vectors.input`."""
    try:
        return read()
    except Refusal as refusal:
        if refusal.code.startswith("vectors."):
            raise
        raise Malformed("vectors.input", f"{what} cannot be used ({refusal.code}: {refusal.reason})") from refusal


def given_digests(row: Row) -> tuple[Digest, ...]:
    """Return the digests of the artifact in hand that a checked row gives: an object by algorithm, or one as `sha256:…`."""
    return _parsed(row.inputs.get("artifact_digest", {}))


def file_digests(row: Row) -> tuple[Digest, ...]:
    """Return every SHA-2 digest of the file in hand, none where the row names no file; refuses with `vectors.file`."""
    if not row.has("artifact"):
        return ()
    content = row.read("artifact")
    return tuple(Digest(algorithm, hashlib.new(algorithm, content).hexdigest()) for algorithm in LENGTHS)


def is_in_hand(row: Row, named: tuple[Digest, ...]) -> bool:
    """Whether what has the digests `named` is what the row has in hand; a row that has nothing in hand does not ask."""
    of_file = file_digests(row)
    if of_file:
        return bool(named) and set(named) <= set(of_file)
    given = {digest.algorithm: digest for digest in given_digests(row)}
    # A statement may name fewer algorithms than the row; one that both know must say the same, and there must be one.
    compared = [given[digest.algorithm] == digest for digest in named if digest.algorithm in given]
    return not given or (bool(compared) and all(compared))


def _refuse_changed_file(row: Row) -> None:
    of_file = {digest.algorithm: digest for digest in file_digests(row)}
    for digest in given_digests(row):
        if of_file and of_file[digest.algorithm] != digest:
            raise Unproven("expectation.artifact", f"the file in hand is {of_file[digest.algorithm]}, and the row says {digest}")


def _parsed(value: dict[str, str] | str) -> tuple[Digest, ...]:
    texts = [value] if isinstance(value, str) else [f"{algorithm}:{text}" for algorithm, text in value.items()]
    return tuple(parse_digest(text) for text in texts)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_flag(value: object) -> bool:
    return type(value) is bool


def _is_list(value: object) -> bool:
    return isinstance(value, list) and value != [] and all(map(_is_text, value))


def _is_map(value: object) -> bool:
    return isinstance(value, dict) and value != {} and all(map(_is_text, value.values()))


def _is_digest(value: Any) -> bool:
    try:
        return (_is_text(value) or _is_map(value)) and bool(_parsed(value))
    except Refusal:
        return False


def _is_distribution(value: Any) -> bool:
    return _is_map(value) and value.keys() == {"name", "sha256"} and _is_digest({"sha256": value["sha256"]})


def _is_publisher(value: Any) -> bool:
    if isinstance(value, dict) and value.get("environment", "") is None:
        # The index writes so that a publisher has none.
        value = {name: part for name, part in value.items() if name != "environment"}
    if not _is_map(value) or value.get("kind") not in _PUBLISHERS:
        return False
    demanded = _PUBLISHERS[value["kind"]] | {"kind"}
    return bool(demanded <= value.keys() <= demanded | {"environment"})


_Form = tuple[str, Callable[[Any], bool]]
_TEXT: _Form = ("a text", _is_text)
_FLAG: _Form = ("true or false", _is_flag)
# Every other input is a text.
_FORMS: dict[str, _Form] = {
    "allow_no_transparency_log": _FLAG,
    "allow_no_sct": _FLAG,
    "artifact_file": _FLAG,
    "require_user_verification": _FLAG,
    "allow_cross_origin": _FLAG,
    "threshold": ("a whole number from 1", lambda value: type(value) is int and value >= 1),
    "sign_count": ("a whole number from 0", lambda value: type(value) is int and value >= 0),
    "verified_levels": ("a list of levels, not empty", _is_list),
    "subject_digest": ("an object of texts, not empty", _is_map),
    "artifact_digest": ("SHA-2 digests by algorithm, or one as sha256:…", _is_digest),
    "distribution": ("an object of just a name and a sha256", _is_distribution),
    "publisher": ("an object with a kind that is known and all that names one of this kind", _is_publisher),
}
_EXPECTED_FORMS: dict[str, _Form] = {
    "verdict": _TEXT,
    "reason": ("a reason, or none", lambda value: value is None or _is_text(value)),
    "reason_also_ok": ("a list of reasons", lambda value: value == [] or _is_list(value)),
    "facts": ("an object", lambda value: isinstance(value, dict)),
}
_FILE_FORMS: dict[str, _Form] = {
    "public_keys": ("a list of paths, not empty", _is_list),
    "keys_by_keyid": ("an object of paths, not empty", _is_map),
}
