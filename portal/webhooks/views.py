"""The pages of a team's webhooks: which there are, a new one, and one with the log of its deliveries."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from identities.permissions import person_of, readable_whole_teams, requires
from identities.sign_in.recently import proved_recently
from portal.models import WebhookDelivery, WebhookEndpoint
from portal.webhooks.describe_entry import CHOICES
from portal.webhooks.forms import InputWebhook
from portal.webhooks.keep_endpoint import add_endpoint, remove_endpoint, rotate_secret, send_again, send_test, switch_endpoint
from proofs.errors import Malformed, Refusal

ACTION = "webhooks.change"
ROWS = 50


@never_cache
@require_safe
@requires(ACTION)
def webhooks(request: HttpRequest) -> HttpResponse:
    """List the webhooks of one's teams."""
    rows = _own(request).filter(removed_at__isnull=True).select_related("team").order_by("team__slug", "name")
    waiting = Count("deliveries", filter=Q(deliveries__due_at__isnull=False))
    return render(request, "portal/webhooks/list.html", {"webhooks": rows.annotate(waiting=waiting)})


@never_cache
@require_http_methods(["GET", "POST"])
@requires(ACTION)
@proved_recently
def add(request: HttpRequest) -> HttpResponse:
    """Add a webhook; its secret is on the answer to the form and nowhere else."""
    form = InputWebhook(request.POST or None, teams=readable_whole_teams(person_of(request), ACTION))
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, secret = add_endpoint(**form.cleaned_data, by=person_of(request), now=timezone.now())
        except Refusal as refusal:
            field = {"webhook.url": "url", "webhook.name": "name", "webhook.name_taken": "name"}.get(refusal.code)
            form.add_error(field, f"{refusal.reason[:1].upper()}{refusal.reason[1:]}.")
        else:
            return _show(request, endpoint, secret=secret)
    return render(request, "portal/webhooks/add.html", {"form": form}, status=400 if form.errors else 200)


@never_cache
@require_safe
@requires(ACTION)
def webhook(request: HttpRequest, webhook_id: str) -> HttpResponse:
    """Show one webhook and the log of its deliveries."""
    return _show(request, get_object_or_404(_own(request), pk=webhook_id))


@never_cache
@require_POST
@requires(ACTION)
@proved_recently
def change(request: HttpRequest, webhook_id: str, what: str) -> HttpResponse:
    """Do one thing to a webhook."""
    endpoint = get_object_or_404(_own(request), pk=webhook_id)
    act: dict[str, Any] = {"endpoint": endpoint, "by": person_of(request), "now": timezone.now()}
    if what == "rotate":
        return _show(request, endpoint, secret=rotate_secret(**act))
    if what == "remove":
        remove_endpoint(**act)
        messages.success(request, f"The webhook {endpoint.name} is removed. Nothing is sent there any more.")
        return redirect("portal:webhooks")
    if what == "test":
        send_test(**act)
        messages.success(request, "A test message is on its way; reload the page to see whether it arrived.")
    elif what in ("start", "stop"):
        switch_endpoint(on=what == "start", **act)
        messages.success(request, "Messages are sent again." if what == "start" else "Nothing is sent there until you start it again.")
    else:
        raise Malformed("webhook.act", f"got {what[:20]!r}, expected test, start, stop, rotate or remove")
    return redirect("portal:webhook", endpoint.pk)


@never_cache
@require_POST
@requires(ACTION)
def again(request: HttpRequest, webhook_id: str, message_id: str) -> HttpResponse:
    """Send one message once more."""
    rows = WebhookDelivery.objects.filter(endpoint__in=_own(request)).select_related("endpoint__team")
    delivery = get_object_or_404(rows, pk=message_id, endpoint_id=webhook_id)
    send_again(delivery=delivery, by=person_of(request), now=timezone.now())
    messages.success(request, "The message is on its way once more, under its old id.")
    return redirect("portal:webhook", webhook_id)


def _own(request: HttpRequest) -> Any:
    return WebhookEndpoint.objects.filter(team__in=readable_whole_teams(person_of(request), ACTION))


def _show(request: HttpRequest, endpoint: WebhookEndpoint, *, secret: str = "") -> HttpResponse:
    endpoint.refresh_from_db()
    rows = endpoint.deliveries.prefetch_related("attempts").order_by(F("due_at").asc(nulls_last=True), "-created_at", "pk")
    words = dict(CHOICES)
    context = {
        "webhook": endpoint,
        "secret": secret,
        "page": Paginator(rows, ROWS).get_page(request.GET.get("page", "1")),
        "told_of": [words[event] for event in endpoint.events],
        "now": timezone.now(),
    }
    return render(request, "portal/webhooks/one.html", context)
