"""The field of the form that leaves a request to others. Shape only."""

from __future__ import annotations

from django import forms

from approvals.attention.pass_turn import MAX_REASON


class InputReason(forms.Form):
    """Why somebody leaves a request to others."""

    reason = forms.CharField(label="Why", max_length=MAX_REASON)
