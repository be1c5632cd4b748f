"""Whose an account elsewhere is, and which accounts somebody has. Reads only."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from identities.models import Identity, LinkedAccount
from proofs.errors import Malformed

EMAIL = "email"
MAX_ACCOUNT = 200

_PROVIDER = re.compile(r"[a-z0-9][a-z0-9.:-]{0,59}")
# What names an account at these for ever is a number; a name there can be given up and taken by somebody else.
_NUMBERED = frozenset({"github", "gitlab"})


def clean_account(unverified_provider: str, unverified_account: str) -> tuple[str, str]:
    """Return provider and account as they are kept. Refuses with `account.provider` or `account.malformed`."""
    provider, account = unverified_provider.strip().lower(), unverified_account.strip()
    if not _PROVIDER.fullmatch(provider):
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


def list_accounts(identity: Identity) -> QuerySet[LinkedAccount]:
    """Return every account that is or was linked to an identity, those that still are first."""
    return LinkedAccount.objects.filter(identity=identity).select_related("linked_by").order_by("ended_at", "provider", "account", "pk")


def find_known(accounts: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Identity]:
    """Return whose each account is, for those that are linked to somebody now, or are the address of exactly one sign-in account."""
    asked = set(accounts)
    condition = Q(pk__in=[])
    for provider, account in asked:
        condition |= Q(provider=provider, account=account)
    linked = LinkedAccount.objects.filter(condition, ended_at__isnull=True).select_related("identity__owner")
    known = {(row.provider, row.account): row.identity for row in linked}
    for _, address in [pair for pair in asked if pair[0] == EMAIL and pair not in known]:
        owners = list(Identity.objects.filter(user__email__iexact=address).select_related("owner")[:2])
        if len(owners) == 1:
            known[EMAIL, address] = owners[0]
    return known
