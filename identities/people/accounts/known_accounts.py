"""Whose an account elsewhere is, and which accounts somebody has. Reads only."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from identities.models import Identity, LinkedAccount
from proofs.errors import Malformed

EMAIL = "email"
# People and programs of this portal itself: by username, or by the issuer and subject under which they are registered.
PORTAL, ISSUER = "portal", "https://"
MAX_ISSUER = 90
MAX_ACCOUNT = 200

_PROVIDER = re.compile(r"[a-z0-9][a-z0-9.:-]{0,59}")
# What names an account at these for ever is a number; a name there can be given up and taken by somebody else.
_NUMBERED = frozenset({"github", "gitlab"})


def clean_account(unverified_provider: str, unverified_account: str, *, is_linked: bool = True) -> tuple[str, str]:
    """Return provider and account as they are kept. Refuses with `account.provider` or `account.malformed`."""
    provider, account = unverified_provider.strip().lower(), unverified_account.strip()
    if not _PROVIDER.fullmatch(provider) or (is_linked and provider == PORTAL):
        raise Malformed("account.provider", f"got the provider {provider[:80]!r}, expected a short name like github, gitlab, git or email")
    if provider in _NUMBERED and not re.fullmatch(r"[1-9][0-9]{0,18}", account):
        raise Malformed("account.malformed", f"got {account[:80]!r}, expected the number of the {provider} account, which never changes")
    if provider == EMAIL:
        account = account.lower()
        if not re.fullmatch(r"[^\s@]+@[^\s@]+", account):
            raise Malformed("account.malformed", f"got {account[:80]!r}, expected an address like ana@example.org")
    if not account or len(account) > MAX_ACCOUNT or not account.isprintable():
        raise Malformed("account.malformed", f"got an account of {len(account)} characters, expected 1 to {MAX_ACCOUNT} plain ones")
    return provider, account


def clean_named(unverified_provider: str, unverified_account: str) -> tuple[str, str]:
    """Return what `clean_account` does, also for an account that needs no link: a username of the portal, or an issuer and its subject."""
    issuer, account = unverified_provider.strip(), unverified_account.strip()
    if not issuer.startswith(ISSUER):
        return clean_account(issuer, account, is_linked=False)
    if len(issuer) > MAX_ISSUER or not issuer.isprintable() or " " in issuer:
        raise Malformed("account.provider", f"got an issuer of {len(issuer)} characters, expected an address of at most {MAX_ISSUER}")
    return issuer, clean_account("subject", account)[1]


def list_accounts(identity: Identity) -> QuerySet[LinkedAccount]:
    """Return every account that is or was linked to an identity, those that still are first."""
    return LinkedAccount.objects.filter(identity=identity).select_related("linked_by").order_by("ended_at", "provider", "account", "pk")


def find_known(accounts: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Identity]:
    """Return whose each account is: linked to somebody now, the address or username of one sign-in account, or registered as issuer and subject."""
    asked = set(accounts)
    condition, registered = Q(pk__in=[]), Q(pk__in=[])
    for provider, account in asked:
        condition |= Q(provider=provider, account=account)
        if provider.startswith(ISSUER):
            registered |= Q(issuer=provider, subject=account)
    known = {(row.issuer, row.subject): row for row in Identity.objects.filter(registered).select_related("owner")}
    linked = LinkedAccount.objects.filter(condition, ended_at__isnull=True).select_related("identity__owner")
    known |= {(row.provider, row.account): row.identity for row in linked}
    for provider, field in ((EMAIL, "user__email__iexact"), (PORTAL, "user__username")):
        for _, name in [pair for pair in asked if pair[0] == provider and pair not in known]:
            owners = list(Identity.objects.filter(**{field: name}).select_related("owner")[:2])
            if len(owners) == 1:
                known[provider, name] = owners[0]
    return known
