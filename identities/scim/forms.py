"""What people type about provisioning tokens. Rules live in the acts."""

from __future__ import annotations

from django import forms


class InputToken(forms.Form):
    """A new token: how long it is good for."""

    days = forms.IntegerField(
        label="Valid for how many days",
        min_value=1,
        max_value=366,
        initial=180,
        help_text="At most 366. Make the next one before it runs out; both work meanwhile.",
    )
