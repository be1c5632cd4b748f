"""The fields of the two forms of this room. Shape only; what may be asked or signed is decided in the acts."""

from __future__ import annotations

from typing import Any

from django import forms

from approvals.models import Approval
from approvals.requests.open_request import MAX_ARTIFACTS, MAX_NOTE, MAX_TITLE, AskedArtifact
from identities.models import Environment, Identity, Project, SigningKey
from identities.permissions import readable_teams
from proofs.digest import parse_digest
from proofs.errors import Refusal


class NamedChoice(forms.ModelChoiceField):
    """A choice among rows, each shown by its name or label."""

    def label_from_instance(self, obj: Any) -> str:
        return str(getattr(obj, "label", "") or obj.name)


class InputRequest(forms.Form):
    """What somebody asks for."""

    project = NamedChoice(queryset=Project.objects.none(), empty_label=None)
    environment = NamedChoice(queryset=Environment.objects.none(), empty_label=None, help_text="Where the artifacts would go.")
    title = forms.CharField(max_length=MAX_TITLE, help_text="What is released, as people call it: payments/api 1.4.2")
    artifacts = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text="One per line: the digest, and if you like a name behind it. A tag is never accepted, because it can be moved.",
    )
    note = forms.CharField(
        max_length=MAX_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Shown to approvers as your words, marked as not checked.",
    )

    def __init__(self, *args: Any, person: Identity, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = Project.objects.filter(readable_teams(person, "requests.open")).order_by("slug")
        chosen = {"project": projects, "environment": Environment.objects.filter(team__in=projects.values("team")).order_by("slug")}
        for name, queryset in chosen.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset

    def clean_artifacts(self) -> list[AskedArtifact]:
        lines = [line.strip() for line in self.cleaned_data["artifacts"].splitlines() if line.strip()]
        if len(lines) > MAX_ARTIFACTS:
            raise forms.ValidationError(f"At most {MAX_ARTIFACTS} artifacts fit into one request.")
        asked = []
        for number, line in enumerate(lines, start=1):
            digest, _, name = line.partition(" ")
            try:
                asked.append(AskedArtifact(str(parse_digest(digest)), name.strip()))
            except Refusal as refusal:
                raise forms.ValidationError(f"Line {number}: {refusal.reason}.") from refusal
        return asked


# The other way to answer, beside a key: the button that was pressed.
SIGN_IN = "sign-in"


class InputDecision(forms.Form):
    """What somebody decides, and with which key, or without one by signing in. The digest of the snapshot they were shown travels along."""

    snapshot = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    decision = forms.ChoiceField(choices=Approval.Decision.choices, widget=forms.RadioSelect)
    reason = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Becomes part of what you sign. Needed to reject or to request changes; you may leave it empty when you approve.",
    )
    key = NamedChoice(queryset=SigningKey.objects.none(), empty_label=None, label="Approval key", required=False)
    way = forms.ChoiceField(choices=[("key", "With the key"), (SIGN_IN, "By signing in")], required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, keys: list[SigningKey], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["key"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = SigningKey.objects.filter(pk__in=[key.pk for key in keys]).order_by("-enrolled_at")

    def clean(self) -> dict[str, Any]:
        """Answer with no key where the button for signing in was pressed; else a key is needed."""
        given = super().clean() or {}
        if given.get("way") == SIGN_IN:
            given["key"] = None
        elif not given.get("key") and "key" not in self.errors:
            self.add_error("key", "Choose the key you sign with.")
        return given

    def focus_first_error(self) -> None:
        """Have the browser begin where something is wrong, so that nobody has to look for it."""
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong is not None:
            self.fields[wrong].widget.attrs["autofocus"] = True


class InputAssertion(forms.Form):
    """What the signing page sends back."""

    assertion = forms.CharField(max_length=32 * 1024)
