"""The pages of trust: what evidence is verified under, and how two officers change it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from attestations.forms import InputReason, InputTrustAnswer, InputTrustRoot
from attestations.models import TrustAnswer, TrustProposal
from attestations.queries import count_resting_on
from attestations.trust.answer_proposal import answer_trust_proposal
from attestations.trust.proposals import ACCEPTED, Standing, get_proposal, list_proposals, standing_of
from attestations.trust.propose_change import LAPSES_AFTER_DAYS, propose_removal, propose_trust_root
from attestations.trust.roots import get_trust_root, list_trust_roots, parsed_root
from attestations.trust.words import Change, compare_addition, compare_removal, describe_profile, list_members
from identities.hold_in_memory import HoldInMemory
from identities.people.officers import are_two_officers
from identities.permissions import may, person_of, requires
from identities.sign_in.recently import proved_recently
from proofs.errors import Malformed, Refusal

ROWS = 20
SAID = {
    TrustAnswer.Word.CONFIRM: "You confirmed it.",
    TrustAnswer.Word.REFUSE: "You refused it. Nothing changes.",
    TrustAnswer.Word.WITHDRAW: "You withdrew it. Nothing changes.",
}


@require_safe
@requires("trust.read")
def trust(request: HttpRequest) -> HttpResponse:
    """Show what is trusted now, and the proposals to change it."""
    now = timezone.now()
    rows = list(list_trust_roots())
    resting = count_resting_on([row.digest for row in rows])
    shown = []
    for row in rows:
        root = parsed_root(row.document, row.profile)
        words = {"digest": f"sha256:{row.digest}", "profile": describe_profile(root), "resting": resting[row.digest]}
        shown.append({"row": row, "members": list_members(root), **words})
    page = Paginator(list_proposals(), ROWS).get_page(request.GET.get("page"))
    context = {
        "roots": shown,
        "page": page,
        "standings": [standing_of(proposal, now=now) for proposal in page],
        "may_change": may(person_of(request), "trust.change"),
        "two_officers": are_two_officers(),
        "lapses_after": LAPSES_AFTER_DAYS,
    }
    return render(request, "attestations/trust.html", context)


# The token of the form stands in the body beside a file, as in `attestations.views.collection_new`.
@never_cache
@csrf_exempt
@require_http_methods(["GET", "POST"])
@requires("trust.change")
def trust_propose(request: HttpRequest) -> HttpResponseBase:
    """Take a proposal to add a trust root."""
    request.upload_handlers = [HoldInMemory(request)]
    return _take_proposal(request)


@csrf_protect
@proved_recently
def _take_proposal(request: HttpRequest) -> HttpResponse:
    refusal: Refusal | None = None
    form = InputTrustRoot(request.POST, request.FILES) if request.method == "POST" else InputTrustRoot()
    if form.is_valid():
        asked = form.cleaned_data
        try:
            proposal = propose_trust_root(
                name=asked["name"],
                document=asked["file"].read(),
                profile=form.profile,
                reason=asked["reason"],
                by=person_of(request),
                now=timezone.now(),
            )
        except Refusal as error:
            refusal = error
        else:
            return _proposed(request, proposal)
    context = {"form": form, "refusal": refusal, "lapses_after": LAPSES_AFTER_DAYS}
    return render(request, "attestations/trust_propose.html", context, status=400 if refusal or form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("trust.change")
@proved_recently
def trust_remove(request: HttpRequest, digest: str) -> HttpResponse:
    """Take a proposal to remove a trust root."""
    row = get_trust_root(digest)
    refusal: Refusal | None = None
    form = InputReason(request.POST) if request.method == "POST" else InputReason()
    if form.is_valid():
        try:
            proposal = propose_removal(digest=row.digest, reason=form.cleaned_data["reason"], by=person_of(request), now=timezone.now())
        except Refusal as error:
            refusal = error
        else:
            return _proposed(request, proposal)
    change = compare_removal(parsed_root(row.document, row.profile), present=_present())
    context = {
        "row": row,
        "digest": f"sha256:{row.digest}",
        "form": form,
        "refusal": refusal,
        "change": change,
        "resting": count_resting_on([row.digest])[row.digest],
    }
    return render(request, "attestations/trust_remove.html", context, status=400 if refusal or form.errors else 200)


@never_cache
@require_safe
@requires("trust.read")
def trust_proposal(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Show one proposal with what it would change, and to an officer the answers they can give."""
    return _show_proposal(request, standing_of(get_proposal(proposal_id), now=timezone.now()))


@never_cache
@require_POST
@requires("trust.change")
@proved_recently
def trust_answer(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Take an officer's answer to a proposal."""
    form = InputTrustAnswer(request.POST)
    if not form.is_valid():
        raise Malformed("trust.answer", "got no answer with the digest that the page shows, expected both")
    asked = form.cleaned_data
    try:
        standing = answer_trust_proposal(
            proposal_id=proposal_id, word=asked["answer"], shown_digest=asked["root"], by=person_of(request), now=timezone.now()
        )
    except Refusal as error:
        found = standing_of(get_proposal(proposal_id), now=timezone.now())
        return _show_proposal(request, found, refusal=error)
    took_effect = " It took effect." if standing.state == ACCEPTED else ""
    messages.success(request, SAID[TrustAnswer.Word(asked["answer"])] + took_effect)
    return redirect("attestations:trust_proposal", proposal_id)


def _show_proposal(request: HttpRequest, standing: Standing, *, refusal: Refusal | None = None) -> HttpResponse:
    person, proposal = person_of(request), standing.proposal
    root = parsed_root(proposal.document, proposal.profile)
    context: dict[str, Any] = {
        "standing": standing,
        "proposal": proposal,
        "digest": f"sha256:{proposal.root_digest}",
        "change": _change_of(proposal) if standing.is_open else None,
        "members": list_members(root),
        "profile": describe_profile(root),
        "resting": count_resting_on([proposal.root_digest])[proposal.root_digest],
        "may_change": may(person, "trust.change"),
        "is_mine": proposal.proposed_by_id == person.pk,
        "answered": any(answer.by_id == person.pk for answer in standing.answers),
        "same_name": [row for row in list_trust_roots() if row.name == proposal.name and row.digest != proposal.root_digest],
        "refusal": refusal,
    }
    return render(request, "attestations/trust_proposal.html", context, status=409 if refusal else 200)


def _change_of(proposal: TrustProposal) -> Change:
    root = parsed_root(proposal.document, proposal.profile)
    compare = compare_removal if proposal.change == TrustProposal.Change.REMOVE else compare_addition
    return compare(root, present=_present())


def _present() -> list[Any]:
    return [parsed_root(row.document, row.profile) for row in list_trust_roots()]


def _proposed(request: HttpRequest, proposal: TrustProposal) -> HttpResponse:
    messages.success(request, "Proposed. Nothing changes until another officer confirms it.")
    return redirect("attestations:trust_proposal", proposal.pk)
