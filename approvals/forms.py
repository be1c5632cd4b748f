"""The fields of the two forms of this room. Shape only; what may be asked or signed is decided in the acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as lazy

from approvals.models import Approval, Delegation
from approvals.requests.open_request import MAX_ARTIFACTS, AskedArtifact
from approvals.requests.people import Named
from approvals.requests.plain_text import MAX_NOTE, MAX_TITLE
from approvals.signing.digest_tail import CHARACTERS, MOST_CHARACTERS, AskedTail
from identities.models import Environment, Identity, Project, SigningKey
from identities.permissions import readable_teams
from identities.preferences.formats import write_date
from proofs.approval.reason_codes import REASON_CODES
from proofs.approval.subjects import build_rotation
from proofs.digest import parse_digest
from proofs.errors import Refusal


class NamedChoice(forms.ModelChoiceField):
    """A choice among rows, each shown by its name or label."""

    def label_from_instance(self, obj: Any) -> str:
        return str(getattr(obj, "label", "") or obj.name)


class StandInChoice(forms.ModelChoiceField):
    """A choice among those for whom somebody may answer."""

    def label_from_instance(self, obj: Any) -> str:
        return gettext("For %(name)s, until %(day)s") % {"name": obj.delegator.name, "day": write_date(obj.until)}


class InputRequest(forms.Form):
    """What somebody asks for."""

    project = NamedChoice(label=lazy("Project"), queryset=Project.objects.none(), empty_label=None)
    environment = NamedChoice(
        label=lazy("Environment"), queryset=Environment.objects.none(), empty_label=None, help_text=lazy("Where the artifacts would go.")
    )
    title = forms.CharField(
        label=lazy("Title"), max_length=MAX_TITLE, help_text=lazy("What is released, as people call it: payments/api 1.4.2")
    )
    artifacts = forms.CharField(
        label=lazy("Artifacts"),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text=lazy("One per line: the digest, and if you like a name behind it. A tag is never accepted, because it can be moved."),
    )
    note = forms.CharField(
        label=lazy("Note"),
        max_length=MAX_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("Shown to approvers as your words, marked as not checked."),
    )

    people = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        label=lazy("Who made it"),
        help_text=lazy(
            "Where the policy keeps those who made it from approving it. One per line: why, and the account: commit-author github:12345, "
            "co-author email:ana@example.org, committer portal:ana."
        ),
    )
    is_draft = forms.BooleanField(required=False, label=lazy("Keep it as a draft"), help_text=lazy("Nobody is asked until you submit it."))

    def __init__(self, *args: Any, person: Identity, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        projects = Project.objects.filter(readable_teams(person, "requests.open")).order_by("slug")
        environments = Environment.objects.filter(team__in=projects.values("team")).order_by("slug")
        programs = Identity.objects.filter(team__in=projects.values("team"), status=Identity.Status.ACTIVE).order_by("name")
        chosen: dict[str, QuerySet[Any]] = {
            "project": projects,
            "environment": environments,
            "from_environment": environments,
            "executor": programs.exclude(kind=Identity.Kind.PERSON),
        }
        for name, queryset in chosen.items():
            field = self.fields.get(name)
            if isinstance(field, forms.ModelChoiceField):
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

    def clean_people(self) -> list[Named]:
        lines = [line.split() for line in self.cleaned_data["people"].splitlines() if line.strip()]
        named = []
        for number, words in enumerate(lines, start=1):
            provider, colon, account = words[-1].rpartition(":") if words[-1].startswith("https://") else words[-1].partition(":")
            if len(words) != 2 or not colon:
                raise forms.ValidationError(f"Line {number}: expected why and an account, like “commit-author github:12345”.")
            named.append(Named(words[0], provider, account))
        return named


class InputPromotion(InputRequest):
    """What somebody asks to go on from one environment to the next."""

    from_environment = NamedChoice(
        queryset=Environment.objects.none(),
        empty_label=None,
        label=lazy("From"),
        help_text=lazy("Where every one of them is approved now."),
    )
    field_order = ("title", "artifacts", "project", "from_environment", "environment")


class InputRotation(InputRequest):
    """Which keys somebody asks to rotate. Keys are named, never shown."""

    artifacts = None  # type: ignore[assignment]
    what = forms.CharField(
        max_length=300, label=lazy("What is rotated"), help_text=lazy("For example: the signing key of the release workflow.")
    )
    executor = NamedChoice(
        queryset=Identity.objects.none(),
        empty_label=None,
        label=lazy("Carried out by"),
        help_text=lazy("The registered program that does it."),
    )
    old_keys = forms.CharField(
        label=lazy("Old keys"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=lazy("The names of the keys that go, one per line."),
    )
    new_keys = forms.CharField(
        label=lazy("New keys"),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=lazy("The names of the keys that come, one per line. Never a key itself: what looks like a secret is refused."),
    )
    field_order = ("title", "what", "executor", "old_keys", "new_keys", "project", "environment")

    def clean(self) -> dict[str, Any]:
        """Put what was written together into the document that people decide about."""
        given = super().clean() or {}
        if self.errors:
            return given
        executor: Identity = given.pop("executor")
        try:
            given["subject"] = build_rotation(
                what=given.pop("what"),
                initiator={"issuer": self.person.issuer, "subject": self.person.subject},
                executor={"issuer": executor.issuer, "subject": executor.subject},
                old_keys=_lines(given.pop("old_keys")),
                new_keys=_lines(given.pop("new_keys")),
            )
        except Refusal as refusal:
            raise forms.ValidationError(f"{refusal.reason[:1].upper()}{refusal.reason[1:]}.") from refusal
        return given


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


# The form for each kind that a person asks for here.
REQUEST_FORMS: dict[str, type[InputRequest]] = {"release": InputRequest, "promotion": InputPromotion, "rotation": InputRotation}


class InputReason(forms.Form):
    """Why a request is withdrawn."""

    reason = forms.CharField(max_length=MAX_NOTE, widget=forms.Textarea(attrs={"rows": 2}), label="Why you withdraw it")


class InputNote(forms.Form):
    """What the requester says to those who asked for changes."""

    note = forms.CharField(max_length=MAX_NOTE, widget=forms.Textarea(attrs={"rows": 3}), label="What changed")


# The other way to answer, beside a key: the button that was pressed.
SIGN_IN = "sign-in"


def _tail_field(tail: AskedTail) -> forms.CharField:
    plain = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", "data-least": CHARACTERS}
    field = forms.CharField(max_length=MOST_CHARACTERS, required=False, widget=forms.TextInput(attrs=plain))
    if tail.over:
        field.label = gettext("Last %(count)s characters of the digest over all %(number)s digests") % {
            "count": CHARACTERS,
            "number": tail.over,
        }
        field.help_text = gettext(
            "The SHA-256 of all digests, sorted, each on a line: %(digest)s. Make it of what lies in your registry, with sort and sha256sum; then it also checks this page."
        ) % {"digest": tail.digest}
        return field
    field.label = gettext("Last %(count)s characters of its digest") % {"count": CHARACTERS}
    field.help_text = gettext(
        "Of %(name)s. Read it where the artifact lies, in your terminal or registry; then it also checks this page."
    ) % {"name": tail.name}
    return field


class InputDecision(forms.Form):
    """What somebody decides, and with which key, or without one by signing in. The digest of the snapshot they were shown travels along."""

    snapshot = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    decision = forms.ChoiceField(choices=Approval.Decision.choices, widget=forms.RadioSelect)
    reason = forms.CharField(
        label=lazy("Reason"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("Becomes part of what you sign. Needed to reject or to request changes; you may leave it empty when you approve."),
    )
    reason_codes = forms.MultipleChoiceField(choices=list(REASON_CODES.items()), required=False, widget=forms.CheckboxSelectMultiple)
    key = NamedChoice(queryset=SigningKey.objects.none(), empty_label=None, label=lazy("Approval key"), required=False)
    in_stead = StandInChoice(queryset=Delegation.objects.none(), required=False, empty_label=lazy("For myself"), label=lazy("For whom"))
    way = forms.ChoiceField(choices=[("key", "With the key"), (SIGN_IN, "By signing in")], required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        keys: list[SigningKey],
        in_stead: Sequence[Delegation] = (),
        looks_back: bool = False,
        asked: Sequence[Mapping[str, Any]] = (),
        wants_reasons: bool = False,
        tails: Sequence[AskedTail] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.asked, self.wants_reasons, self.tails_asked = asked, wants_reasons, tails
        for number, tail in enumerate(tails):
            self.fields[self.name_of_tail(number)] = _tail_field(tail)
        for signal in asked:
            # By the digest of what is said: the order is each reader's own.
            self.fields[f"agree_{signal['digest']}"] = forms.BooleanField(required=False, label=signal["agree"])
            self.fields[f"why_{signal['digest']}"] = forms.CharField(required=False, max_length=300, label=lazy("Why that is all right"))
        if looks_back:
            # Nobody changes what was done.
            decision = self.fields["decision"]
            assert isinstance(decision, forms.ChoiceField)
            decision.choices = [choice for choice in Approval.Decision.choices if choice[0] != Approval.Decision.REQUEST_CHANGES]
        field, standing = self.fields["key"], self.fields["in_stead"]
        assert isinstance(standing, forms.ModelChoiceField)
        standing.queryset = Delegation.objects.filter(pk__in=[row.pk for row in in_stead]).select_related("delegator").order_by("pk")
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = SigningKey.objects.filter(pk__in=[key.pk for key in keys]).order_by("-enrolled_at")

    @staticmethod
    def name_of_tail(number: int) -> str:
        """Return the name of the field for the end of the `number`th digest."""
        return f"digest_tail_{number + 1}" if number else "digest_tail"

    def tails(self) -> list[forms.BoundField]:
        """Return the fields for the ends of digests, in the order of the artifacts."""
        return [self[self.name_of_tail(number)] for number in range(len(self.tails_asked))]

    def clean(self) -> dict[str, Any]:
        """Answer with no key where the button for signing in was pressed; else a key is needed. Put each signal's reason into what is signed."""
        given = super().clean() or {}
        given["digest_tails"] = [given.get(self.name_of_tail(number), "") for number in range(len(self.tails_asked))]
        given["acknowledged"] = [
            signal["digest"] for signal in self.asked if given.get(f"agree_{signal['digest']}")
        ] + self._strange_ticks()
        if given.get("decision") == Approval.Decision.APPROVE:
            given["reason"] = self._with_reasons(given)
        if given.get("way") == SIGN_IN:
            given["key"] = None
        elif not given.get("key") and "key" not in self.errors:
            self.add_error("key", lazy("Choose the key you sign with."))
        return given

    def _with_reasons(self, given: dict[str, Any]) -> str:
        lines = [given.get("reason") or ""]
        # What is signed is the same in whichever order somebody read it.
        for signal in sorted(self.asked, key=lambda signal: signal["place"]):
            tick, reason = f"agree_{signal['digest']}", f"why_{signal['digest']}"
            why = given.get(reason, "")
            if not given.get(tick):
                self.add_error(tick, lazy("Tick it if you accept it, or say no to the request."))
            elif not why and self.wants_reasons:
                self.add_error(reason, lazy("Say in a few words why that is all right here."))
            lines += [f"{signal['id']}: {why}"] if why else []
        return "\n".join(filter(None, lines))

    @property
    def signals(self) -> list[tuple[Mapping[str, Any], forms.BoundField, forms.BoundField]]:
        """Each signal that is asked about, with its box and the field for its reason."""
        return [(signal, self[f"agree_{signal['digest']}"], self[f"why_{signal['digest']}"]) for signal in self.asked]

    def _strange_ticks(self) -> list[str]:
        """Return what was sent as a tick, or as the reason of one, that no field here is, and twice what came more than once: the act refuses it
        by name. A reason without its tick and words is what a browser sends of a field left empty."""
        strange = []
        for name in self.data:
            kind, _, digest = str(name).partition("_")
            if kind not in ("agree", "why") or not digest:
                continue
            sent = self.data.getlist(name) if hasattr(self.data, "getlist") else [self.data[name]]
            if name in self.fields:
                strange += [digest, digest] if len(sent) > 1 else []
            elif kind == "agree":
                strange.append(digest)
            elif any(sent) and f"agree_{digest}" not in self.data:
                strange.append(str(name))
        return strange

    def focus_first_error(self) -> None:
        """Have the browser begin where something is wrong, so that nobody has to look for it."""
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong is not None:
            self.fields[wrong].widget.attrs["autofocus"] = True


class InputAssertion(forms.Form):
    """What the signing page sends back."""

    assertion = forms.CharField(max_length=32 * 1024)
