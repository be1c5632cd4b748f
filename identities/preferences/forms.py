"""Shapes of what people choose in their settings. Rules live in the acts."""

from __future__ import annotations

from django import forms

from identities.models import Preferences
from identities.preferences.choices import CHOOSABLE, LANGUAGES, list_time_zones


class InputAppearance(forms.Form):
    """How pages look, and whether keys alone do something."""

    theme = forms.ChoiceField(label="Theme", choices=Preferences.Theme.choices)
    density = forms.ChoiceField(label="Density", choices=Preferences.Density.choices)
    language = forms.ChoiceField(
        label="Language", choices=LANGUAGES, help_text="Changes how dates are written. There is no translation of the pages yet."
    )
    time_zone = forms.ChoiceField(label="Time zone", help_text="Exact times on pages are written in it, with its name.")
    shortcuts = forms.BooleanField(
        label="Keyboard shortcuts", required=False, help_text="Press ? on any page for the list. They never work while you type in a field."
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["time_zone"].choices = [(name, name.replace("_", " ")) for name in list_time_zones()]  # type: ignore[attr-defined]


class InputMailing(forms.Form):
    """Which notices are mailed."""

    mailed = forms.MultipleChoiceField(label="Also mail me when", choices=CHOOSABLE, required=False, widget=forms.CheckboxSelectMultiple)


class InputAway(forms.Form):
    """From when until when somebody is away."""

    away_from = forms.DateField(label="First day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    away_until = forms.DateField(
        label="Last day",
        required=False,
        help_text="Without one you are away until you say that you are back.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    note = forms.CharField(
        label="Note for others",
        max_length=200,
        required=False,
        help_text="For example “Back on Monday; ask Bob Ruiz”. Naming somebody gives them no power.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
