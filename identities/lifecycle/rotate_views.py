"""The page on which another key or certificate name takes over from one a program signs with."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from identities.lifecycle.change_status import demand_stewardship, may_steward
from identities.lifecycle.forms import InputRotatedKey, InputRotatedName, InputRotation
from identities.lifecycle.rotate_signer import refuse_rotation, rotate_signer
from identities.models import EvidenceSigner, Identity
from identities.permissions import person_of, requires
from identities.queries import get_identity_of_own_team
from identities.sign_in.recently import proved_recently
from proofs.errors import NotFound, Refusal

# At which field a refusal of the act is shown, beside those about a key; any other stands on top.
FIELDS = {"signer.overlap": "overlap_days", "signer.end_stays": "overlap_days", "identity.reason": "reason"}
ABOUT_THE_NEW_ONE = ("signer.incomplete", "signer.already_registered")


def rotatable_signers(identity: Identity, person: Identity, *, now: datetime) -> set[int]:
    """Return the row numbers of the signers of an identity that this person may let another take over from."""
    if not may_steward(identity, person):
        return set()
    return {signer.pk for signer in identity.evidence_signers.all() if _may_rotate(signer, identity, now)}


@never_cache
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
@proved_recently
def signer_rotate(request: HttpRequest, identity_id: str, signer_id: int) -> HttpResponse:
    """Say what happens when, ask for the new key or name, and rotate."""
    person, shown, now = person_of(request), get_identity_of_own_team(identity_id, reader=person_of(request)), timezone.now()
    demand_stewardship(shown, person)
    signer = EvidenceSigner.objects.filter(pk=signer_id, identity=shown).select_related("identity").first()
    if signer is None:
        raise NotFound("signer.unknown", f"{shown} has no such signer.")
    is_key = signer.method == EvidenceSigner.Method.PUBLIC_KEY
    form: InputRotation = (InputRotatedKey if is_key else InputRotatedName)(request.POST or None)
    refusal: Refusal | None = None
    try:
        refuse_rotation(signer, identity=shown, now=now)
        may_rotate = True
    except Refusal as error:
        refusal, may_rotate = error, False
    if may_rotate and request.method == "POST" and form.is_valid():
        try:
            new = _rotate(form, shown, signer, person, now)
        except Refusal as error:
            refusal = _at_its_field(form, error)
        else:
            signer.refresh_from_db()
            until = f"{signer.valid_until:%-d %B %Y, %H:%M} UTC" if signer.valid_until else ""
            messages.success(request, f"{shown} signs as {new} from now on. {signer} counts until {until}.")
            return redirect("identities:identity", shown.pk)
    context = {"shown": shown, "signer": signer, "is_key": is_key, "form": form, "refusal": refusal, "may_rotate": may_rotate}
    return render(request, "identities/signer_rotate.html", context, status=422 if refusal or form.errors else 200)


def _rotate(form: InputRotation, identity: Identity, signer: EvidenceSigner, person: Identity, now: datetime) -> EvidenceSigner:
    asked = form.cleaned_data
    pasted = asked.get("public_key")
    return rotate_signer(
        identity=identity,
        signer=signer,
        public_key_pem=pasted.encode() if pasted else None,
        certificate_identity=asked.get("certificate_identity", ""),
        overlap_days=asked["overlap_days"],
        reason=asked["reason"],
        by=person,
        now=now,
    )


def _may_rotate(signer: EvidenceSigner, identity: Identity, now: datetime) -> bool:
    try:
        refuse_rotation(signer, identity=identity, now=now)
    except Refusal:
        return False
    return True


def _at_its_field(form: InputRotation, refusal: Refusal) -> Refusal | None:
    """Show a refusal at the field it is about and return None; return one that is about no field."""
    field = FIELDS.get(refusal.code)
    if refusal.code in ABOUT_THE_NEW_ONE or refusal.code.startswith("key."):
        field = "public_key" if "public_key" in form.fields else "certificate_identity"
    if field is None:
        return refusal
    form.add_error(field, capfirst(refusal.reason))
    return None
