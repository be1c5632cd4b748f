"""The fields of a proposal. Shape only; who may propose what is decided in the act."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as lazy

from approvals.models import PolicyActivation
from approvals.requests.plain_text import MAX_NOTE
from identities.models import Environment, Identity, Project
from identities.permissions import readable_projects

MODES = (
    (PolicyActivation.Mode.OBSERVE.value, lazy("Observe")),
    (PolicyActivation.Mode.WARN.value, lazy("Warn")),
    (PolicyActivation.Mode.ENFORCE.value, lazy("Enforce")),
)


class NamedChoice(forms.ModelChoiceField):
    """A choice among rows, each shown by its name."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class InputProposal(forms.Form):
    """Where a policy is to come into force, and what gates shall do with a no."""

    project = NamedChoice(label=lazy("Project"), queryset=Project.objects.none(), empty_label=None)
    environment = NamedChoice(label=lazy("Environment"), queryset=Environment.objects.none(), empty_label=None)
    mode = forms.ChoiceField(
        label=lazy("Mode"),
        choices=MODES,
        initial=PolicyActivation.Mode.ENFORCE,
        help_text=lazy("Enforce: a gate denies. Warn and observe: it lets through and says what it would have said."),
    )
    note = forms.CharField(
        label=lazy("Note"),
        max_length=MAX_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("Why. Shown to the other policy owners as your words, marked as not checked."),
    )

    def __init__(self, *args: Any, person: Identity, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = readable_projects(person, "policies.decide").order_by("slug")
        chosen = {"project": projects, "environment": Environment.objects.filter(team__in=projects.values("team")).order_by("slug")}
        for name, queryset in chosen.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset
