"""What rooms and parts above are asked or told, because they may not be imported from below."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with `sender=Approval` and `approvals` (rows); who hears it returns the ids of those that something was let through on.
approval_use_asked = Signal()
# Sent with `sender=Request`, `state` (its locked row), `standing` and `now`, in the transaction of whatever changed the request.
request_refreshed = Signal()
