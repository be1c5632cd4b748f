"""Shapes of what people type about their approval keys. Rules live in the acts."""

from __future__ import annotations

from django import forms

from identities.json_field import StrictJSONField


class InputNewKey(forms.Form):
    """A name for a new approval key, and the browser's answer."""

    label = forms.CharField(
        label="Name",
        max_length=80,
        help_text="So that you know it again, for example “Work laptop” or “Blue security key”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    credential = StrictJSONField(widget=forms.HiddenInput)


class InputRevocation(forms.Form):
    """Why a key is revoked."""

    reason = forms.CharField(
        label="Why",
        max_length=200,
        help_text="Goes into the signed revocation, for example “Laptop lost on 3 March”. No secrets, please.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
