"""Keep who is named as having made what a request asks about, read strictly. Inner acts of opening one, before it is frozen.

Not checked here: whose the accounts are, and that nobody was left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from approvals.models import NamedPerson, Request
from approvals.requests.people import Named, actor_of_exchange
from identities.models import ApiCredential, TokenExchange
from identities.people.accounts.known_accounts import clean_named
from proofs.errors import Malformed, TooLarge

MAX_PEOPLE = 256


def parse_people(people: Sequence[Named], asked_with: ApiCredential | None) -> list[NamedPerson]:
    """Return the rows, not yet of a request, for those whom the requester names, and for whoever set off the job `asked_with` was had for.

    Refuses with `request.people`, `account.provider` or `account.malformed`.
    """
    if len(people) > MAX_PEOPLE:
        raise TooLarge("request.people", f"got {len(people)} people, expected at most {MAX_PEOPLE}")
    stated: dict[Named, None] = {}
    for item in people:
        if item.because not in NamedPerson.Because.values:
            reasons = ", ".join(NamedPerson.Because.values)
            raise Malformed("request.people", f"got somebody named because of {item.because[:40]!r}, expected one of {reasons}")
        stated[Named(item.because, *clean_named(item.provider, item.account))] = None
    told = [(item, NamedPerson.Source.STATED) for item in stated]
    exchange = TokenExchange.objects.filter(credential=asked_with).first() if asked_with is not None else None
    actor = actor_of_exchange(exchange)
    told += [(actor, NamedPerson.Source.TOKEN)] if actor is not None else []
    return [NamedPerson(because=item.because, provider=item.provider, account=item.account, source=source) for item, source in told]


def name_people(*, request: Request, people: Sequence[NamedPerson]) -> None:
    """Keep the rows that `parse_people` returned for `request`; must run in the transaction that opens it."""
    for row in people:
        row.request = request
    NamedPerson.objects.bulk_create(people)
