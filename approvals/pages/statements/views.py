"""The pages of what a person signs beside an answer: revoking an approval, and the page on which the statement is signed."""

from __future__ import annotations

from csp.decorators import csp_update
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from approvals.models import Approval, StatementCeremony
from approvals.pages.ceremony_offer import SIGNING_PAGE, offer_to_key, session_of
from approvals.pages.statements.forms import InputAssertion, InputRevocation
from approvals.pages.statements.words import describe_person_statement
from approvals.revocation.may_revoke import refuse_if_not_revocable
from approvals.revocation.revoke_approval import begin_revocation
from approvals.signing.verify_signature import parse_assertion
from approvals.statements.complete_statement import complete_statement
from approvals.statements.kinds import kind_of
from identities.permissions import person_of, readable_projects, requires
from proofs.errors import Conflict, Malformed, NotAllowed


@never_cache
@requires("approvals.revoke")
def revoke(request: HttpRequest, approval_id: str) -> HttpResponse:
    """Say why an approval counts no more, and begin the ceremony that signs it."""
    person = person_of(request)
    rows = Approval.objects.select_related("revision__request__project__team", "identity", "record", "end")
    approval = get_object_or_404(rows, pk=approval_id, revision__request__project__in=readable_projects(person, "requests.read"))
    refuse_if_not_revocable(approval=approval, by=person)
    is_own = approval.identity_id == person.pk
    form = InputRevocation(request.POST or None, person=person, is_own=is_own)
    if request.method == "POST" and form.is_valid():
        try:
            ceremony = begin_revocation(approval=approval, **form.cleaned_data, session=session_of(request), by=person, now=timezone.now())
        except Malformed as refusal:
            form.add_error("justification", f"{refusal.reason[:1].upper()}{refusal.reason[1:]}.")
        else:
            return redirect("approvals:statement", ceremony.pk)
    context = {"approval": approval, "asked": approval.revision.request, "form": form, "is_own": is_own}
    return render(request, "approvals/revoke.html", context, status=400 if form.errors else 200)


@never_cache
@csp_update(SIGNING_PAGE)
@requires("statements.sign")
def statement(request: HttpRequest, statement_id: str) -> HttpResponse:
    """Show what will be signed, read from the very bytes, and let the browser ask the passkey."""
    rows = StatementCeremony.objects.select_related("signing_key", "project").filter(identity=person_of(request))
    row = get_object_or_404(rows, pk=statement_id)
    if row.session_hash != session_of(request).session_hash:
        raise NotAllowed("ceremony.not_yours", "this ceremony was begun in another sign-in session")
    back = kind_of(row.kind).page(row)
    if row.consumed_at is not None:
        if hasattr(row, "signed"):
            return redirect(back)
        raise Conflict("ceremony.used", "this ceremony was used already and nothing was signed; go back and start again")
    described = describe_person_statement(bytes(row.payload))
    context = {"ceremony": row, "statement": described, "offer": offer_to_key(row, row.signing_key), "back": back}
    return render(request, "approvals/statement.html", context)


@never_cache
@require_POST
@requires("statements.sign")
def statement_complete(request: HttpRequest, statement_id: str) -> HttpResponse:
    """Take what the passkey answered."""
    form = InputAssertion(request.POST)
    if not form.is_valid():
        raise Malformed("webauthn.malformed", "got no assertion of a reasonable size; go back and sign again")
    signed = complete_statement(
        ceremony_id=statement_id,
        session_hash=session_of(request).session_hash,
        assertion=parse_assertion(form.cleaned_data["assertion"]),
        by=person_of(request),
        now=timezone.now(),
    )
    messages.success(request, "Signed and recorded.")
    return redirect(kind_of(signed.kind).page(signed.ceremony))
