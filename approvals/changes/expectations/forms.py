"""The fields of a proposal of expectations. Shape only; who may propose what is decided in the act."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as lazy

from approvals.requests.plain_text import MAX_NOTE
from proofs.policy.expectations_document import MAX_EXPECTATIONS_BYTES


class InputExpectations(forms.Form):
    """Expectations of a project as somebody wrote them."""

    source = forms.CharField(
        label=lazy("Expectations, as YAML"),
        max_length=MAX_EXPECTATIONS_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 22, "spellcheck": "false", "class": "source-text"}),
        help_text=lazy("A changed document needs a new version."),
    )
    note = forms.CharField(
        label=lazy("Note"),
        max_length=MAX_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("Why. Shown to the other policy owners as your words, marked as not checked."),
    )
