"""Shapes of what people type about a recovery. Rules live in the acts."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as lazy


class InputRecovery(forms.Form):
    """What happened to every key."""

    reason = forms.CharField(
        label=lazy("What happened"),
        max_length=200,
        help_text=lazy("The officers read it, for example “My only key was in the stolen bag”. No secrets, please."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class InputAnswer(forms.Form):
    """An officer's answer."""

    CONSENT, REFUSE = "consent", "refuse"

    answer = forms.ChoiceField(choices=[(CONSENT, "Agree"), (REFUSE, "Refuse")])
