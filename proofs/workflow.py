"""The two halves of a workflow's identity, `https://host/owner/name/path@ref`: the file, and the version of it that ran.

One function for everybody, so that no two readers split the same identity in two places. Whose workflow it is, is not decided here.
"""

from __future__ import annotations

import re

_REF = re.compile(r"refs/.+|[0-9a-f]{40}|[0-9a-f]{64}")


def split_workflow(identity: str) -> tuple[str | None, str | None]:
    """Return workflow and ref, or twice None where `identity` does not come apart in exactly one way.

    The ref starts with `refs/` or is a commit. A second `@` could belong to the file's name or to the ref, so it belongs to neither.
    """
    workflow, _, ref = identity.partition("@")
    if "://" not in workflow or not _REF.fullmatch(ref) or "@" in ref:
        return None, None
    return workflow, ref
