"""Shapes of what people send and type here: a file of evidence, a trust root. What is in it is read by the acts."""

from __future__ import annotations

from django import forms

from proofs.sigstore.trust_root import DEFAULT_PROFILE


class InputCollection(forms.Form):
    """A file of one or many pieces of evidence."""

    file = forms.FileField(
        allow_empty_file=True,
        label="File",
        help_text="One bundle or envelope, JSON lines, an npm attestation response, a PEP 740 provenance object, or a .tar, .tar.gz or .zip of these.",
        error_messages={"required": "Choose a file first."},
    )


class InputTrustRoot(forms.Form):
    """A trust root to be proposed, what it is called, and how much evidence must bring under it."""

    file = forms.FileField(
        label="File",
        help_text="A trusted_root.json, exactly as its publisher gives it out.",
        error_messages={"required": "Choose a file first."},
    )
    name = forms.CharField(
        label="Name",
        max_length=120,
        help_text="What people call the instance, for example “GitHub, private repositories”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    tlog = forms.IntegerField(label="Log entries", min_value=0, max_value=1, initial=DEFAULT_PROFILE["tlog"], help_text="0 or 1")
    tsa = forms.IntegerField(label="Timestamps", min_value=0, max_value=8, initial=DEFAULT_PROFILE["tsa"], help_text="0 to 8")
    sct = forms.IntegerField(label="Certificate logs", min_value=0, max_value=8, initial=DEFAULT_PROFILE["sct"], help_text="0 to 8")
    reason = forms.CharField(
        label="Why",
        max_length=500,
        help_text="For the officer who confirms it: where the file is from, and how you know that it is genuine.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    @property
    def profile(self) -> dict[str, int]:
        """The thresholds as they are stored."""
        return {name: self.cleaned_data[name] for name in DEFAULT_PROFILE}


class InputReason(forms.Form):
    """Why a trust root should go."""

    reason = forms.CharField(
        label="Why",
        max_length=500,
        help_text="For the officer who confirms it, for example “The instance was shut down in March”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class InputTrustAnswer(forms.Form):
    """An officer's answer, with the digest of the root that the page showed."""

    answer = forms.CharField(max_length=8)
    root = forms.CharField(max_length=64)
