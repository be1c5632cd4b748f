"""Shapes of what people type when a program turns out to be compromised. Rules live in the act."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms

FORM_TIME = "%Y-%m-%dT%H:%M"


class InputSince(forms.Form):
    """Since when somebody else may have acted in the program's name, in UTC."""

    since = forms.DateTimeField(
        label="Since when (UTC)",
        input_formats=[FORM_TIME, f"{FORM_TIME}:%S"],
        help_text="The earliest time at which somebody else may have had its key or its workflow. When in doubt, earlier.",
        widget=forms.DateTimeInput(format=FORM_TIME, attrs={"type": "datetime-local", "autocomplete": "off"}),
    )

    def clean_since(self) -> Any:
        typed = self.cleaned_data["since"]
        # The page says UTC; the zone of the server has no say in it.
        return typed.replace(tzinfo=UTC) if isinstance(typed, datetime) else typed


class InputCompromise(InputSince):
    """The time that was looked at, and why. Nobody types it twice, so nobody marks another time than they saw the effects of."""

    reason = forms.CharField(
        label="Why",
        max_length=200,
        help_text="Goes into the log's entry, for example “Signing token found in a public build log”. No secrets, please.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["since"].widget = forms.HiddenInput()
