"""The fields of letting somebody answer for you, and of taking that back. Shape only; what may be signed is decided in the acts."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as lazy

from approvals.delegation.take_back import MAX_REASON
from approvals.forms import NamedChoice
from identities.models import Environment, Identity, Project, RoleAssignment, SigningKey
from identities.permissions import APPROVERS, readable_projects

ROLES = [(str(role), lazy(str(role.label))) for role in RoleAssignment.Role if role in APPROVERS]


class NamedChoices(forms.ModelMultipleChoiceField):
    """Choices among rows, each shown by its name."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class InputDelegation(forms.Form):
    """Who answers for you, where, as what, and from which day to which."""

    project = NamedChoice(label=lazy("Project"), queryset=Project.objects.none(), empty_label=None)
    delegate = NamedChoice(queryset=Identity.objects.none(), empty_label=None, label=lazy("Who answers for you"))
    roles = forms.MultipleChoiceField(choices=ROLES, label=lazy("As what"), widget=forms.CheckboxSelectMultiple)
    environments = NamedChoices(
        label=lazy("Environments"),
        queryset=Environment.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=lazy("None stands for every one."),
    )
    first = forms.DateField(
        label=lazy("From"), widget=forms.DateInput(attrs={"type": "date"}), help_text=lazy("From the beginning of this day, UTC.")
    )
    last = forms.DateField(
        label=lazy("Until"), widget=forms.DateInput(attrs={"type": "date"}), help_text=lazy("To the end of this day, UTC; 30 days at most.")
    )
    justification = forms.CharField(
        max_length=2000, label=lazy("Why"), widget=forms.Textarea(attrs={"rows": 3}), help_text=lazy("Becomes part of what you sign.")
    )
    key = NamedChoice(queryset=SigningKey.objects.none(), empty_label=None, label=lazy("Approval key"))

    def __init__(self, *args: Any, person: Identity, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._now = now
        projects = readable_projects(person, "delegations.give")
        able = RoleAssignment.objects.held().filter(role__in=APPROVERS, team__in=projects.values("team"), identity__status="active")
        chosen: dict[str, QuerySet[Any]] = {
            "project": projects.order_by("slug"),
            "delegate": Identity.objects.filter(pk__in=able.values("identity")).exclude(pk=person.pk).order_by("name"),
            "environments": Environment.objects.filter(team__in=projects.values("team")).order_by("slug"),
            "key": SigningKey.objects.filter(identity=person, revoked_at=None).order_by("-enrolled_at"),
        }
        for name, queryset in chosen.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset

    def clean(self) -> dict[str, Any]:
        """Put the days as the two moments that are signed: not before now, and to the end of the last day."""
        given = super().clean() or {}
        first, last = given.pop("first", None), given.pop("last", None)
        if first and last:
            given["starts_at"] = max(self._now.replace(microsecond=0), _midnight(first))
            given["until"] = _midnight(last + timedelta(days=1))
        return given


class InputEnd(forms.Form):
    """Why a delegation ends before its time."""

    reason = forms.CharField(label=lazy("Reason"), max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2}))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
