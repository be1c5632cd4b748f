"""The fields of asking for an exception, and of withdrawing one. Shape only; what may be waived is decided in the acts."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as lazy

from approvals.exceptions.withdraw_waiver import MAX_REASON as MAX_END_REASON
from identities.models import Identity, RoleAssignment, Team
from proofs.approval.waiver_terms import MAX_REASON


class NamedChoice(forms.ModelChoiceField):
    """A choice among people, each shown by name."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class InputException(forms.Form):
    """Why a rule shall not be asked, of what, until when, and who answers for it."""

    reason = forms.CharField(
        label=lazy("Reason"),
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("What went wrong, and what is done about it. It becomes part of what people sign."),
    )
    owner = NamedChoice(
        queryset=Identity.objects.none(),
        empty_label=None,
        label=lazy("Who answers for it"),
        help_text=lazy("Neither you nor they decide about it."),
    )
    until = forms.DateTimeField(
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        label=lazy("Until (UTC)"),
        help_text=lazy("Then the rule is asked again."),
    )
    scope = forms.ChoiceField(
        choices=[
            ("artifacts", lazy("The artifacts of this request")),
            ("place", lazy("Everything of this project that goes to this environment")),
        ],
        initial="artifacts",
        label=lazy("For what"),
    )

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = RoleAssignment.objects.held().filter(team=team, identity__status=Identity.Status.ACTIVE)
        field = self.fields["owner"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Identity.objects.filter(pk__in=held.values("identity"), kind=Identity.Kind.PERSON).order_by("name")

    def clean_until(self) -> Any:
        """Take the time as UTC, as the label says."""
        return self.cleaned_data["until"].replace(tzinfo=UTC)


class InputWithdrawal(forms.Form):
    """Why a waiver ends before its time."""

    reason = forms.CharField(label=lazy("Reason"), max_length=MAX_END_REASON, widget=forms.Textarea(attrs={"rows": 2}))
