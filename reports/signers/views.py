"""The pages of signers that nobody registered: where they were seen, adopting one, blocking one, lifting a block.

Issuer and name in an address are a stranger's words: each page looks them up in verified evidence again, and acts on what stands there.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from attestations.unknown_keys import describe_unknown_keys, list_unknown_keys
from identities.blocked import blocks_in_force
from identities.models import BlockedSigner, Identity
from identities.permissions import demand, is_of_team, person_of, requires
from identities.sign_in.recently import proved_recently
from identities.signers.adopt_signer import NewProgram, adopt_signer
from identities.signers.block_signer import block_signer, lift_block
from proofs.errors import Conflict, NotFound, Refusal
from reports.signers.forms import ANY_REF, InputAdoption, InputBlock, InputLift, InputSigner
from reports.signers.keys.views import adopt_key_page, block_key_page
from reports.signers.seen import WEEK, Sighting, count_unknown, describe, find_sighting, list_unknown
from reports.signers.stewarded import demand_a_team, first_guess, only_team, stewarded_teams

ROWS = 25
WEEKLY, EVER, BLOCKED = "week", "ever", "blocked"


@require_safe
@requires("attestations.read")
def signers_unknown(request: HttpRequest) -> HttpResponse:
    """List the signers that nobody registered, those that are blocked, or show one signer that the address names."""
    person, now = person_of(request), timezone.now()
    teams = list(stewarded_teams(person))
    shown = request.GET.get("show", WEEKLY)
    shown = shown if shown in (EVER, BLOCKED) else WEEKLY
    context: dict[str, Any] = {
        "show": shown,
        "counts": {"week": count_unknown(since=now - WEEK), "blocked": blocks_in_force().count()},
        "may_steward": bool(teams),
    }
    if request.GET.get("name"):
        sighting = find_sighting(**_asked(request))
        return render(request, "reports/signers_unknown.html", context | {"one": True, "sightings": [sighting]})
    if shown == BLOCKED:
        blocked = Paginator(blocks_in_force(), ROWS).get_page(request.GET.get("page"))
        mine = {team.pk for team in teams}
        context |= {"page": blocked, "blocks": [(block, block.team_id in mine) for block in blocked]}
        return render(request, "reports/signers_unknown.html", context)
    since = now - WEEK if shown == WEEKLY else None
    page = Paginator(list_unknown(since=since), ROWS).get_page(request.GET.get("page"))
    sightings = describe([(row["signer_issuer"], row["signer_name"]) for row in page])
    keys_page = Paginator(list_unknown_keys(since=since), ROWS).get_page(request.GET.get("keys"))
    context |= {"page": page, "sightings": sightings, "keys_page": keys_page, "keys": describe_unknown_keys(list(keys_page))}
    return render(request, "reports/signers_unknown.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def signer_adopt(request: HttpRequest) -> HttpResponse:
    """Ask who a signer is and what it may attest, and take it into the register."""
    person = person_of(request)
    teams = stewarded_teams(person)
    demand_a_team(person, teams)
    if request.GET.get("attestation"):
        return adopt_key_page(request, person)
    sighting = _open_sighting(request)
    form = InputAdoption(request.POST or None, sighting=sighting, teams=teams, initial=first_guess(sighting, teams))
    refusal: Refusal | None = None
    if request.method == "POST" and form.is_valid():
        try:
            identity = _adopt(sighting, form.cleaned_data, by=person)
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, f"{identity} is registered. What it signed is being verified again.")
            return redirect("identities:identity", identity.pk)
    context = {"sighting": sighting, "form": form, "refusal": refusal}
    return render(request, "reports/signer_adopt.html", context, status=422 if refusal or form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def signer_block(request: HttpRequest) -> HttpResponse:
    """Ask why, and block a signer."""
    person = person_of(request)
    teams = stewarded_teams(person)
    demand_a_team(person, teams)
    if request.GET.get("attestation"):
        return block_key_page(request, person)
    sighting = _open_sighting(request)
    form = InputBlock(request.POST or None, teams=teams, initial={"team": only_team(teams)})
    refusal: Refusal | None = None
    if request.method == "POST" and form.is_valid():
        signer, asked = sighting.signer, form.cleaned_data
        try:
            block_signer(issuer=signer.issuer, name=signer.name, team=asked["team"], reason=asked["reason"], by=person, now=timezone.now())
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, "It is blocked: nothing it signs counts here. What it signed is being verified again.")
            return redirect("reports:signers_unknown")
    context = {"sighting": sighting, "form": form, "refusal": refusal}
    return render(request, "reports/signer_block.html", context, status=422 if refusal or form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def block_lift(request: HttpRequest, block_id: str) -> HttpResponse:
    """Ask why, and lift a block."""
    person = person_of(request)
    block = BlockedSigner.objects.filter(pk=block_id, lifted_at__isnull=True).select_related("team", "blocked_by").first()
    if block is None or not is_of_team(person, block.team):
        raise NotFound("block.unknown", "There is no such block of your team, or it was lifted already.")
    demand(person, "identities.steward", team=block.team)
    form = InputLift(request.POST or None)
    if request.method == "POST" and form.is_valid():
        lift_block(block=block, reason=form.cleaned_data["reason"], by=person, now=timezone.now())
        messages.success(request, "The block is lifted. What it signed is being verified again.")
        return redirect("reports:signers_unknown")
    return render(request, "reports/block_lift.html", {"blocked": block, "form": form}, status=422 if form.errors else 200)


def _asked(request: HttpRequest) -> dict[str, str]:
    form = InputSigner(request.GET)
    if not form.is_valid():
        raise NotFound("signer.not_seen", "No verified evidence shows such a signer.")
    return {"issuer": form.cleaned_data["issuer"], "name": form.cleaned_data["name"]}


def _open_sighting(request: HttpRequest) -> Sighting:
    sighting = find_sighting(**_asked(request))
    if not sighting.is_open:
        raise Conflict("signer.settled", "This signer is registered or blocked already, or its name is too long to be kept whole.")
    return sighting


def _adopt(sighting: Sighting, asked: dict[str, Any], *, by: Identity) -> Identity:
    names = ("kind", "name", "issuer", "subject", "owner", "team", "purpose")
    key = str(asked.get("public_key", ""))
    return adopt_signer(
        seen=sighting.signer,
        program=NewProgram(**{name: asked[name] for name in names}),
        any_ref=asked.get("covers") == ANY_REF,
        public_key_pem=key.encode() if key else None,
        predicate_types=asked["predicate_types"],
        project=asked["project"],
        reason=asked["reason"],
        by=by,
        now=timezone.now(),
    )
