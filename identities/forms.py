"""Shapes of what people type about identities. Rules live in the acts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from identities.models import Identity


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
