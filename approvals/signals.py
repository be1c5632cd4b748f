"""What rooms above are asked, because this room may not import them."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with `sender=Approval` and `approvals` (rows); who hears it returns the ids of those that something was let through on.
approval_use_asked = Signal()
