"""What a steward types about an account elsewhere. Rules live in the acts."""

from __future__ import annotations

from django import forms

from identities.people.accounts.known_accounts import MAX_ACCOUNT
from identities.people.accounts.link_account import MAX_LABEL


class InputAccount(forms.Form):
    """An account at a provider."""

    provider = forms.CharField(
        label="Provider",
        max_length=60,
        help_text="github, gitlab, git for a name in commits, email, or the host of a platform of your own.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    account = forms.CharField(
        label="Account",
        max_length=MAX_ACCOUNT,
        help_text="What never changes about it: at github and gitlab its number, with email the address.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    label = forms.CharField(
        label="Called",
        max_length=MAX_LABEL,
        required=False,
        help_text="How people there call it, to recognise it by. It proves nothing.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
