"""Shapes of what people type to adopt or block a signer. Rules live in the acts; what was seen is looked up, never taken from here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from identities.grants.grant_right import ANYTHING
from identities.lifecycle.change_status import MAX_REASON
from identities.models import Identity, Project, Team
from reports.signers.seen import Sighting

EXACT, ANY_REF = "exact", "any_ref"


class InputSigner(forms.Form):
    """Which signer is meant: a certificate's issuer and name, or a key's id without an issuer."""

    issuer = forms.CharField(max_length=300, required=False, strip=False)
    name = forms.CharField(max_length=500, strip=False)


class InputBlock(forms.Form):
    """For which team a signer is blocked, and why."""

    team = forms.ModelChoiceField(label="Team", queryset=Team.objects.none(), help_text="Its stewards may lift the block.")
    reason = forms.CharField(
        label="Why",
        max_length=MAX_REASON,
        help_text="Stands beside everything it signed, for example “A fork nobody here owns”. No secrets, please.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, teams: QuerySet[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self, "team", teams)


class InputLift(forms.Form):
    """Why a block is lifted."""

    reason = forms.CharField(label="Why", max_length=MAX_REASON, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class InputAdoption(forms.Form):
    """Who a signer is, who answers for it, and what it may attest."""

    kind = forms.ChoiceField(label="Kind", choices=[choice for choice in Identity.Kind.choices if choice[0] != Identity.Kind.PERSON])
    name = forms.CharField(
        label="Name", max_length=200, help_text="What pages call it.", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    issuer = forms.CharField(label="Issuer", max_length=300, help_text="With the subject, what signed statements call it.")
    subject = forms.CharField(label="Subject", max_length=300)
    covers = forms.ChoiceField(label="Which signatures are its own", widget=forms.RadioSelect, required=False)
    public_key = forms.CharField(
        label="Public key",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "autocomplete": "off"}),
        help_text="As PEM. Evidence names a key only by its id; whoever holds it must give you the key itself, and it must have this id.",
    )
    owner = forms.ModelChoiceField(label="Owner", queryset=Identity.objects.none(), help_text="A person who answers for all it signs.")
    team = forms.ModelChoiceField(label="Team", queryset=Team.objects.none())
    purpose = forms.CharField(label="Purpose", max_length=300, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    predicate_types = forms.MultipleChoiceField(label="What it may attest", required=False, widget=forms.CheckboxSelectMultiple)
    project = forms.ModelChoiceField(
        label="For which project", queryset=Project.objects.none(), required=False, empty_label="Every project of its team"
    )
    reason = forms.CharField(
        label="Why",
        max_length=MAX_REASON,
        help_text="Goes into the log with each right, for example “The new release workflow”. No secrets, please.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, sighting: Sighting, teams: QuerySet[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        signer = sighting.signer
        _choose(self, "owner", Identity.objects.filter(kind=Identity.Kind.PERSON, status=Identity.Status.ACTIVE).order_by("name", "pk"))
        _choose(self, "team", teams)
        _choose(self, "project", Project.objects.filter(team__in=teams).order_by("slug"))
        types = [(kind, kind) for kind in sighting.predicate_types if kind]
        if "" in sighting.predicate_types:
            types.append((ANYTHING, "Anything at all: it also signed files, which have no predicate type"))
        _offer(self, "predicate_types", types)
        if signer.workflow:
            _offer(self, "covers", [(EXACT, f"Only {signer.name}"), (ANY_REF, f"Any ref of {signer.workflow}")])
            self.fields["covers"].required = True
        else:
            del self.fields["covers"]
        if signer.is_key:
            self.fields["public_key"].required = True
        else:
            del self.fields["public_key"]


def _choose(form: forms.Form, name: str, rows: QuerySet[Any]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = rows


def _offer(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices
