"""The fields of a proposal. Shape only; who may propose what is decided in the act."""

from __future__ import annotations

from typing import Any

from django import forms

from approvals.models import PolicyActivation
from approvals.requests.plain_text import MAX_NOTE
from identities.models import Environment, Identity, Project
from identities.permissions import readable_projects


class NamedChoice(forms.ModelChoiceField):
    """A choice among rows, each shown by its name."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class InputProposal(forms.Form):
    """Where a policy is to come into force, and what gates shall do with a no."""

    project = NamedChoice(queryset=Project.objects.none(), empty_label=None)
    environment = NamedChoice(queryset=Environment.objects.none(), empty_label=None)
    mode = forms.ChoiceField(
        choices=PolicyActivation.Mode.choices,
        initial=PolicyActivation.Mode.ENFORCE,
        help_text="Enforce: a gate denies. Warn and observe: it lets through and says what it would have said.",
    )
    note = forms.CharField(
        max_length=MAX_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why. Shown to the other policy owners as your words, marked as not checked.",
    )

    def __init__(self, *args: Any, person: Identity, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = readable_projects(person, "policies.decide").order_by("slug")
        chosen = {"project": projects, "environment": Environment.objects.filter(team__in=projects.values("team")).order_by("slug")}
        for name, queryset in chosen.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset
