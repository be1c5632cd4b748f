"""Shapes of what people choose in their settings. Rules live in the acts."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from identities.models import Preferences
from identities.preferences.choices import CHOOSABLE, LANGUAGES, list_time_zones


def said(choices: Iterable[tuple[str, str]]) -> list[tuple[str, Promise]]:
    """Return choices with their words in the language of whoever reads the form."""
    return [(value, lazy(words)) for value, words in choices]


class InputAppearance(forms.Form):
    """How pages look, and whether keys alone do something."""

    theme = forms.ChoiceField(label=lazy("Theme"), choices=said(Preferences.Theme.choices))
    density = forms.ChoiceField(label=lazy("Density"), choices=said(Preferences.Density.choices))
    language = forms.ChoiceField(
        label=lazy("Language"),
        required=False,
        choices=(("", lazy(LANGUAGES[0][1])), *LANGUAGES[1:]),
        help_text=lazy("Pages that are not translated yet are in English. What you sign is always in English."),
    )
    time_zone = forms.ChoiceField(label=lazy("Time zone"), help_text=lazy("Exact times on pages are written in it, with its name."))
    shortcuts = forms.BooleanField(
        label=lazy("Keyboard shortcuts"),
        required=False,
        help_text=lazy("Press ? on any page for the list. They never work while you type in a field."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["time_zone"].choices = [(name, name.replace("_", " ")) for name in list_time_zones()]  # type: ignore[attr-defined]


class InputMailing(forms.Form):
    """Which notices are mailed."""

    mailed = forms.MultipleChoiceField(
        label=lazy("Also mail me when"), choices=said(CHOOSABLE), required=False, widget=forms.CheckboxSelectMultiple
    )


class InputAway(forms.Form):
    """From when until when somebody is away."""

    away_from = forms.DateField(label=lazy("First day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    away_until = forms.DateField(
        label=lazy("Last day"),
        required=False,
        help_text=lazy("Without one you are away until you say that you are back."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    note = forms.CharField(
        label=lazy("Note for others"),
        max_length=200,
        required=False,
        help_text=lazy("For example “Back on Monday; ask Bob Ruiz”. Naming somebody gives them no power."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
