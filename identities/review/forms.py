"""What people type when they look at a program again. Rules live in the act."""

from __future__ import annotations

from typing import Any

from django import forms


class _Ids(forms.MultipleChoiceField):
    """Ids as the page sent them; which of them there are is for the act to say."""

    widget = forms.MultipleHiddenInput

    def valid_value(self, value: Any) -> bool:
        return True


class InputRecertification(forms.Form):
    """Which grants were looked at, which are still needed, which are known to end, and what was found."""

    looked_at = _Ids(required=False)
    needed = _Ids(required=False)
    ending = _Ids(required=False)
    note = forms.CharField(
        label="Note",
        max_length=200,
        help_text="What you found, or why it is still needed. It stays with the review. No secrets, please.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
