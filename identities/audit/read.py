"""What was done here, sign-ins included, the newest first: of oneself, or of the people and programs of one's teams.

Whoever belongs to another team is not there: neither what they did nor that they did it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Concat
from django.utils.translation import gettext_noop as noop

from identities.audit.exports import EXPORTS
from identities.models import AuditEvent, Identity, SignInEvent, User
from identities.permissions import readable_whole_teams

KINDS = (("", "Everything"), ("sign-ins", "Sign-ins"), ("changes", "Changes"), ("exports", "Exports"))
SIGN_IN = "sign-in:"
WORDS = {
    f"{SIGN_IN}signed_in": noop("Signed in"),
    f"{SIGN_IN}signed_out": noop("Signed out"),
    f"{SIGN_IN}failed": noop("Failed to sign in"),
    f"{SIGN_IN}refused": noop("Was refused at sign-in"),
}
COLUMNS = ("happened_at", "identity_id", "username", "did", "what", "address", "answer")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was done. `name` is how the register calls who did it, or the account's name; `answer` is 0 for a sign-in."""

    happened_at: datetime
    identity_id: str | None
    name: str
    did: str
    what: str
    address: str
    answer: int

    @property
    def words(self) -> str:
        """What was done, in words: the page's own name is spoken where there are none."""
        spoken = self.did.rpartition(":")[2].replace("_", " ").replace("-", " ")
        return WORDS.get(self.did) or spoken.capitalize()

    @property
    def outcome(self) -> tuple[str, str]:
        """How it was answered: a word and a tone."""
        if self.did.startswith(SIGN_IN):
            return (noop("Refused"), "warn") if self.did.endswith(("failed", "refused")) else (noop("Done"), "plain")
        if self.answer >= 500:
            return noop("Broke"), "bad"
        return (noop("Refused"), "warn") if self.answer >= 400 else (noop("Answered"), "plain")


def list_people(reader: Identity) -> QuerySet[Identity]:
    """Return the people and programs whose doings `reader` may see: those of the teams they audit or administer as a whole."""
    return Identity.objects.filter(team__in=readable_whole_teams(reader, "audit.read")).order_by("name", "pk")


def read_lines(
    identities: QuerySet[Identity],
    *,
    kind: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    with_nobodys: bool = False,
) -> QuerySet[Any, Any]:
    """Return rows with `COLUMNS` about these identities, the newest first, of both tables; `kind` is one of `KINDS`.

    `with_nobodys` adds what was done by no identity of the register: provisioning by providers, and accounts that only the operator makes.
    """
    # A failed sign-in proves nobody, so it names an account and no identity.
    accounts = User.objects.filter(identity__in=identities).values("username")
    nobodys = Q(identity__isnull=True) if with_nobodys else Q(pk__in=[])
    audits = AuditEvent.objects.filter(Q(identity__in=identities) | nobodys)
    sign_ins = SignInEvent.objects.filter(Q(identity__in=identities) | Q(identity__isnull=True, username__in=accounts))
    if since is not None:
        audits, sign_ins = audits.filter(happened_at__gte=since), sign_ins.filter(happened_at__gte=since)
    if until is not None:
        audits, sign_ins = audits.filter(happened_at__lt=until), sign_ins.filter(happened_at__lt=until)
    exported = Q(act__in=EXPORTS)
    if kind in ("exports", "changes"):
        audits = audits.filter(exported) if kind == "exports" else audits.exclude(exported)
    text = CharField()
    shown = audits.annotate(did=Concat("act", Value(""), output_field=text), what=Concat("path", Value(""), output_field=text))
    came = sign_ins.annotate(
        did=Concat(Value(SIGN_IN), "outcome", output_field=text), what=Coalesce("via", Value(""), output_field=text), answer=Value(0)
    )
    shown_rows = shown.annotate(answer=F("status")).values_list(*COLUMNS)
    came_rows = came.values_list(*COLUMNS)
    if kind == "sign-ins":
        return came_rows.order_by("-happened_at")
    if kind:
        return shown_rows.order_by("-happened_at")
    return shown_rows.union(came_rows, all=True).order_by("-happened_at")


def name_lines(rows: Iterable[tuple[Any, ...]]) -> list[Line]:
    """Return rows of `read_lines` with the names of whom they are about, in one query."""
    listed = list(rows)
    names = dict(Identity.objects.filter(pk__in={row[1] for row in listed if row[1]}).values_list("pk", "name"))
    by_account = dict(
        User.objects.filter(username__in={row[2] for row in listed if not row[1]}, identity__isnull=False).values_list(
            "username", "identity__name"
        )
    )
    return [
        Line(happened_at, identity, names.get(identity) or by_account.get(username) or username, did, what, address, answer)
        for happened_at, identity, username, did, what, address, answer in listed
    ]
