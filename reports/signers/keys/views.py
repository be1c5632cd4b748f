"""Adopting and blocking a key by evidence that it signed. `reports.signers.views` lets stewards in, and calls these.

The key comes from whoever asks and is proved against the stored bytes, when it is looked at and again in the act.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from attestations.adopt_key import adopt_key, block_key
from attestations.unknown_keys import KeySeen, ProvenKey, find_unknown_key, prove_given_key
from identities.models import Identity
from identities.signers.adopt_signer import NewProgram, SeenSigner
from proofs.errors import Refusal
from reports.signers.keys.forms import InputKey, InputKeyAdoption, InputKeyBlock
from reports.signers.seen import Sighting
from reports.signers.stewarded import first_guess, only_team, stewarded_teams


def adopt_key_page(request: HttpRequest, person: Identity) -> HttpResponse:
    """Ask for the public key; once it is proved, ask who signs with it and what it may attest, and take it into the register."""
    seen = find_unknown_key(request.GET["attestation"])
    asked = InputKey(request.POST or None)
    if request.method != "POST" or not asked.is_valid():
        return _ask_for_key(request, seen, asked, None)
    pem = str(asked.cleaned_data["public_key"]).encode()
    try:
        proven = prove_given_key(attestation=seen.attestation, public_key_pem=pem, now=timezone.now())
    except Refusal as error:
        return _ask_for_key(request, seen, asked, error)
    teams, sighting = stewarded_teams(person), _as_sighting(seen, proven)
    first = first_guess(sighting, teams) | {"public_key": asked.cleaned_data["public_key"]}
    form = InputKeyAdoption(None if "check" in request.POST else request.POST, sighting=sighting, teams=teams, initial=first)
    refusal: Refusal | None = None
    if form.is_valid():
        try:
            identity = _adopt(seen, form.cleaned_data, by=person)
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, f"{identity} is registered. What it signed is being verified again.")
            return redirect("identities:identity", identity.pk)
    context = {"seen": seen, "sighting": sighting, "proven": proven, "form": form, "refusal": refusal}
    return render(request, "reports/signer_adopt.html", context, status=422 if refusal or form.errors else 200)


def block_key_page(request: HttpRequest, person: Identity) -> HttpResponse:
    """Ask for the public key and why, and block the key once it is proved."""
    seen, teams = find_unknown_key(request.GET["attestation"]), stewarded_teams(person)
    form = InputKeyBlock(request.POST or None, teams=teams, initial={"team": only_team(teams)})
    refusal: Refusal | None = None
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            block_key(
                attestation_id=seen.attestation.pk,
                public_key_pem=str(asked["public_key"]).encode(),
                team=asked["team"],
                reason=asked["reason"],
                by=person,
                now=timezone.now(),
            )
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, "The key is blocked: nothing it signs counts here, and nobody can register it.")
            return redirect("reports:signers_unknown")
    context = {"seen": seen, "form": form, "refusal": refusal}
    return render(request, "reports/signer_block.html", context, status=422 if refusal or form.errors else 200)


def _ask_for_key(request: HttpRequest, seen: KeySeen, form: InputKey, refusal: Refusal | None) -> HttpResponse:
    context = {"seen": seen, "form": form, "refusal": refusal}
    return render(request, "reports/signer_key.html", context, status=422 if refusal or form.errors else 200)


def _as_sighting(seen: KeySeen, proven: ProvenKey) -> Sighting:
    """Return the proved key the way the list shows a signer that verified evidence names."""
    at = seen.attestation.received_at
    subjects = proven.evidence.statement.subjects
    artifacts = {f"{digest}": subject.name for subject in subjects for digest in subject.digests}
    return Sighting(
        signer=SeenSigner("", proven.key_id),
        count=1,
        first_at=at,
        last_at=at,
        artifact_count=len(artifacts),
        artifacts=tuple(artifacts.items())[:4],
        predicate_types=(proven.predicate_type,),
        senders=seen.senders,
        registered=None,
        block=None,
    )


def _adopt(seen: KeySeen, asked: dict[str, Any], *, by: Identity) -> Identity:
    names = ("kind", "name", "issuer", "subject", "owner", "team", "purpose")
    return adopt_key(
        attestation_id=seen.attestation.pk,
        public_key_pem=str(asked["public_key"]).encode(),
        program=NewProgram(**{name: asked[name] for name in names}),
        predicate_types=asked["predicate_types"],
        project=asked["project"],
        reason=asked["reason"],
        by=by,
        now=timezone.now(),
    )
