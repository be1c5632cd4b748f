"""The last words of a command that did not verify: the code and the reason, in words or as JSON.

Used as well when the program itself breaks, so it takes care not to break a second time.
"""

from __future__ import annotations

import json
import sys

from countersign.plain_text import plain, say
from proofs.errors import Refusal

_INTERNAL = "internal.error"
_PACKAGE_MISSING = "package.missing"
_PACKAGES = ("cryptography", "rfc8785")
_LONGEST = 300


def say_refusal(code: str, reason: str, *, as_json: bool, last_step: int | None = None) -> None:
    """Print the refusal. `last_step` is the number of the last step that held, None where that is not known."""
    if as_json:
        say(json.dumps({"result": "refused", "code": code, "reason": reason, "lastStepThatHeld": last_step}, indent=2))
    else:
        say(f"REFUSED  {code}: {plain(reason)}")


def say_failure(error: Exception, *, as_json: bool) -> None:
    """Print whatever ended a command early as a refusal; where nothing can be printed any more, say so on the error stream."""
    if isinstance(error, Refusal):
        code, reason = error.code, error.reason
    elif isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] in _PACKAGES:
        code = _PACKAGE_MISSING
        reason = (
            f"this Python ({sys.executable}) lacks the package {error.name.partition('.')[0]}; take one that has {' and '.join(_PACKAGES)}, "
            "for example .venv/bin/python beside manage.py"
        )
    else:
        words = " ".join(str(error).split())[:_LONGEST]
        code = _INTERNAL
        reason = f"the check broke with {type(error).__name__} ({words}), so nothing is verified; --debug shows where"
    try:
        say_refusal(code, reason, as_json=as_json)
        sys.stdout.flush()
    except (OSError, ValueError):
        print(f"REFUSED  {code}: {plain(reason)}", file=sys.stderr)
