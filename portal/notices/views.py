"""The page of one's own notices."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from identities.permissions import person_of, requires
from portal.models import Notice
from portal.notices.mark_read import mark_all_read, mark_read, remove_read

ROWS = 50


@never_cache
@require_safe
@requires("settings.own")
def notices(request: HttpRequest) -> HttpResponse:
    """Show one's own notices, the unread ones first."""
    mine = Notice.objects.filter(identity=person_of(request))
    asked = request.GET.get("page", "1")
    page = Paginator(mine.order_by(F("read_at").desc(nulls_first=True), "-entry_id"), ROWS).get_page(asked)
    context = {
        "page": page,
        "unread": mine.filter(read_at__isnull=True).count(),
        "has_read": mine.filter(read_at__isnull=False).exists(),
    }
    return render(request, "portal/notices.html", context)


@require_POST
@requires("settings.own")
def read(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Mark one notice as read."""
    mark_read(notice_id=notice_id, by=person_of(request), now=timezone.now())
    return redirect("portal:notices")


@require_POST
@requires("settings.own")
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all of one's notices as read."""
    mark_all_read(by=person_of(request), now=timezone.now())
    return redirect("portal:notices")


@require_POST
@requires("settings.own")
def remove(request: HttpRequest) -> HttpResponse:
    """Remove the notices one has read."""
    count = remove_read(by=person_of(request))
    messages.success(request, f"{count} notice{'' if count == 1 else 's'} removed. The log keeps what happened.")
    return redirect("portal:notices")
