"""Writing a policy as YAML anew, from its value: what the form and the merging of two drafts do. Comments of before are lost."""

from __future__ import annotations

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """YAML for people: lists set in below their field, and texts of several lines as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Only what stays the same as a block: no blanks at an end of a line, which blocks fold or take for their own.
    lines = text.split("\n")
    is_block = len(lines) > 1 and all(line == line.strip() and line.isascii() and line.isprintable() for line in lines) and bool(lines[0])
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if is_block else None if text.isprintable() else '"')


_Dumper.add_representer(str, _write_text)


def write_source(value: Any) -> str:
    """Return the YAML of a value, its fields in the order they have there. Reading it gives the same value."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))
