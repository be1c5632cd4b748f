"""Conditions of a site's own, in CEL: typed, compiled once, and nothing but true passes.

The library is imported where it is needed and only then, because the offline verifier runs without it. It gives errors back as texts, which
Python takes for true: so the type of the answer is asked first, and then whether it is true itself. An error, an answer that is not known,
another type, too many iterations, nesting that is too deep, no library: all are a no.

What a condition sees, and nothing else:

| variable | type | what it is |
|---|---|---|
| `kind`, `project`, `team`, `environment` | string | what is asked, and where; slugs |
| `artifacts` | list of maps | `digest`, `name` |
| `requester` | map | `kind`, `issuer`, `subject` |
| `evidence` | list of maps | verified evidence, without contradiction, of registered signers that may attest it here |
| `at` | timestamp | the moment it is weighed at |

An item of `evidence` has `type` (of the predicate), `result` (of the verification), `signer`, `issuer`, `identity` (its name in the register),
`source`, `ref`, `subjects` (digests) and `predicate` (the facts read from it, such as `predicate.result`). What is unknown is "".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from proofs.errors import Malformed

MAX_EXPRESSION = 2000
# The library counts iterations, not how large a value grows: one text put to itself 30 times over is beyond any memory.
MAX_GROWTH = 8
_CODE = "policy.condition"
_MACRO = re.compile(r"\.\s*(all|exists|exists_one|existsOne|map|filter)\s*\(")
_OPAQUE = re.compile(
    r"//[^\n]*"
    r"|(?<![A-Za-z0-9_])(?:[bB]?[rR]|[rR][bB])(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|\"[^\"\n]*\"|'[^'\n]*')"
    r"|\"{3}(?:\\[\s\S]|[^\\])*?\"{3}|'{3}(?:\\[\s\S]|[^\\])*?'{3}"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
)


def refuse_unusable(expression: str) -> None:
    """Refuse with `policy.condition` what does not compile or does not answer true or false. Without the library nothing is known."""
    if is_available():
        compile_condition(expression)


def is_available() -> bool:
    """Return whether the library is at hand."""
    try:
        import cel_expr_python  # noqa: F401 - asked for each time: what is remembered must not answer for it
    except ImportError:
        return False
    return True


@lru_cache(maxsize=1)
def condition_environment() -> Any:
    """Return the library's environment: the variables and their types."""
    from cel_expr_python import cel

    text, anything = cel.Type.STRING, cel.Type.DYN
    variables = dict.fromkeys(("kind", "project", "team", "environment"), text)
    rows = cel.Type.List(cel.Type.Map(text, anything))
    return cel.NewEnv(
        variables={
            **variables,
            "artifacts": cel.Type.List(cel.Type.Map(text, text)),
            "requester": cel.Type.Map(text, text),
            "evidence": rows,
            "at": cel.Type.TIMESTAMP,
        }
    )


@lru_cache(maxsize=256)
def compile_condition(expression: str) -> Any:
    """Return the expression compiled, once for each; refuses with `policy.condition`."""
    growth = _count_growth(expression)
    if growth > MAX_GROWTH:
        raise Malformed(_CODE, f"got a condition that puts values together {growth} times, expected at most {MAX_GROWTH} beside loops")
    try:
        compiled = condition_environment().compile(expression)
    except RuntimeError as error:
        first = str(error).partition("\n")[0]
        raise Malformed(_CODE, f"got a condition that does not compile: {first[:300]}") from error
    if compiled.return_type().name() != "BOOL":
        raise Malformed(_CODE, f"got a condition that answers {compiled.return_type().name()}, expected true or false (BOOL)")
    return compiled


def _count_growth(expression: str) -> int:
    """Return how often a condition with loops puts values together: by `+`, and by commas in lists and maps that are not all literals.

    Each can at most add one more copy of a value, so that this many double it as often, whichever way loops are chained or nested.
    """
    text = _OPAQUE.sub('""', expression)
    if not _MACRO.search(text):
        return 0
    found = text.count("+")
    open_at: list[tuple[str, int]] = []
    commas: list[int] = []
    for position, mark in enumerate(text):
        if mark in "([{":
            open_at.append((mark, position))
            commas.append(0)
        elif mark == "," and commas:
            commas[-1] += 1
        elif mark in ")]}" and open_at:
            (bracket, start), count = open_at.pop(), commas.pop()
            if bracket != "(" and re.search("[A-Za-z_]", text[start:position]):
                found += count
    return found
