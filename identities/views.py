"""The page of one identity. The list of all is `reports.register`, because it reads what they did."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from identities.grants.views import rights_shown
from identities.lifecycle.change_status import may_steward
from identities.lifecycle.rotate_views import rotatable_signers
from identities.lifecycle.views import offered_changes
from identities.people.accounts.known_accounts import list_accounts
from identities.permissions import may, person_of, requires
from identities.preferences.current import list_away
from identities.queries import (
    describe_identity,
    get_identity,
    list_exchanges,
)
from identities.review.views import reviews_shown


@require_safe
@requires("identities.read")
def identity(request: HttpRequest, identity_id: str) -> HttpResponse:
    """Show one identity: what it is, who answers for it, how it proves itself, what it may do, and when somebody last looked at that."""
    shown, person, now = get_identity(identity_id), person_of(request), timezone.now()
    # Which credentials a program has and when it last called is its own team's affair.
    own_team = shown.owner_id == person.pk or may(person, "identities.read", team=shown.team).allowed
    context = {
        "shown": shown,
        "sentence": describe_identity(shown),
        "own_team": own_team,
        "exchanges": list_exchanges(shown) if own_team else [],
        "accounts": list_accounts(shown) if own_team else None,
        "may_link": may_steward(shown, person) and shown.owner_id != person.pk,
        "changes": offered_changes(shown, person),
        "may_mark": not shown.is_person and may_steward(shown, person),
        "rotatable": rotatable_signers(shown, person, now=now),
        "away": list_away([shown.pk], now=now).get(shown.pk, "") if shown.is_person else "",
        "now": now,
        **rights_shown(shown, person, now=now),
        **reviews_shown(shown, person, now=now),
    }
    return render(request, "identities/identity.html", context)
