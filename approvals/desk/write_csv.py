"""The lines of the queue as a CSV file, in UTC, with cells that no spreadsheet runs."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from io import StringIO

from approvals.desk.rows import Row
from identities.bulk.formulas import disarm

HEADINGS = (
    "request", "title", "kind", "environment", "state", "requester", "on behalf of", "approvals", "needed", "signed by",
    "whose turn", "due", "opened", "changes", "first signal",
)  # fmt: skip


def write_csv(rows: Iterable[Row]) -> str:
    """Return the lines as CSV with a heading row."""
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADINGS)
    for row in rows:
        asked = row.request
        behalf = asked.on_behalf_of.name if asked.on_behalf_of else ""
        cells = [asked.pk, asked.title, asked.get_kind_display(), asked.environment.slug, row.status, asked.requester.name, behalf]
        cells += [str(row.approvals), str(row.required), ", ".join(row.signed_by), row.why]
        cells += [_moment(row.due), _moment(asked.opened_at), ", ".join(row.tokens), row.sentence]
        writer.writerow([disarm(cell) for cell in cells])
    return file.getvalue()


def _moment(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else ""
