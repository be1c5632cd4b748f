"""The audit events as a CSV file, in UTC, with cells that no spreadsheet runs."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC
from io import StringIO

from identities.audit.read import Line
from identities.bulk.formulas import disarm

HEADINGS = ("when", "who", "identity", "did", "what", "address", "answer")


def write_csv(lines: Iterable[Line]) -> str:
    """Return the lines as CSV with a heading row."""
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADINGS)
    for line in lines:
        moment = line.happened_at.astimezone(UTC).isoformat(timespec="seconds")
        cells = (line.name, line.identity_id or "", line.did, line.what, line.address, str(line.answer or ""))
        writer.writerow([moment, *(disarm(cell) for cell in cells)])
    return file.getvalue()
