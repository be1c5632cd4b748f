"""The identity providers whose word something here rests on, each with every key it ever answered a bound sign-in with.

Reads only. Providers that were removed stay listed, and so do client names that the portal has given up: what was enrolled or approved while
they counted stays provable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Count, Max

from identities.models import BoundSignIn
from proofs.canonical import canonical_bytes, parse_json


@dataclass(frozen=True, slots=True)
class UsedProvider:
    """An issuer, the client names under which the portal was known when it answered, and its keys as one canonical document, each key once.

    `second_factor` lists the values of `acr` that its configuration takes for two factors.
    """

    issuer: str
    audiences: tuple[str, ...]
    keys: bytes
    second_factor: tuple[str, ...]


def used_providers() -> tuple[UsedProvider, ...]:
    """Return the providers of all bound sign-ins that were used, in the order of their issuers."""
    state = _used().aggregate(count=Count("pk"), last=Max("pk"), newest=Max("used_at"))
    return _gather((state["count"], state["last"], state["newest"]), _configured())


@lru_cache(maxsize=4)
def _gather(
    state: tuple[int, str | None, datetime | None], configured: tuple[tuple[str, str, tuple[str, ...]], ...]
) -> tuple[UsedProvider, ...]:
    # Key sets are few and sign-ins many, and neither changes once used: they are read again only when there is one more.
    keys: dict[str, dict[bytes, Any]] = {}
    for issuer, document in _used().values_list("provider__issuer", "issuer_keys").distinct():
        found = keys.setdefault(issuer, {})
        found.update({canonical_bytes(entry): entry for entry in parse_json(bytes(document))["keys"]})
    return tuple(
        UsedProvider(
            issuer=issuer,
            audiences=tuple(sorted({audience for name, audience, _ in configured if name == issuer})),
            keys=canonical_bytes({"keys": [entries[name] for name in sorted(entries)]}),
            second_factor=tuple(sorted({value for name, _, values in configured if name == issuer for value in values})),
        )
        for issuer, entries in sorted(keys.items())
    )


def _used() -> Any:
    return BoundSignIn.objects.filter(used_at__isnull=False, issuer_keys__isnull=False, audience__isnull=False)


def _configured() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    rows = _used().values_list("provider__issuer", "audience", "provider__config").distinct().order_by()
    return tuple(sorted({(issuer, audience, tuple(config.get("second_factor", ()))) for issuer, audience, config in rows}))
