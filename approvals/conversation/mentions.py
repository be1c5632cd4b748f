"""Read who a comment names: `@username`, of people who may read the request. Everybody else's name stays text, and tells nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from approvals.models import Request
from identities.models import Identity
from identities.permissions import may

# What a username may be made of; not after a letter or a dot, so that an address is no mention.
NAMED = re.compile(r"(?<![\w.@+-])@([A-Za-z0-9_][A-Za-z0-9_.+-]{0,148}[A-Za-z0-9_]|[A-Za-z0-9_])")
MAX_MENTIONS = 20


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whom a text names, and the names in it that stand for nobody who may read the request."""

    people: tuple[Identity, ...]
    unknown: tuple[str, ...]


def find_names(text: str) -> list[str]:
    """Return the usernames that a text names, each once, in their order, at most twenty."""
    return list(dict.fromkeys(NAMED.findall(text)))[:MAX_MENTIONS]


def read_mentions(text: str, *, request: Request, author: Identity) -> Mentions:
    """Return whom the text names. Unknown, inactive and not entitled look the same, so that nobody learns which accounts there are."""
    names = find_names(text)
    people = {person.user.username: person for person in _people(names)}
    readers = {name: person for name, person in people.items() if may(person, "requests.read", project=request.project).allowed}
    named = tuple(person for person in readers.values() if person.pk != author.pk)
    return Mentions(named, tuple(name for name in names if name not in readers))


def _people(names: Sequence[str]) -> list[Identity]:
    found = Identity.objects.filter(user__username__in=names, kind=Identity.Kind.PERSON, status=Identity.Status.ACTIVE)
    return list(found.select_related("user").order_by("pk"))
