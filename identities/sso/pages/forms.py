"""What people type about identity providers and group rules. Rules live in the acts."""

from __future__ import annotations

from typing import Any

from django import forms

from identities.models import IdentityProvider, Project, RoleAssignment, Team
from identities.sso.described import ATTRIBUTES, NAME_ID_FORMATS, Described, read_certificates
from identities.sso.saml_metadata import MAX_METADATA, read_metadata

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}
SPARE_ROWS = 3
MOST_ROWS = 1000


class InputProvider(forms.Form):
    """What both protocols ask."""

    slug = forms.CharField(
        label="Short name",
        max_length=40,
        help_text="For addresses, such as “corp”: a to z, 0 to 9 and hyphens. It stays.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    name = forms.CharField(label="Name", max_length=80, help_text="What people read on the button of the sign-in page.")
    groups_claim = forms.CharField(
        label="Groups",
        max_length=120,
        initial="groups",
        help_text="The claim that holds a person’s groups.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    admits_unregistered = forms.BooleanField(
        label="Whoever a group rule gives a role comes in, also if nobody registered them", required=False
    )

    def __init__(self, *args: Any, provider: IdentityProvider | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if provider is not None:
            del self.fields["slug"]

    def described(self) -> Described:
        """Return what was typed, as acts take it. Refuses as reading certificates and metadata do."""
        raise NotImplementedError


class InputOidcProvider(InputProvider):
    """An OpenID provider."""

    issuer = forms.CharField(
        label="Issuer", max_length=300, help_text="As it writes it into tokens, to the letter, such as https://id.example.com.",
        widget=forms.URLInput(attrs=_PLAIN),
    )  # fmt: skip
    client_id = forms.CharField(label="Client id", max_length=300, widget=forms.TextInput(attrs=_PLAIN))
    client_secret = forms.CharField(
        label="Client secret", max_length=1000, required=False, widget=forms.PasswordInput(attrs={**_PLAIN, "autocomplete": "new-password"})
    )
    scope = forms.CharField(
        label="Scopes", max_length=300, required=False, widget=forms.TextInput(attrs=_PLAIN),
        help_text="Words between spaces; without any: openid profile email. Some providers tell groups only when asked for “groups”.",
    )  # fmt: skip
    field_order = ("slug", "name", "issuer", "client_id", "client_secret", "scope", "groups_claim", "admits_unregistered")

    def __init__(self, *args: Any, provider: IdentityProvider | None = None, **kwargs: Any) -> None:
        super().__init__(*args, provider=provider, **kwargs)
        kept = provider is not None and provider.sealed_secret
        self.fields["client_secret"].help_text = (
            "Kept sealed and never shown. Leave it empty to keep the one that is there."
            if kept
            else "Kept sealed and never shown. Leave it empty for a public client."
        )
        self._may_be_private = bool(provider and provider.config.get("may_be_private"))
        self._second_factor = tuple(provider.config.get("second_factor", ())) if provider else ()
        self._keeps_secret = provider is not None

    def described(self) -> Described:
        said = self.cleaned_data
        return Described(
            name=said["name"],
            protocol=IdentityProvider.Protocol.OIDC,
            issuer=said["issuer"],
            client_id=said["client_id"],
            client_secret=said["client_secret"] or (None if self._keeps_secret else ""),
            scope=tuple(said["scope"].split()),
            may_be_private=self._may_be_private,
            second_factor=self._second_factor,
            groups_claim=said["groups_claim"],
            admits_unregistered=said["admits_unregistered"],
        )


class InputSamlProvider(InputProvider):
    """A SAML identity provider: its metadata, or what would stand in it."""

    metadata = forms.CharField(
        label="Metadata", max_length=MAX_METADATA, required=False, widget=forms.Textarea(attrs={**_PLAIN, "rows": 5}),
        help_text="Paste the provider’s metadata (XML) here, and leave the next three fields empty.",
    )  # fmt: skip
    issuer = forms.CharField(label="Entity id", max_length=300, required=False, widget=forms.TextInput(attrs=_PLAIN))
    sso_url = forms.CharField(
        label="Sign-in address",
        max_length=500,
        required=False,
        help_text="With the HTTP-Redirect binding.",
        widget=forms.URLInput(attrs=_PLAIN),
    )
    certificates = forms.CharField(
        label="Certificates", max_length=60_000, required=False, widget=forms.Textarea(attrs={**_PLAIN, "rows": 5}),
        help_text="What it signs with, in PEM; two while it changes over.",
    )  # fmt: skip
    name_id_format = forms.ChoiceField(
        label="Name id format", required=False, choices=[("", "as the provider is set up"), *((name, name) for name in NAME_ID_FORMATS)]
    )
    subject_attribute = forms.CharField(
        label="Attribute of the subject", max_length=300, required=False, widget=forms.TextInput(attrs=_PLAIN),
        help_text="Without one it is the name id. It has to stay the same for one person, for ever.",
    )  # fmt: skip
    username_attribute = forms.CharField(
        label="Attribute of the username", max_length=300, required=False, widget=forms.TextInput(attrs=_PLAIN)
    )
    name_attribute = forms.CharField(label="Attribute of the name", max_length=300, required=False, widget=forms.TextInput(attrs=_PLAIN))
    email_attribute = forms.CharField(
        label="Attribute of the address", max_length=300, required=False, widget=forms.TextInput(attrs=_PLAIN)
    )
    field_order = ("slug", "name", "metadata", "issuer", "sso_url", "certificates", "name_id_format", "subject_attribute", "username_attribute",
                   "name_attribute", "email_attribute", "groups_claim", "admits_unregistered")  # fmt: skip

    def __init__(self, *args: Any, provider: IdentityProvider | None = None, **kwargs: Any) -> None:
        super().__init__(*args, provider=provider, **kwargs)
        self.fields["groups_claim"].help_text = "The attribute that holds a person’s groups."

    def described(self) -> Described:
        said = self.cleaned_data
        if said["metadata"].strip():
            read = read_metadata(said["metadata"].strip())
            where: dict[str, Any] = {"issuer": read.entity_id, "sso_url": read.sso_url, "certificates": read.certificates}
        else:
            where = {"issuer": said["issuer"], "sso_url": said["sso_url"], "certificates": read_certificates(said["certificates"])}
        return Described(
            name=said["name"],
            protocol=IdentityProvider.Protocol.SAML,
            attributes={name: said[f"{name}_attribute"] for name in ATTRIBUTES if said[f"{name}_attribute"]},
            name_id_format=said["name_id_format"],
            groups_claim=said["groups_claim"],
            admits_unregistered=said["admits_unregistered"],
            **where,
        )


FORMS: dict[str, type[InputProvider]] = {"oidc": InputOidcProvider, "saml": InputSamlProvider}


def shown_as_typed(said: Described) -> dict[str, Any]:
    """Return a provider as its form would have been filled in."""
    return {
        "name": said.name,
        "issuer": said.issuer,
        "client_id": said.client_id,
        "scope": " ".join(said.scope),
        "sso_url": said.sso_url,
        "certificates": "\n".join(f"-----BEGIN CERTIFICATE-----\n{one}\n-----END CERTIFICATE-----" for one in said.certificates),
        "name_id_format": said.name_id_format,
        **{f"{name}_attribute": value for name, value in said.attributes.items()},
        "groups_claim": said.groups_claim,
        "admits_unregistered": said.admits_unregistered,
    }


class InputRule(forms.Form):
    """One row: a group, a role, and where. A row without a group is none."""

    group = forms.CharField(label="Group", max_length=300, required=False, strip=False, widget=forms.TextInput(attrs=_PLAIN))
    role = forms.ChoiceField(label="Role", choices=RoleAssignment.Role.choices)
    place = forms.ChoiceField(label="Where")

    def __init__(self, *args: Any, places: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["place"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = places

    def document(self) -> dict[str, str | None] | None:
        """Return the rule as it is stored; None for an empty row."""
        if not self.cleaned_data.get("group"):
            return None
        team, _, project = self.cleaned_data["place"].partition("/")
        return {"group": self.cleaned_data["group"], "team": team, "project": project or None, "role": self.cleaned_data["role"]}


InputRules = forms.formset_factory(InputRule, extra=SPARE_ROWS, max_num=MOST_ROWS)


def places_of(teams: list[Team]) -> list[tuple[str, str]]:
    """Return the places that these teams offer: each whole, and each of its projects."""
    places = []
    for team in teams:
        places.append((team.slug, f"all of {team.slug}"))
        places += [
            (f"{team.slug}/{slug}", slug) for slug in Project.objects.filter(team=team).order_by("slug").values_list("slug", flat=True)
        ]
    return places
