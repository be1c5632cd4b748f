"""What an administrator types about a webhook. Rules live in the acts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from identities.models import Team
from portal.webhooks.describe_entry import CHOICES
from portal.webhooks.keep_endpoint import MAX_NAME, MAX_URL


class InputWebhook(forms.Form):
    """A new endpoint of a team."""

    team = forms.ModelChoiceField(label="Team", queryset=Team.objects.none(), empty_label=None)
    name = forms.CharField(label="Name", max_length=MAX_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    url = forms.CharField(
        label="Address",
        max_length=MAX_URL,
        help_text="An https address. It must lead to a public address, unless the operator allows the host by name.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
    )
    events = forms.MultipleChoiceField(
        label="Tell it of",
        required=False,
        choices=CHOICES,
        help_text="None ticked means all of them.",
        widget=forms.CheckboxSelectMultiple(),
    )

    def __init__(self, *args: Any, teams: QuerySet[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["team"]
        assert isinstance(chosen, forms.ModelChoiceField)
        chosen.queryset = teams
        # Nothing to choose where there is one.
        if len(teams[:2]) == 1:
            chosen.initial = teams[0].pk
            chosen.widget = forms.HiddenInput()
