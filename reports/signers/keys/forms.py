"""Shapes of what people type to adopt or block a key that evidence was signed with. Whether it is the key, the acts prove."""

from __future__ import annotations

from typing import Any

from django import forms

from reports.signers.forms import InputAdoption, InputBlock

MAX_KEY = 10_000
_HELP = "As PEM, from whoever holds it. It is taken only when it verifies a signature of this very evidence."


def _key_field() -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "autocomplete": "off"})
    return forms.CharField(label="Public key", max_length=MAX_KEY, widget=widget, help_text=_HELP)


class InputKey(forms.Form):
    """The public key that is said to have signed."""

    public_key = _key_field()


class InputKeyAdoption(InputAdoption):
    """Whose the proved key is, who answers for it, and what it may attest."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["public_key"] = _key_field()


class InputKeyBlock(InputBlock):
    """The key, for which team it is blocked, and why."""

    public_key = _key_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["public_key", "team", "reason"])
