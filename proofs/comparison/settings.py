"""What a build was set to: each parameter of its provenance with its value, those a caller sets and those the builder sets.

A value that only repeats the release's own source, commit, workflow, run or version is told as that, so that it differs where it is something else.
What looks like a secret, is long or cannot be shown is told by its digest. Whether a value is harmless nobody can tell from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from proofs.digest import sha256_hex
from proofs.predicates.reading import at
from proofs.statement import is_plain_name

EXTERNAL, INTERNAL = "external", "internal"
MAX_SETTINGS, MAX_DEPTH, MAX_SHOWN = 500, 8, 100
_PLACES = (
    (EXTERNAL, ("buildDefinition", "externalParameters")),
    (EXTERNAL, ("invocation", "parameters")),
    (INTERNAL, ("buildDefinition", "internalParameters")),
    (INTERNAL, ("invocation", "environment")),
)
_OWN = (
    ("sourceRepository", "(the source)"),
    ("sourceCommit", "(its commit)"),
    ("sourceRef", "(its branch or tag)"),
    ("workflowPath", "(its workflow)"),
    ("invocationId", "(its run)"),
    ("runner", "(its runner)"),
)
# How a secret is called, in a name, a flag or an address; `monkey` is hidden with `mykey`.
_CALLED = r"secret|token|pass(?:w|phrase|code)|pwd|credential|private|bearer|cookie|session|signature|connection.?string"
_ENDS_SO = r"(?:keys?|auth|pass|pw|pat|pin)(?![a-z])"
_SECRET_NAME = re.compile(rf"{_CALLED}|{_ENDS_SO}", re.I)
_SECRET_VALUE = re.compile(
    r"(?<![a-z0-9])(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|AKIA|ASIA|AIza|eyJ[\w-]+\.|sk-|npm_|-----BEGIN|Basic |Bearer )"
    # Somebody named before a host, but for the `git@` of every clone.
    r"|[a-z][a-z0-9+.-]*://(?!git@)[^/\s@]*@"
    rf"|(?:{_CALLED}|{_ENDS_SO})[\w.-]*[\"']?\s*[=:]|(?:^|\s)(?:-p|--?[\w-]*(?:{_CALLED}|{_ENDS_SO})[\w-]*)\s+\S",
    re.I,
)
# Whose next word is one.
_SECRET_FLAG = re.compile(rf"-p|--?[\w-]*(?:{_CALLED}|{_ENDS_SO})[\w-]*", re.I)
_HEXADECIMAL = re.compile(r"(?:0x)?[0-9a-f]{32,}", re.I)
_MEANT_HEXADECIMAL = re.compile(r"commit|sha|ref|rev|digest|hash|checksum", re.I)
_BEFORE_NUMBER = re.compile(r"\[\d+\]$")
_RANDOM = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w+/=-]{24,}")


def read_settings(predicate: Mapping[str, Any], claims: Mapping[str, Any], versions: frozenset[str]) -> list[list[str]]:
    """Return `[kind, name, value as it is shown]` for each parameter, sorted; never refuses. Of too many, the rest is one entry by its digest.

    `claims` are those of the provenance, and `runner`, which is compared by itself.
    """
    own = {value: words for claim, words in reversed(_OWN) if isinstance(value := claims.get(claim), str) and value}
    found = []
    for kind, place in _PLACES:
        stated = at(dict(predicate), *place)
        # An object without parameters sets nothing.
        if stated not in (None, {}, []):
            found += [[kind, _name(path), _shown(path, value, own, versions)] for path, value in _flat(stated, "", 0)]
    found.sort()
    if len(found) <= MAX_SETTINGS:
        return found
    rest = [json.dumps(item) for item in found[MAX_SETTINGS:]]
    return [*found[:MAX_SETTINGS], [EXTERNAL, f"({len(rest)} more)", _digest("\n".join(rest))]]


def _flat(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield each value with its path. Of a pair as `{"name": "LEVEL", "value": "3"}` the name is part of the path, wherever the pair stands in a list;
    what follows a flag as `--password` stands under the flag."""
    if isinstance(value, dict) and value and depth < MAX_DEPTH:
        called = next((value[name] for name in ("name", "key") if isinstance(value.get(name), str)), None) if "value" in value else None
        inside = path if called is None else f"{_BEFORE_NUMBER.sub('', path)}[{called}]"
        if called is not None:
            yield from _flat(value["value"], inside, depth + 1)
        for name in sorted(value):
            if called is None or (name != "value" and value[name] is not called):
                yield from _flat(value[name], f"{inside}.{name}" if inside else name, depth + 1)
    elif isinstance(value, list) and value and depth < MAX_DEPTH:
        flag = ""
        for number, item in enumerate(value):
            yield from _flat(item, f"{path}[{number}]{flag}", depth + 1)
            flag = f"({item})" if isinstance(item, str) and len(item) <= MAX_SHOWN and _SECRET_FLAG.fullmatch(item) else ""
    else:
        yield path, value


def _name(path: str) -> str:
    return path if is_plain_name(path) and 0 < len(path) <= MAX_SHOWN else f"(a name, {_digest(path)})"


def _shown(path: str, value: Any, own: Mapping[str, str], versions: frozenset[str]) -> str:
    if isinstance(value, str) and value in own:
        return own[value]
    if isinstance(value, str) and value.removeprefix("v") in versions:
        return "(its version)"
    written = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    # What is long is told by its digest anyway, and no pattern has to read it.
    if not is_plain_name(written) or len(written) > MAX_SHOWN:
        return f"({len(written)} letters, {_digest(written)})"
    is_key = _HEXADECIMAL.fullmatch(written) and not _MEANT_HEXADECIMAL.search(path)
    is_secret = is_key or _SECRET_NAME.search(path) or _SECRET_VALUE.search(written) or _RANDOM.fullmatch(written)
    if is_secret and not isinstance(value, bool) and value not in (None, ""):
        return f"(hidden, {_digest(written)})"
    # What is written like one of the words above is not one of them.
    return written if written and not written.startswith("(") else json.dumps(written)


def _digest(written: str) -> str:
    return f"sha256 {sha256_hex(written.encode('utf-8', 'surrogatepass'))[:16]}"
