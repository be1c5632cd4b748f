"""The pages of deciding: new request, review, signing, record, policy.

Each view translates and calls one act or queries. The review page is drawn from the stored snapshot; what is live stands beside it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from csp.decorators import csp_update
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from approvals.desk.next_turn import find_next
from approvals.exceptions.list_waivers import list_waivable
from approvals.forms import REQUEST_FORMS, InputAssertion, InputDecision, InputNote, InputReason
from approvals.models import Ceremony, Record, Request, Revision
from approvals.outcome.read_outcome import newest_outcome
from approvals.pages.ceremony_offer import SIGNING_PAGE, offer_to_key, session_of
from approvals.pages.decision_panel import DecisionPanel, read_panel, role_words
from approvals.pages.emergency.register import list_breakable, list_revocable, read_banner
from approvals.pages.life import read_life
from approvals.pages.live import read_live
from approvals.pages.makers import read_makers
from approvals.pages.news import read_news
from approvals.pages.novelty import arrange
from approvals.pages.record import read_record
from approvals.pages.review import read_review
from approvals.pages.review_text import write_review
from approvals.pages.statement import describe_statement
from approvals.pages.subject_words import KINDS
from approvals.pages.typed_before import read_typed
from approvals.policies.readable import readable_policies
from approvals.policies.versions import was_one_person
from approvals.requests.answer_changes import answer_changes
from approvals.requests.delta import since_shown
from approvals.requests.open_request import open_request
from approvals.requests.status import compute_standing, happened_to
from approvals.requests.submit import submit_request
from approvals.requests.withdraw import withdraw_request
from approvals.seen.signals_seen import read_seen, seen_by
from approvals.signing.begin_confirmation import begin_confirmation
from approvals.signing.begin_signing import begin_signing
from approvals.signing.complete_by_sign_in import complete_by_sign_in
from approvals.signing.complete_signing import complete_signing
from approvals.signing.digest_tail import WrongTail, asks_for_tail, list_asked
from approvals.signing.entitlement import get_current_revision
from approvals.signing.verify_signature import parse_assertion
from attestations.blobs import bytes_of
from identities.models import BoundSignIn
from identities.oidc.leave_for import leave_for
from identities.permissions import may, person_of, readable_projects, requires
from identities.read_once import once, reads_once
from proofs.canonical import parse_canonical
from proofs.errors import Conflict, Malformed, NotAllowed, NotFound, Refusal, TooLarge
from proofs.policy.words import describe_rule


@requires("requests.open")
def request_new(request: HttpRequest) -> HttpResponse:
    """Ask for a release, a promotion or a rotation of keys."""
    person, kind = person_of(request), request.GET.get("kind", "release")
    if kind not in REQUEST_FORMS:
        raise Http404("no form for this kind; a program asks through the API")
    form = REQUEST_FORMS[kind](request.POST or None, person=person, initial={"artifacts": request.GET.get("artifact", "")})
    if request.method == "POST" and form.is_valid():
        try:
            opened = open_request(**form.cleaned_data, kind=kind, by=person, now=timezone.now())
        except (Malformed, TooLarge, Conflict) as refusal:
            form.add_error(None, _sentence(refusal))
        else:
            messages.success(request, "Your request is frozen as approvers will see it.")
            return redirect("approvals:request", opened.pk)
    context = {"form": form, "kind": kind, "kinds": [(name, KINDS[name][0]) for name in REQUEST_FORMS], "asks": KINDS[kind][1]}
    return render(request, "approvals/request_new.html", context, status=400 if form.errors else 200)


@reads_once
@requires("requests.read")
def request_page(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show a request as it was frozen, and beside it what the reader may do."""
    asked = _get_request(request, request_id, whole=True)
    now, person = timezone.now(), person_of(request)
    standing = compute_standing(asked, now=now)
    revision = standing.revision or get_current_revision(asked)
    review = read_review(bytes_of(revision.snapshot))
    panel = read_panel(request=asked, revision=revision, standing=standing, reader=person, now=now, looks_since=False)
    review["comparison"] = _as_read(review["comparison"], asked, panel, now)
    shown = since_shown(revision, request.GET.get("shown", "")[:64])
    context = {
        "asked": asked,
        "shown_before": {"number": shown[0].number, "changes": shown[1]} if shown else None,
        "form": _decision_form(None, asked, review, panel, initial={"snapshot": revision.snapshot_id}),
        "revision": revision,
        "review": review,
        "people": read_makers(review, parse_canonical(bytes_of(revision.policy_input))),
        "standing": standing,
        "panel": panel,
        "role": role_words(person, asked),
        "life": read_life(asked, standing, person),
        "glass": read_banner(person, now=now, request=asked),
        "revocable": list_revocable(standing.answers, person),
        "waivable": list_waivable(request=asked, reader=person) if review["unmet"] else frozenset(),
    }
    return render(request, "approvals/request.html", context)


@require_safe
@reads_once
@requires("requests.read")
def request_live(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show what lives beside the frozen page: whose turn it is, who can unblock it, what came in since, what happened and was said.

    A page of its own for whoever has no script; the review page takes its parts in by themselves.
    """
    asked = _get_request(request, request_id)
    now, person = timezone.now(), person_of(request)
    standing = compute_standing(asked, now=now)
    revision = standing.revision or get_current_revision(asked)
    review = read_review(bytes_of(revision.snapshot))
    context = {
        "asked": asked,
        "review": review,
        "breakable": list_breakable(request=asked, digests=[item["digest"] for item in review["artifacts"]], reader=person, now=now),
        "superseded": asked.supersessions.select_related("request").order_by("pk"),
        "live": read_live(request=asked, revision=revision, standing=standing, reader=person, now=now),
        "news": read_news(request=asked, revision=revision, now=now),
    }
    return render(request, "approvals/_live.html" if "part" in request.GET else "approvals/live.html", context)


@require_safe
@requires("requests.read")
def review_text(request: HttpRequest, request_id: str) -> HttpResponse:
    """Send the review as plain text, as its snapshot froze it: for terminals, and for who would rather read than look."""
    revision = get_current_revision(_get_request(request, request_id))
    return HttpResponse(write_review(bytes_of(revision.snapshot)), content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
@requires("requests.read")
def request_now(request: HttpRequest, request_id: str) -> JsonResponse:
    """Say which snapshot is the newest of a request, for a page that stays open."""
    revision = get_current_revision(_get_request(request, request_id))
    return JsonResponse({"snapshot": revision.snapshot_id, "revision": revision.number})


@requires("requests.read")
def outcome(request: HttpRequest, request_id: str) -> HttpResponse:
    """Send what the portal signed about a request for other tools: one DSSE envelope a line."""
    asked = _get_request(request, request_id)
    lines = [bytes(row.envelope) for row in newest_outcome(asked)]
    if not lines:
        raise NotFound("outcome.missing", "the newest revision of this request was never fully approved, so nothing was signed about it")
    response = HttpResponse(b"\n".join([*lines, b""]), content_type="application/jsonl")
    response["Content-Disposition"] = f'attachment; filename="{asked.pk}.outcome.jsonl"'
    return response


@never_cache
@require_POST
@requires("requests.withdraw")
def withdraw(request: HttpRequest, request_id: str) -> HttpResponse:
    """Take a request back."""
    asked, form = _get_request(request, request_id), InputReason(request.POST)
    if form.is_valid():
        withdraw_request(request=asked, reason=form.cleaned_data["reason"], by=person_of(request), now=timezone.now())
        messages.success(request, "The request is withdrawn.")
    else:
        messages.error(request, "Say in a few words why you withdraw it.")
    return redirect("approvals:request", asked.pk)


@never_cache
@require_POST
@requires("requests.open")
def submit(request: HttpRequest, request_id: str) -> HttpResponse:
    """Put a draft to people."""
    asked = _get_request(request, request_id)
    submit_request(request=asked, by=person_of(request), now=timezone.now())
    messages.success(request, "The request is submitted: people are asked now.")
    return redirect("approvals:request", asked.pk)


@never_cache
@require_POST
@requires("requests.open")
def answer(request: HttpRequest, request_id: str) -> HttpResponse:
    """Answer those who asked for changes, with a new revision."""
    asked, form = _get_request(request, request_id), InputNote(request.POST)
    if form.is_valid():
        answer_changes(request=asked, note=form.cleaned_data["note"], by=person_of(request), now=timezone.now())
        messages.success(request, "A new revision is frozen with what you said.")
    else:
        messages.error(request, "Say in a few words what changed.")
    return redirect("approvals:request", asked.pk)


@never_cache
@csp_update(SIGNING_PAGE)
@requires("requests.answer")
def sign(request: HttpRequest, request_id: str) -> HttpResponse:
    """Take a decision and begin its ceremony. Comes from the review page, with the digest of the snapshot that was shown."""
    asked = _get_request(request, request_id, whole=True)
    revision = get_current_revision(asked)
    person, now = person_of(request), timezone.now()
    shown = request.POST.get("snapshot", "") if request.method == "POST" else request.GET.get("snapshot", "")
    if shown != revision.snapshot_id:
        # Said on the page itself where it was an earlier revision's, with what changed since.
        if (told := _what_changed(revision, shown[:64])) is not None:
            return told
        if request.method != "POST":
            messages.warning(request, "Read the request as it is now, then decide.")
            return redirect("approvals:request", asked.pk)
    standing = compute_standing(asked, now=now)
    panel = read_panel(request=asked, revision=revision, standing=standing, reader=person, now=now)
    initial: dict[str, Any] = {
        "snapshot": revision.snapshot_id,
        "decision": request.GET.get("decision", ""),
        "key": panel.keys[0] if panel.keys else None,
        "in_stead": panel.in_stead[0] if panel.in_stead and not panel.may_answer_as_oneself else None,
    }
    review = read_review(bytes_of(revision.snapshot))
    review["comparison"] = _as_read(review["comparison"], asked, panel, now)
    signals = review["comparison"]["asked"] if review["comparison"] else ()
    initial |= read_typed(request.GET.get("again", ""), request=asked, by=person, asked=signals)
    form = _decision_form(request.POST or None, asked, review, panel, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            ceremony = begin_signing(
                request=asked,
                shown_snapshot=given["snapshot"],
                decision=given["decision"],
                reason=given["reason"],
                reason_codes=given["reason_codes"],
                acknowledged=given["acknowledged"],
                digest_tails=given["digest_tails"],
                key=given["key"],
                in_stead=given["in_stead"],
                session=session_of(request),
                by=person,
                now=now,
            )
        except Malformed as refusal:
            form.add_error(form.name_of_tail(refusal.number) if isinstance(refusal, WrongTail) else "reason", _sentence(refusal))
        except Conflict as refusal:
            if shown != revision.snapshot_id:
                raise
            return _lead_back(request, refusal, revision)
        else:
            return redirect("approvals:ceremony", ceremony.pk)
    form.focus_first_error()
    context = {"asked": asked, "review": review, "panel": panel, "form": form, "revision": revision}
    context["glass"] = read_banner(person, now=now, request=asked)
    return render(request, "approvals/sign.html", context, status=400 if form.errors else 200)


@never_cache
@csp_update(SIGNING_PAGE)
@requires("requests.answer")
def ceremony(request: HttpRequest, ceremony_id: str) -> HttpResponse:
    """Show what will be signed, read from the very bytes, and let the browser ask the passkey."""
    row = _get_own_ceremony(request, ceremony_id)
    if row.consumed_at is not None:
        answer = getattr(row, "approval", None)
        if answer is not None:
            return redirect("approvals:record", answer.record.digest)
        raise Conflict("ceremony.used", "this ceremony was used already and nothing was signed; go back to the request and start again")
    # What nobody can sign any more is not put to them.
    told = _what_changed(get_current_revision(row.revision.request), row.revision.snapshot_id)
    if told is not None:
        return told
    context = {
        "ceremony": row,
        "asked": row.revision.request,
        "statement": describe_statement(bytes(row.payload)),
        "offer": offer_to_key(row, row.signing_key) if row.signing_key else None,
        "glass": read_banner(row.identity, now=timezone.now(), request=row.revision.request),
    }
    return render(request, "approvals/ceremony.html", context)


@never_cache
@require_POST
@requires("requests.answer")
def ceremony_complete(request: HttpRequest, ceremony_id: str) -> HttpResponse:
    """Take what the passkey answered."""
    form = InputAssertion(request.POST)
    if not form.is_valid():
        raise Malformed("webauthn.malformed", "got no assertion of a reasonable size; go back and sign again")
    try:
        answer = complete_signing(
            ceremony_id=ceremony_id,
            session_hash=session_of(request).session_hash,
            assertion=parse_assertion(form.cleaned_data["assertion"]),
            by=person_of(request),
            now=timezone.now(),
        )
    except Conflict as refusal:
        return _lead_back(request, refusal, _get_own_ceremony(request, ceremony_id).revision)
    messages.success(request, "Signed and recorded.")
    return redirect("approvals:record", answer.record.digest)


@never_cache
@require_POST
@requires("requests.answer")
def ceremony_confirm(request: HttpRequest, ceremony_id: str) -> HttpResponse:
    """Send the person to their identity provider, to confirm what the ceremony's page showed."""
    row, session_hash = _get_own_ceremony(request, ceremony_id), session_of(request).session_hash
    bound, url = begin_confirmation(ceremony=row, session_hash=session_hash, by=person_of(request), now=timezone.now())
    return leave_for(request, url=url, provider=bound.provider)


@never_cache
@require_safe
@requires("requests.answer")
def bound(request: HttpRequest, bound_id: str) -> HttpResponse:
    """Take the person back from their identity provider: what they confirmed there is recorded, once. The provider sends browsers by GET."""
    session_hash = session_of(request).session_hash
    try:
        answer = complete_by_sign_in(bound_id=bound_id, session_hash=session_hash, by=person_of(request), now=timezone.now())
    except Conflict as refusal:
        nonce = BoundSignIn.objects.filter(pk=bound_id).values("nonce")
        offered = Ceremony.objects.filter(sign_in_nonce__in=nonce).first()
        if offered is None:
            raise
        return _lead_back(request, refusal, _get_own_ceremony(request, offered.pk).revision)
    messages.success(request, "Confirmed and recorded.")
    return redirect("approvals:record", answer.record.digest)


@requires("requests.read")
def record(request: HttpRequest, digest: str) -> HttpResponse:
    """Show one signed record: who, what, how sure, where in the log, and how to check it without us."""
    rows = Record.objects.select_related(
        "approval__revision__request__project__team",
        "approval__revision__request__environment",
        "approval__identity",
        "approval__signing_key",
        "approval__ceremony",
        "approval__bound_by__provider",
    )
    readable = readable_projects(person_of(request), "requests.read")
    row = get_object_or_404(rows, digest=digest, approval__revision__request__project__in=readable)
    person, now = person_of(request), timezone.now()
    context: dict[str, Any] = {"page": read_record(row, reader=person, now=now), "is_own": row.approval.identity_id == person.pk}
    if context["is_own"]:
        context["next"] = find_next(person, besides=row.approval.revision.request, now=now)
    return render(request, "approvals/record.html", context)


@requires("policies.read")
def policy(request: HttpRequest, digest: str) -> HttpResponse:
    """Show a policy version as it counts, and where among the reader's projects it was put into force."""
    person = person_of(request)
    row = get_object_or_404(readable_policies(person).select_related("document"), digest=digest)
    readable = row.activations.filter(project__in=readable_projects(person, "policies.read"))
    activations = list(readable.select_related("project__team", "environment", "entry").order_by("-entry_id"))
    document = parse_canonical(bytes_of(row.document))
    context = {
        "policy": row,
        "document": document,
        "rules": [(rule, describe_rule(rule)) for rule in document["rules"]],
        "activations": [(activation, was_one_person(activation)) for activation in activations],
        "may_write": may(person, "policies.edit").allowed and bool(activations),
        "may_propose": may(person, "policies.decide").allowed,
    }
    return render(request, "approvals/policy.html", context)


def _decision_form(posted: Any, asked: Request, review: dict[str, Any], panel: DecisionPanel, *, initial: dict[str, Any]) -> InputDecision:
    compared = review["comparison"]
    return InputDecision(
        posted,
        keys=panel.keys,
        in_stead=panel.in_stead,
        looks_back=asked.kind == Request.Kind.BREAK_GLASS_REVIEW,
        asked=compared["asked"] if compared and panel.may_approve else (),
        wants_reasons=asked.environment.tier == 3,
        tails=list_asked(review["artifacts"]) if asks_for_tail(asked) else (),
        initial=initial,
    )


def _as_read(compared: dict[str, Any] | None, asked: Any, panel: DecisionPanel, now: datetime) -> dict[str, Any] | None:
    """Return the comparison in the order of whoever decides; nobody else is told what is new to them."""
    if compared is None or not panel.may_object:
        return compared
    return arrange(compared, read_seen(asked.seen_words, signals=compared["signals"], now=now))


def _get_request(request: HttpRequest, request_id: str, *, whole: bool = False) -> Request:
    """Return the request, `whole` with what happened to it, which a page that only reads asks for again and again, and what the reader saw before."""
    rows = Request.objects.select_related("project__team", "environment", "requester__owner", "on_behalf_of", "subject")
    if whole:
        rows = rows.select_related("withdrawal__by", "supersession__by_request", "expiry", "submission")
        rows = rows.annotate(seen_words=seen_by(person_of(request)))
    # Absent rather than forbidden: whoever may not read a request shall not learn that it exists, or of which project.
    asked = get_object_or_404(rows, pk=request_id, project__in=readable_projects(person_of(request), "requests.read"))
    if whole:
        once(
            happened_to(asked),
            lambda: {name: getattr(asked, name, None) for name in ("withdrawal", "supersession", "expiry", "submission")},
        )
    return asked


def _what_changed(newest: Revision, shown: str) -> HttpResponse | None:
    """Lead to the request's page, which says what changed since that snapshot was shown; None where it is the newest, or nobody's."""
    if since_shown(newest, shown) is None:
        return None
    return redirect(f"{reverse('approvals:request', args=[newest.request_id])}?{urlencode({'shown': shown})}")


def _lead_back(request: HttpRequest, refusal: Conflict, revision: Revision) -> HttpResponse:
    """Lead whoever came too late to what changed; where it is still to be frozen, to the page that says so. Any other refusal stays one."""
    if refusal.code != "request.stale_snapshot":
        raise refusal
    told = _what_changed(get_current_revision(revision.request), revision.snapshot_id)
    if told is not None:
        return told
    messages.warning(request, _sentence(refusal))
    return redirect("approvals:request", revision.request_id)


def _get_own_ceremony(request: HttpRequest, ceremony_id: str) -> Ceremony:
    readable = readable_projects(person_of(request), "requests.read")
    rows = Ceremony.objects.select_related("revision__request__environment", "signing_key", "provider")
    row = get_object_or_404(rows, pk=ceremony_id, revision__request__project__in=readable)
    if row.identity_id != person_of(request).pk or row.session_hash != session_of(request).session_hash:
        raise NotAllowed("ceremony.not_yours", "this ceremony was begun by somebody else, or in another sign-in session")
    return row


def _sentence(refusal: Refusal) -> str:
    return f"{refusal.reason[:1].upper()}{refusal.reason[1:]}."
