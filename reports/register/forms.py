"""The shape of what people choose in the register."""

from __future__ import annotations

from django import forms

from identities.models import Identity
from reports.register.list_register import SORTS
from reports.register.saved_views import SAVED_VIEWS


class InputRegisterFilter(forms.Form):
    """Which identities to list, and in which order."""

    kind = forms.ChoiceField(choices=[("", "All"), *Identity.Kind.choices], required=False)
    q = forms.CharField(max_length=200, required=False, strip=True)
    view = forms.ChoiceField(choices=[("", "All"), *((name, view.label) for name, view in SAVED_VIEWS.items())], required=False)
    sort = forms.ChoiceField(choices=[("", "By name"), *((name, label) for name, (label, _) in SORTS.items())], required=False)
    page = forms.IntegerField(min_value=1, required=False)
