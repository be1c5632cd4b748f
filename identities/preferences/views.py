"""Pages of one's own settings: how pages look, what is mailed, when one is away, and open sessions."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from identities.models import User
from identities.permissions import may, person_of, requires
from identities.preferences.change import change_appearance, change_away, change_mailing
from identities.preferences.choices import ALWAYS_MAILED, CHOOSABLE, LANGUAGES, NOTICE_KINDS
from identities.preferences.current import away_words, is_away, preferences_of
from identities.preferences.forms import InputAppearance, InputAway, InputMailing
from identities.preferences.sessions import end_other_sessions, end_session, list_sessions
from identities.queries import list_signing_keys
from identities.sign_in.recently import proved_recently
from proofs.errors import NotAllowed, Refusal


@never_cache
@require_safe
@requires("settings.own")
def overview(request: HttpRequest) -> HttpResponse:
    """Show every page of settings, with what is set."""
    person = person_of(request)
    chosen = preferences_of(person)
    context = {
        "chosen": chosen,
        "language": dict(LANGUAGES).get(chosen.language, chosen.language),
        "keys": list_signing_keys(person).filter(revoked_at__isnull=True).count(),
        "sessions": len(list_sessions(_account_of(request), current=_session_key(request))),
        "mailed": len(CHOOSABLE) - len(set(chosen.unmailed)),
        "mailable": len(CHOOSABLE),
        "is_away": is_away(chosen, timezone.localdate()),
        "away": away_words(chosen) if chosen.away_from else "",
        "may_audit": may(person, "audit.read").allowed,
    }
    return render(request, "identities/settings.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("settings.own")
def appearance(request: HttpRequest) -> HttpResponse:
    """Choose theme, density, language, time zone and shortcuts."""
    chosen = preferences_of(person_of(request))
    names = ("theme", "density", "language", "time_zone", "shortcuts")
    form = InputAppearance(request.POST or None, initial={name: getattr(chosen, name) for name in names})

    def act(given: dict[str, Any]) -> None:
        change_appearance(**given, by=person_of(request), now=timezone.now())

    return _answer(request, form, act, "identities/appearance.html", "identities:appearance", {})


@never_cache
@require_http_methods(["GET", "POST"])
@requires("settings.own")
def notifications(request: HttpRequest) -> HttpResponse:
    """Choose which notices are mailed."""
    chosen = preferences_of(person_of(request))
    wanted = [kind for kind, _ in CHOOSABLE if kind not in chosen.unmailed]
    # No box ticked is an answer too, and an empty one.
    form = InputMailing(request.POST if request.method == "POST" else None, initial={"mailed": wanted})

    def act(given: dict[str, Any]) -> None:
        change_mailing(mailed=given["mailed"], by=person_of(request), now=timezone.now())

    shown = {"always": [words for kind, words in NOTICE_KINDS.items() if kind in ALWAYS_MAILED], "email": _account_of(request).email}
    return _answer(request, form, act, "identities/notifications.html", "identities:notifications", shown)


@never_cache
@require_http_methods(["GET", "POST"])
@requires("settings.own")
def away(request: HttpRequest) -> HttpResponse:
    """Say from when until when one is away, or that one is back."""
    chosen = preferences_of(person_of(request))
    initial = {"away_from": chosen.away_from, "away_until": chosen.away_until, "note": chosen.away_note}
    is_back = request.POST.get("back") == "yes"
    form = InputAway({} if is_back else request.POST if request.method == "POST" else None, initial=initial)

    def act(given: dict[str, Any]) -> None:
        change_away(**given, by=person_of(request), now=timezone.now())

    shown = {"chosen": chosen, "is_away": is_away(chosen, timezone.localdate()), "words": away_words(chosen) if chosen.away_from else ""}
    return _answer(request, form, act, "identities/away.html", "identities:away", shown)


@never_cache
@require_safe
@requires("settings.own")
def sessions(request: HttpRequest) -> HttpResponse:
    """Show one's own open sessions."""
    return render(request, "identities/sessions.html", {"sessions": list_sessions(_account_of(request), current=_session_key(request))})


@never_cache
@require_POST
@requires("settings.own")
@proved_recently
def session_end(request: HttpRequest, session_id: int) -> HttpResponse:
    """End one session, at once. Ending the one that asks signs out."""
    end_session(user=_account_of(request), session_id=session_id)
    if not request.session.exists(_session_key(request)):
        # It was this one. Signing out also keeps it from being saved again.
        get_account_adapter().logout(request)
        return redirect("account_login")
    messages.success(request, "That session is ended. Whoever had it has to sign in again.")
    return redirect("identities:sessions")


@never_cache
@require_http_methods(["GET", "POST"])
@requires("settings.own")
@proved_recently
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Ask, and end every session but this one, at once."""
    if request.method == "POST":
        count = end_other_sessions(user=_account_of(request), keep=_session_key(request))
        messages.success(request, f"{count} other session{'' if count == 1 else 's'} ended. This one goes on.")
        return redirect("identities:sessions")
    listed = list_sessions(_account_of(request), current=_session_key(request))
    return render(request, "identities/sessions_end.html", {"others": [session for session in listed if not session.is_this]})


def _answer(request: HttpRequest, form: Form, act: Any, template: str, after: str, shown: dict[str, Any]) -> HttpResponse:
    refusal: Refusal | None = None
    if request.method == "POST" and form.is_valid():
        try:
            act(form.cleaned_data)
            messages.success(request, "Saved.")
            return redirect(after)
        except Refusal as error:
            refusal = error
    context = {"form": form, "refusal": refusal, **shown}
    return render(request, template, context, status=422 if refusal else 200)


def _account_of(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise NotAllowed("identity.unregistered", "This sign-in account belongs to no registered person; ask an administrator.")
    return request.user


def _session_key(request: HttpRequest) -> str:
    return request.session.session_key or ""
