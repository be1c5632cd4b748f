"""What people type to give a program a right. Rules live in the act."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
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
        """Return the moment the day is over; None without a day."""
        day = self.cleaned_data["valid_until"]
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC) if day else None
