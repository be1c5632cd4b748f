"""What people type when a signer is rotated, or how often a program is looked at again changes. Rules live in the acts."""

from __future__ import annotations

from typing import Any

from django import forms

from identities.forms import InputChange
from identities.lifecycle.change_review_interval import LONGEST_INTERVAL_DAYS
from identities.lifecycle.rotate_signer import LONGEST_OVERLAP_DAYS

USUAL_OVERLAP_DAYS = 14


class InputRotation(InputChange):
    """How long the old signer still counts, and why it is replaced."""

    overlap_days = forms.IntegerField(
        label="Overlap in days",
        min_value=0,
        max_value=LONGEST_OVERLAP_DAYS,
        initial=USUAL_OVERLAP_DAYS,
        help_text=f"How long the old one still counts beside the new one, at most {LONGEST_OVERLAP_DAYS} days. 0 ends it at once.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = "Goes into the log’s entry, for example “Yearly change of keys”. No secrets, please."


class InputRotatedKey(InputRotation):
    """A new public key."""

    public_key = forms.CharField(
        label="New public key",
        max_length=10_000,
        help_text="PEM, from -----BEGIN PUBLIC KEY----- to the end. Never paste a private key.",
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("public_key", "overlap_days", "reason")


class InputRotatedName(InputRotation):
    """A new certificate name."""

    certificate_identity = forms.CharField(
        label="New certificate name",
        max_length=500,
        help_text="The certificate’s subject alternative name, of the same issuer.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("certificate_identity", "overlap_days", "reason")


class InputReviewInterval(InputChange):
    """How often a program is looked at again, and why."""

    days = forms.IntegerField(
        label="Days between reviews",
        min_value=1,
        max_value=LONGEST_INTERVAL_DAYS,
        help_text="Counted from the last time, or from when it was registered.",
    )
    field_order = ("days", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = "Goes into the log’s entry, for example “Signs for production”. No secrets, please."
