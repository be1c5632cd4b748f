"""The fields of breaking the glass, and of taking that back. Shape only; what may be signed is decided in the acts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as lazy

from approvals.declaration.declare_break_glass import MAX_INCIDENT
from approvals.emergency.withdraw_break_glass import MAX_REASON
from approvals.forms import NamedChoice
from identities.models import Environment, Identity, Project, SigningKey
from proofs.policy.bounds import BreakGlass as Bounds


class InputPlace(forms.Form):
    """For which project and where, for an artifact that the address names."""

    project = NamedChoice(label=lazy("Project"), queryset=Project.objects.none(), empty_label=None)
    environment = NamedChoice(label=lazy("Environment"), queryset=Environment.objects.none(), empty_label=None)

    def __init__(self, *args: Any, projects: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        project, environment = self.fields["project"], self.fields["environment"]
        assert isinstance(project, forms.ModelChoiceField)
        assert isinstance(environment, forms.ModelChoiceField)
        project.queryset = projects
        environment.queryset = Environment.objects.filter(team__in=projects.values("team"))


class InputBreakGlass(forms.Form):
    """What forces it, for how long and how often, and with which key that is signed."""

    incident = forms.CharField(
        label=lazy("Incident"), max_length=MAX_INCIDENT, help_text=lazy("The number or the address under which others find it.")
    )
    justification = forms.CharField(
        max_length=2000,
        label=lazy("Why it cannot wait"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("Becomes part of what you sign."),
    )
    hours = forms.IntegerField(min_value=1, label=lazy("For how many hours"))
    max_uses = forms.IntegerField(min_value=1, label=lazy("How many times"))
    key = NamedChoice(queryset=SigningKey.objects.none(), empty_label=None, label=lazy("Approval key"))

    def __init__(self, *args: Any, person: Identity, bounds: Bounds, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"hours": 1, "max_uses": 1})
        super().__init__(*args, **kwargs)
        key = self.fields["key"]
        assert isinstance(key, forms.ModelChoiceField)
        key.queryset = SigningKey.objects.filter(identity=person, revoked_at=None).order_by("-enrolled_at")
        self.fields["hours"].help_text = gettext("At most %(most)s, as the policy allows.") % {"most": bounds.validity_hours}
        self.fields["max_uses"].help_text = gettext("At most %(most)s, as the policy allows.") % {"most": bounds.max_uses}


class InputTakenBack(forms.Form):
    """Why a break-glass ends before its time."""

    reason = forms.CharField(label=lazy("Reason"), max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2}))
