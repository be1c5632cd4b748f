"""Who can sign in to the demo: on this machine only, with passwords that are printed, because its data holds nothing real."""

from __future__ import annotations

ACCOUNTS = {
    "alice": ("Alice Chen", "approves releases"),
    "bob": ("Bob Ruiz", "asks for releases"),
    "carol": ("Carol Osei", "audits"),
    "dave": ("Dave Lind", "administers, and owns the policy"),
}


def demo_password(username: str) -> str:
    """Return the password of a demo account."""
    return f"demo-{username}-countersign"
