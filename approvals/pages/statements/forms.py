"""The fields of revoking an approval. Shape only; what may be signed is decided in the acts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as lazy

from approvals.forms import NamedChoice
from approvals.revocation.revoke_approval import REASON_WORDS
from identities.models import Identity, SigningKey

# The same words stand in what is signed, in English; here they are offered in the reader's language.
WORDS = {code: words[:1].upper() + words[1:] for code, words in REASON_WORDS.items()}
CHOICES = [(code, lazy(words)) for code, words in WORDS.items()]


class InputRevocation(forms.Form):
    """Why an approval counts no more, and with which key that is signed."""

    reason = forms.ChoiceField(label=lazy("Reason"), choices=CHOICES)
    justification = forms.CharField(
        max_length=2000,
        label=lazy("In your words"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("Becomes part of what you sign."),
    )
    key = NamedChoice(queryset=SigningKey.objects.none(), empty_label=None, label=lazy("Approval key"))

    def __init__(self, *args: Any, person: Identity, is_own: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        key, reason = self.fields["key"], self.fields["reason"]
        assert isinstance(key, forms.ModelChoiceField)
        assert isinstance(reason, forms.ChoiceField)
        key.queryset = SigningKey.objects.filter(identity=person, revoked_at=None).order_by("-enrolled_at")
        if not is_own:
            reason.choices = [each for each in CHOICES if each[0] != "approver_withdrew"]


class InputAssertion(forms.Form):
    """What the signing page sends back."""

    assertion = forms.CharField(max_length=32 * 1024)
