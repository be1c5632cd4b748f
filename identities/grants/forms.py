"""What people type to give a program a right, or to end one. Rules live in the acts."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms

from identities.forms import InputChange
from identities.models import Environment, Grant, Project, Team

OBJECTS = "known-objects"


class InputGrant(InputChange):
    """A right, what it is about, where and until when it holds, and why."""

    right = forms.ChoiceField(label="Right", choices=Grant.Right.choices)
    object = forms.CharField(
        label="What",
        max_length=300,
        help_text="The predicate type, the tool’s name or the secret’s path, to the letter. A * alone is any of them; it is no pattern.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": OBJECTS, "spellcheck": "false"}),
    )
    project = forms.ModelChoiceField(label="Project", queryset=Project.objects.none(), required=False, empty_label="every project")
    environment = forms.ModelChoiceField(
        label="Environment", queryset=Environment.objects.none(), required=False, empty_label="every environment"
    )
    valid_until = forms.DateField(
        label="Valid until",
        required=False,
        help_text="It holds through that day (UTC). Without a day it holds until somebody ends it.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    field_order = ("right", "object", "project", "environment", "valid_until", "reason")

    def __init__(self, *args: Any, team: Team | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, model in (("project", Project), ("environment", Environment)):
            chosen = self.fields[name]
            assert isinstance(chosen, forms.ModelChoiceField)
            chosen.queryset = model._default_manager.filter(team=team).order_by("slug")
        self.fields["reason"].help_text = "Goes into the log’s entry, for example “Builds the images of the API”. No secrets, please."

    def clean_valid_until(self) -> datetime | None:
        """Return the last second of the day, so that pages show the day that was typed; None without one."""
        day = self.cleaned_data["valid_until"]
        return datetime.combine(day, time(23, 59, 59), tzinfo=UTC) if day else None


class InputGrantEnd(InputChange):
    """Why a right ends."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = "Goes into the log’s entry, for example “The new pipeline builds them”. No secrets, please."
