"""`manage.py check_vectors PATH/manifest.json`: verify every row of a manifest of vectors and say what came of each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from portal.vectors.judge import judge_row
from portal.vectors.manifest import read_manifest
from proofs.errors import Refusal


class Command(BaseCommand):
    help = "Verify every row of a manifest of vectors; the last line ends in `N wrong`, and the exit code is 1 when N is not 0."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("manifest", type=Path, help="path of a manifest.json; its files are beside it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = read_manifest(options["manifest"])
        except Refusal as refusal:
            self.stderr.write(_one_line(f"{refusal.code}: {refusal.reason}"))
            sys.exit(2)
        now = timezone.now()
        judged = [judge_row(row, now=now) for row in rows]
        for item in judged:
            mark = "wrong" if item.complaint else "ok"
            self.stdout.write(_one_line(f"{mark:6}{item.row.id}  {item.outcome.verdict}  {item.outcome.code}  {item.complaint}".rstrip()))
        wrong = sum(bool(item.complaint) for item in judged)
        verdicts = [item.outcome.verdict for item in judged]
        counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in ("verified", "rejected", "unsupported"))
        self.stdout.write(f"{len(judged)} rows: {counts}; {wrong} wrong")
        if wrong:
            sys.exit(1)


def _one_line(text: str) -> str:
    """Return text that a row may have written as one printable line: a line a row, whatever its file says."""
    return "".join(character if character.isprintable() else " " for character in text)
