"""Texts that people read in the register: one spelling, nothing hidden in them. The register's file is read by the same rule.

Not checked here: letters that look like others.
"""

from __future__ import annotations

from proofs.fields import Fields


def plain_text(text: str, *, what: str, code: str, limit: int, empty: bool = False) -> str:
    """Return the text without spaces around it. `what` names it, as in `identity.name`.

    Refuses with `code` what is longer than `limit` characters, empty (unless `empty`), not in NFC, or holds control, invisible or direction
    characters.
    """
    path, _, name = what.rpartition(".")
    return Fields({name: text.strip()}, path=path, code=code).text(name, limit=limit, empty=empty)
