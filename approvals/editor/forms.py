"""The fields of the editor's doors. Shape only: what a policy may say is the parser's to judge."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as lazy

from approvals.dry_run.ask import MAX_DAYS
from approvals.policies.source import MAX_SOURCE_BYTES
from identities.models import Environment, Identity, Project
from identities.permissions import readable_projects


class NamedChoice(forms.ModelChoiceField):
    """A choice among rows, each shown by its name."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class SourceField(forms.CharField):
    """A text of a policy as it was typed, with one kind of line ending."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, required=False, max_length=MAX_SOURCE_BYTES, **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the text with plain line ends."""
        return str(super().to_python(value)).replace("\r\n", "\n").replace("\r", "\n")


class InputNewDraft(forms.Form):
    """Where a policy is written for."""

    project = NamedChoice(
        label=lazy("Project"),
        queryset=Project.objects.none(),
        empty_label=None,
        help_text=lazy("Its policy owners write this draft together."),
    )

    def __init__(self, *args: Any, person: Identity, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["project"]
        assert isinstance(chosen, forms.ModelChoiceField)
        chosen.queryset = readable_projects(person, "policies.edit").order_by("slug")


class InputDraft(forms.Form):
    """A draft as it was typed, and what it was made from."""

    source = SourceField()
    base = SourceField()
    number = forms.IntegerField(min_value=0, max_value=2**31 - 1)


class InputNumber(forms.Form):
    """Which state of a draft is meant."""

    number = forms.IntegerField(min_value=0, max_value=2**31 - 1)


class InputDryRun(forms.Form):
    """What a draft is tried on."""

    environment = NamedChoice(label=lazy("Environment"), queryset=Environment.objects.none(), empty_label=None)
    days = forms.IntegerField(min_value=1, max_value=MAX_DAYS, initial=30, label=lazy("Requests of the last days"))

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["environment"]
        assert isinstance(chosen, forms.ModelChoiceField)
        chosen.queryset = Environment.objects.filter(team=project.team_id).order_by("slug")
