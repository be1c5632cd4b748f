"""Pages about accounts elsewhere: linking one to an identity, ending that, and seeing one's own."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from identities.lifecycle.change_status import demand_stewardship
from identities.people.accounts.forms import InputAccount
from identities.people.accounts.known_accounts import list_accounts
from identities.people.accounts.link_account import end_account, link_account
from identities.permissions import person_of, requires
from identities.queries import get_identity_of_own_team
from identities.sign_in.recently import proved_recently
from proofs.errors import NotFound, Refusal

# At which field a refusal is shown; any other stands on top.
FIELDS = {"account.provider": "provider", "account.malformed": "account", "account.taken": "account", "account.already_linked": "account"}


@never_cache
@require_safe
@requires("settings.own")
def own_accounts(request: HttpRequest) -> HttpResponse:
    """Show which accounts elsewhere are known to be one's own, and who said so."""
    return render(request, "identities/accounts.html", {"accounts": list_accounts(person_of(request))})


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def account_add(request: HttpRequest, identity_id: str) -> HttpResponse:
    """Ask which account is whose, and link it."""
    person, refusal = person_of(request), None
    shown = get_identity_of_own_team(identity_id, reader=person)
    demand_stewardship(shown, person)
    form = InputAccount(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            linked = link_account(identity=shown, **form.cleaned_data, by=person, now=timezone.now())
        except Refusal as error:
            refusal = error
            if error.code in FIELDS:
                form.add_error(FIELDS[error.code], capfirst(error.reason))
                refusal = None
        else:
            messages.success(request, f"{linked} is linked to {shown}: what it made, {shown} may be kept from approving.")
            return redirect("identities:identity", shown.pk)
    context = {"shown": shown, "form": form, "refusal": refusal}
    return render(request, "identities/account_add.html", context, status=422 if refusal or form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def account_end(request: HttpRequest, identity_id: str, account_id: str) -> HttpResponse:
    """Say what it means that an account is linked no longer, and end the link."""
    person, refusal = person_of(request), None
    shown = get_identity_of_own_team(identity_id, reader=person)
    demand_stewardship(shown, person)
    row = list_accounts(shown).filter(pk=account_id).first()
    if row is None:
        raise NotFound("account.unknown", f"There is no such account of {shown}.")
    if request.method == "POST":
        try:
            end_account(account=row, by=person, now=timezone.now())
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, f"{row} is no longer linked to {shown}.")
            return redirect("identities:identity", shown.pk)
    return render(request, "identities/account_end.html", {"shown": shown, "row": row, "refusal": refusal}, status=422 if refusal else 200)
