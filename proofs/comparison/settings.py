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
_SECRET_NAME = re.compile(
    r"secret|token|passw|pwd|credential|private|bearer|cookie|session|signature|api[-_]?key|(^|[-_.])(key|auth|pat)($|[-_.\[])", re.I
)
_SECRET_VALUE = re.compile(
    r"gh[pousr]_|github_pat_|glpat-|xox[a-z]-|AKIA|ASIA|AIza|eyJ[\w-]+\.|sk-|npm_|-----BEGIN|Basic |Bearer |[a-z+]+://[^/\s]*:[^/\s]*@",
    re.I,
)
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
    if isinstance(value, dict) and value and depth < MAX_DEPTH:
        for name in sorted(value):
            yield from _flat(value[name], f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(value, list) and value and depth < MAX_DEPTH:
        for number, item in enumerate(value):
            yield from _flat(item, f"{path}[{number}]", depth + 1)
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
    is_secret = _SECRET_NAME.search(path) or _SECRET_VALUE.match(written) or _RANDOM.fullmatch(written)
    if is_secret and not isinstance(value, bool) and value not in (None, ""):
        return f"(hidden, {_digest(written)})"
    if not is_plain_name(written) or len(written) > MAX_SHOWN:
        return f"({len(written)} letters, {_digest(written)})"
    # What is written like one of the words above is not one of them.
    return written if written and not written.startswith("(") else json.dumps(written)


def _digest(written: str) -> str:
    return f"sha256 {sha256_hex(written.encode('utf-8', 'surrogatepass'))[:16]}"
