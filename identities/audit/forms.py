"""Shape of what the audit page is asked for."""

from __future__ import annotations

from django import forms

from identities.audit.read import KINDS


class InputAuditFilter(forms.Form):
    """Whose, of which kind, from when until when. What nobody offered is as if it were not asked."""

    person = forms.CharField(required=False, max_length=40)
    kind = forms.ChoiceField(required=False, choices=KINDS)
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    page = forms.IntegerField(required=False, min_value=1)
