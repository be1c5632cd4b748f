"""Shapes of what people type about their approval keys. Rules live in the acts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as lazy

from identities.json_field import StrictJSONField


class InputLabel(forms.Form):
    """A name for an approval key."""

    label = forms.CharField(
        label=lazy("Name"),
        max_length=80,
        help_text=lazy("So that you know it again, for example “Work laptop” or “Blue security key”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class InputNewKey(InputLabel):
    """A name for a new approval key, and the browser's answer."""

    credential = StrictJSONField(widget=forms.HiddenInput)


class InputIntroduction(forms.Form):
    """The older key's answer."""

    credential = StrictJSONField(widget=forms.HiddenInput)


class InputRevocation(forms.Form):
    """Why a key is revoked, and since when somebody else may have had it."""

    UNNEEDED, LOST = "unneeded", "lost"

    cause = forms.ChoiceField(
        label=lazy("What happened"),
        choices=[(UNNEEDED, lazy("I do not need it any more")), (LOST, lazy("It is lost, or somebody else may have it"))],
        initial=UNNEEDED,
        widget=forms.RadioSelect,
    )
    since = forms.DateTimeField(
        label=lazy("Since when"),
        required=False,
        help_text=lazy(
            "Only for a lost key, in UTC. Nothing signed with it from then on counts, and keys it introduced since are revoked too. Left empty, it is from now on."
        ),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )
    reason = forms.CharField(
        label=lazy("Why"),
        max_length=200,
        help_text=lazy("Goes into the signed revocation, for example “Laptop lost on 3 March”. No secrets, please."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_since(self) -> Any:
        """The page says UTC; the zone of the server has no say in it."""
        typed = self.cleaned_data["since"]
        return typed.replace(tzinfo=UTC) if isinstance(typed, datetime) else typed

    def clean(self) -> dict[str, Any]:
        """A time belongs to a lost key."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("since") and cleaned.get("cause") == self.UNNEEDED:
            self.add_error("since", "Leave this empty, or say above that the key is lost.")
        return cleaned
