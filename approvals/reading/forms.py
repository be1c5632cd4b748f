"""What a page says of how it was read."""

from __future__ import annotations

from django import forms


class InputReading(forms.Form):
    """Seconds in front of somebody, and how many areas they opened."""

    snapshot = forms.RegexField(r"^[0-9a-f]{64}$")
    seconds = forms.IntegerField(min_value=0, max_value=86_400)
    opened = forms.IntegerField(min_value=0, max_value=10_000)
