"""Shapes of what people type about identities and keys. Rules live in the acts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from identities.json_field import StrictJSONField
from identities.models import Identity


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


class InputChange(forms.Form):
    """Why an identity is suspended, resumed or retired."""

    reason = forms.CharField(
        label="Why",
        max_length=200,
        help_text="Goes into the log's entry, for example “Token found in a public build log”. No secrets, please.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class InputOwner(InputChange):
    """Who answers for a program from now on, and why."""

    owner = forms.ModelChoiceField(
        label="Owner", queryset=Identity.objects.none(), help_text="A person who is active. They answer for all it signs and sends."
    )
    field_order = ("owner", "reason")

    def __init__(self, *args: Any, people: QuerySet[Identity], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["owner"]
        assert isinstance(chosen, forms.ModelChoiceField)
        chosen.queryset = people
