"""What an administrator types while setting up. Rules live in the acts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from identities.models import Team

TIERS = ((1, "1: least sensitive"), (2, "2"), (3, "3: most sensitive"))


class InputPlace(forms.Form):
    """A project, or an environment with its tier, of a team."""

    team = forms.ModelChoiceField(label="Team", queryset=Team.objects.none(), empty_label=None)
    name = forms.CharField(label="Name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    slug = forms.CharField(
        label="Short name",
        max_length=64,
        help_text="Stands in addresses, signed statements and gate questions and never changes: a to z, 0 to 9 and -.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
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


class InputProject(InputPlace):
    """A project of a team."""


class InputEnvironment(InputPlace):
    """An environment of a team."""

    tier = forms.TypedChoiceField(
        label="Tier",
        coerce=int,
        choices=TIERS,
        initial=3,
        help_text="Policies ask more of approvals the higher it is. It cannot be lowered later.",
    )


class InputSampleTeam(forms.Form):
    """The team that gets the sample data."""

    team = forms.ModelChoiceField(label="Team", queryset=Team.objects.none(), empty_label=None)

    def __init__(self, *args: Any, teams: QuerySet[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["team"]
        assert isinstance(chosen, forms.ModelChoiceField)
        chosen.queryset = teams
