"""How one value looks everywhere: a digest, a state, a point in time, an icon. Templates never format these themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as noop

from identities.keys.describe import is_recovery_shown
from identities.models import SigningKey
from identities.permissions import allowed_somewhere
from identities.preferences.formats import write_date, write_day, write_exactly, write_minute, write_until
from identities.read_once import SAFE
from identities.sign_in.adapter import identity_of
from portal.models import Notice
from portal.notices.unread import UNREAD_ALONG
from portal.static_files import list_frame_styles
from portal.templatetags.icons import draw_icon

register = template.Library()
register.simple_tag(draw_icon, name="icon")

# word in data → (label on the page, tone, icon). Labels never say trusted, secure, safe or compliant: those are not states.
STATES: dict[str, tuple[str, str, str]] = {
    "verified": (noop("Verified"), "ok", "check"),
    "rejected": (noop("Rejected"), "bad", "cross"),
    "unsupported": (noop("Not supported"), "warn", "question"),
    "ended": (noop("Ended"), "warn", "alert"),
    "error": (noop("Error"), "bad", "alert"),
    "waiting": (noop("Waiting"), "plain", "clock"),
    "claimed": (noop("Being verified"), "plain", "loop"),
    "done": (noop("Done"), "ok", "check"),
    "failed": (noop("Failed"), "bad", "cross"),
    "pass": (noop("Met"), "ok", "check"),
    "fail": (noop("Not met"), "bad", "cross"),
    "awaiting": (noop("Waiting"), "warn", "clock"),
    "waived": (noop("Waived"), "warn", "alert"),
    "enforce": (noop("Enforced"), "ok", "check"),
    "warn": (noop("Warned of"), "warn", "alert"),
    "observe": (noop("Observed"), "warn", "clock"),
    "review": (noop("Look at this"), "warn", "alert"),
    "not_applicable": (noop("Not applicable"), "plain", "dash"),
    "missing": (noop("Missing"), "bad", "question"),
    "collecting": (noop("Collecting evidence"), "plain", "loop"),
    "draft": (noop("Draft"), "plain", "pen"),
    "ready": (noop("Ready for review"), "warn", "clock"),
    "in_review": (noop("In review"), "warn", "clock"),
    "promoted": (noop("Promoted"), "ok", "check"),
    "superseded": (noop("Superseded"), "plain", "dash"),
    "blocked": (noop("Blocked"), "bad", "stop"),
    "approved": (noop("Approved"), "ok", "pen"),
    "changes_requested": (noop("Changes requested"), "warn", "loop"),
    "stale": (noop("Stale"), "warn", "alert"),
    "expired": (noop("Expired"), "plain", "clock"),
    "orphaned": (noop("Nobody answers for it"), "bad", "alert"),
    "withdrawn": (noop("Withdrawn"), "plain", "dash"),
    "VALID": (noop("Valid"), "ok", "check"),
    "STALE": (noop("Stale"), "warn", "alert"),
    "EXPIRED": (noop("Expired"), "plain", "clock"),
    "SUPERSEDED": (noop("Superseded"), "plain", "dash"),
    "WITHDRAWN": (noop("Withdrawn"), "plain", "dash"),
    "SOD_VIOLATION": (noop("Had to stay out of it"), "bad", "stop"),
    "REVOKED_KEY": (noop("The key does not count"), "bad", "stop"),
    "UNKNOWN": (noop("We cannot tell"), "unknown", "question"),
    "open": (noop("Waits for an officer"), "warn", "clock"),
    "accepted": (noop("Took effect"), "ok", "check"),
    "refused": (noop("Refused"), "bad", "cross"),
    "lapsed": (noop("Lapsed"), "plain", "clock"),
    "approve": (noop("Approved"), "ok", "pen"),
    "reject": (noop("Rejected"), "bad", "cross"),
    "request_changes": (noop("Changes requested"), "warn", "loop"),
    "allow": (noop("Allowed"), "ok", "check"),
    "break_glass": (noop("Glass broken"), "glass", "alert"),
    "deny": (noop("Denied"), "bad", "stop"),
    "yes": (noop("Yes"), "ok", "check"),
    "no": (noop("No"), "bad", "cross"),
    "unknown": (noop("We cannot tell"), "unknown", "question"),
    "active": (noop("Active"), "ok", "check"),
    "suspended": (noop("Suspended"), "warn", "stop"),
    "retired": (noop("Retired"), "plain", "dash"),
    "compromised": (noop("Compromised"), "bad", "cross"),
    "revoked": (noop("Revoked"), "bad", "stop"),
    "new": (noop("New"), "new", "spark"),
    "indeterminate": (noop("We cannot tell"), "unknown", "question"),
    "misused": (noop("Misused"), "bad", "alert"),
    "overprivileged": (noop("Overprivileged"), "bad", "alert"),
    "as expected": (noop("As expected"), "ok", "check"),
    "cannot tell": (noop("We cannot tell"), "unknown", "question"),
    "used": (noop("Used"), "ok", "check"),
    "unused": (noop("Not used"), "warn", "dash"),
    "not_granted": (noop("Not granted"), "bad", "stop"),
}
# What a check of the path found: code → (label, tone).
PATH_STATES = {
    "path.as_approved": (noop("As approved"), "ok"),
    "path.digest_differs": (noop("Another digest"), "bad"),
    "path.unapproved": (noop("Not approved"), "bad"),
    "path.tag_moved": (noop("The tag moved"), "warn"),
    "path.not_compared": (noop("Not compared"), "unknown"),
    "path.observer_suspended": (noop("Observer suspended"), "unknown"),
}
# How a step of setting up stands.
SET_UP_STATES = {
    "open": (noop("To do"), "warn", "clock"),
    "done": (noop("Done"), "ok", "check"),
    "skipped": (noop("Skipped"), "plain", "dash"),
    "attention": (noop("Look at this"), "bad", "alert"),
}
TONES = {"ok": "check", "bad": "cross", "warn": "alert", "unknown": "question", "new": "spark", "plain": "dash", "glass": "alert"}
MESSAGE_TONES = {"success": ("ok", "check"), "error": ("bad", "cross"), "warning": ("warn", "alert")}
NAVIGATION = (
    (noop("Queue"), "/queue", ("/queue", "/requests", "/ceremonies", "/records", "/break-glass", "/delegations")),
    (noop("Artifacts"), "/artifacts", ("/artifacts", "/attestations", "/collections")),
    (noop("Identities"), "/identities", ("/identities", "/signers", "/people", "/may")),
    (noop("Policies"), "/policies", ("/policies", "/exceptions", "/dry-runs")),
    (noop("Gates"), "/gates/decisions", ("/gates",)),
    (noop("Trust"), "/trust", ("/trust",)),
    (noop("Log"), "/log", ("/log",)),
)
# The second key of a shortcut, and where it leads.
SHORTCUTS = (
    ("q", noop("Queue"), "/queue"),
    ("a", noop("Artifacts"), "/artifacts"),
    ("i", noop("Identities"), "/identities"),
    ("l", noop("Log"), "/log"),
    ("s", noop("Settings"), "/settings"),
)
# action, label, icon, URL name: what the menu under one's name offers to those who may.
TOOLS = (
    ("identities.read", noop("People"), "person", "identities:people"),
    ("recoveries.decide", noop("Recoveries"), "key", "identities:recoveries"),
    ("audit.read", noop("Audit"), "scroll", "identities:audit"),
    ("sign_in.change", noop("Identity providers"), "lock", "identities:sign_in_providers"),
    ("policies.edit", noop("Write a policy"), "pen", "approvals:policy_new"),
    ("indicators.read", noop("How reviews go"), "clock", "approvals:indicators"),
    ("webhooks.change", noop("Webhooks"), "bell", "portal:webhooks"),
    ("portal.set_up", noop("Set-up"), "check", "portal:set_up"),
)
# label, icon, URL name, and the beginning of the paths that belong to it; none is the very path alone.
SETTINGS = (
    (noop("Overview"), "gear", "identities:settings", ""),
    (noop("Approval keys"), "pen", "identities:keys", "/settings/keys"),
    (noop("Sign-in and passkeys"), "lock", "mfa_index", "/accounts/2fa/"),
    (noop("Sessions"), "device", "identities:sessions", "/settings/sessions"),
    (noop("Notifications"), "bell", "identities:notifications", "/settings/notifications"),
    (noop("Appearance"), "sun", "identities:appearance", "/settings/appearance"),
    (noop("Away"), "away", "identities:away", "/settings/away"),
    (noop("Your reviews"), "clock", "approvals:own_readings", "/settings/reviews"),
    (noop("Accounts elsewhere"), "person", "identities:own_accounts", "/settings/accounts"),
    (noop("Activity"), "scroll", "identities:activity", "/settings/activity"),
    (noop("Password"), "key", "account_change_password", "/accounts/password/change"),
)
DAYS_SHOWN_AS_AGO = 30


@register.inclusion_tag("portal/_state.html")
def state(word: object, tone: str = "", label: str = "") -> dict[str, str]:
    """Show a state as word, icon and colour; `tone` (ok, bad, warn, unknown, new, plain) and `label` win over the usual ones."""
    text = str(word)
    spoken = text.replace("_", " ").replace("-", " ").strip().capitalize()
    usual_label, usual_tone, symbol = STATES.get(text, (spoken, "plain", "dash"))
    if tone and tone != usual_tone:
        symbol = TONES.get(tone, "dash")
    return {"label": label or gettext(usual_label), "tone": tone or usual_tone, "symbol": symbol}


@register.inclusion_tag("portal/_state.html")
def set_up_state(word: str) -> dict[str, str]:
    """Show how a step of setting up stands."""
    label, tone, symbol = SET_UP_STATES[word]
    return {"label": gettext(label), "tone": tone, "symbol": symbol}


@register.inclusion_tag("portal/_state.html")
def path_state(code: object) -> dict[str, str]:
    """Show what a check of the path found, by its code."""
    label, tone = PATH_STATES.get(str(code), (str(code), "unknown"))
    return {"label": gettext(label), "tone": tone, "symbol": TONES[tone]}


@register.inclusion_tag("portal/_digest.html")
def digest(value: object) -> dict[str, str]:
    """Show a digest short, with the whole of it on hover or focus and a button that copies it."""
    whole = str(value)
    algorithm, _, hexadecimal = whole.rpartition(":")
    if len(hexadecimal) <= 16:
        return {"whole": whole, "algorithm": algorithm, "head": hexadecimal, "tail": ""}
    return {"whole": whole, "algorithm": algorithm, "head": f"{hexadecimal[:4]} {hexadecimal[4:8]}", "tail": hexadecimal[-4:]}


@register.inclusion_tag("identities/_recovered_key.html")
def recovered_key(key: SigningKey | None, short: bool = False) -> dict[str, object]:
    """Say that an approval was signed with a key that came by a recovery, as long as pages must say so; nothing for any other key."""
    return {"shown": key is not None and is_recovery_shown(key, now=timezone.now()), "key": key, "short": short}


@register.simple_tag
def when(moment: datetime | None, otherwise: str = noop("never")) -> SafeString | str:
    """Show a time as people say it, with the exact one, in the reader's time zone, in its title."""
    if moment is None:
        return gettext(otherwise)
    in_utc = moment.astimezone(UTC)
    said = say_when(in_utc, timezone.now())
    return format_html('<time datetime="{}" title="{}">{}</time>', in_utc.isoformat(), write_exactly(moment), said)


@register.simple_tag
def exactly(moment: datetime) -> SafeString:
    """Show a time to the second with its zone, for pages where the order and the moment are what matters."""
    return format_html('<time datetime="{}">{}</time>', moment.astimezone(UTC).isoformat(), write_exactly(moment))


@register.simple_tag
def to_the_minute(moment: datetime) -> SafeString:
    """Show a time to the minute with its zone, for what has to be done by then."""
    return format_html('<time datetime="{}">{}</time>', moment.astimezone(UTC).isoformat(), write_minute(moment))


@register.simple_tag
def day(shown: date) -> str:
    """Show a day in full, in the order of the reader's language."""
    return write_date(shown)


@register.simple_tag
def until(moment: datetime) -> SafeString:
    """Show a moment to the minute in UTC, whose name stands beside it."""
    return format_html('<time datetime="{}">{}</time>', moment.astimezone(UTC).isoformat(), write_until(moment))


@register.simple_tag(takes_context=True)
def page_address(context: dict[str, Any]) -> str:
    """Return the whole address of the page that is shown, for paper; empty where nobody asked for it."""
    request = context.get("request")
    return f"{settings.ORIGIN}{request.get_full_path()}" if request is not None else ""


@register.simple_tag(takes_context=True)
def page_look(context: dict[str, Any]) -> SafeString:
    """Return the attributes of a page's first element that say how its reader wants it to look."""
    chosen = getattr(context.get("request"), "preferences", None)
    if chosen is None:
        return format_html('data-theme="{}"', "system")
    keys = "on" if chosen.shortcuts else "off"
    return format_html('data-theme="{}" data-density="{}" data-shortcuts="{}"', chosen.theme, chosen.density, keys)


def say_when(moment: datetime, now: datetime) -> str:
    """Return "4 min ago", "in 3 h", "12 days ago", or the date when it is further away than a month."""
    seconds = int((now - moment).total_seconds())
    distance = abs(seconds)
    if distance < 45:
        return gettext("just now") if seconds >= 0 else gettext("in a moment")
    if distance < 3600:
        count = max(1, round(distance / 60))
        words = gettext("%(count)d min ago") if seconds >= 0 else gettext("in %(count)d min")
    elif distance < 86_400:
        count = round(distance / 3600)
        words = gettext("%(count)d h ago") if seconds >= 0 else gettext("in %(count)d h")
    elif distance < DAYS_SHOWN_AS_AGO * 86_400:
        count = round(distance / 86_400)
        ago, ahead = ngettext("%(count)d day ago", "%(count)d days ago", count), ngettext("in %(count)d day", "in %(count)d days", count)
        words = ago if seconds >= 0 else ahead
    else:
        return write_day(moment)
    return words % {"count": count}


@register.inclusion_tag("portal/_navigation.html", takes_context=True)
def navigation(context: dict[str, Any]) -> dict[str, Any]:
    """Show the main navigation, with the room that the page belongs to marked."""
    request = context.get("request")
    path = request.path if request else ""
    items = [
        {"label": gettext(label), "href": href, "here": any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)}
        for label, href, prefixes in NAVIGATION
    ]
    return {"items": items}


@register.inclusion_tag("portal/_shortcuts.html", takes_context=True)
def shortcuts(context: dict[str, Any]) -> dict[str, Any]:
    """Show the dialog that lists the keyboard shortcuts, which the script reads; nothing to strangers and to who turned them off."""
    chosen = getattr(context.get("request"), "preferences", None)
    places = [(key, gettext(label), href) for key, label, href in SHORTCUTS]
    return {"places": places if chosen is not None and chosen.shortcuts else []}


@register.inclusion_tag("portal/_palette.html", takes_context=True)
def palette(context: dict[str, Any]) -> dict[str, Any]:
    """Show the dialog of the command palette, closed; nothing to strangers and to who turned the keyboard shortcuts off."""
    chosen = getattr(context.get("request"), "preferences", None)
    return {"is_on": chosen is not None and chosen.shortcuts}


@register.simple_tag
def frame_styles() -> SafeString:
    """Return the links to the style sheets of every page."""
    return format_html_join("\n", '<link rel="stylesheet" href="{}">', ((href,) for href in list_frame_styles()))


@register.simple_tag(takes_context=True)
def tools(context: dict[str, Any]) -> list[dict[str, str]]:
    """Return the pages for administrators, auditors and officers that the reader may open; one query."""
    allowed = allowed_somewhere(identity_of(context.get("user")), [action for action, *_ in TOOLS])
    return [
        {"label": gettext(label), "symbol": symbol, "href": reverse(name)} for action, label, symbol, name in TOOLS if action in allowed
    ]


@register.simple_tag
def away_of(away: dict[str, str], identity_id: str) -> SafeString | str:
    """Show, in a list, that somebody is away."""
    words = away.get(identity_id)
    return format_html('<br><span class="small">{}</span>', words[:1].upper() + words[1:]) if words else ""


@register.simple_tag(takes_context=True)
def unread_notices(context: dict[str, Any]) -> int:
    """Return how many notices the reader has not read: as it was read with the account where the page only reads, else in one query."""
    along = getattr(context.get("user"), UNREAD_ALONG, None)
    if along is not None and getattr(context.get("request"), "method", "") in SAFE:
        return int(along)
    identity = getattr(context.get("user"), "identity_id", None)
    return Notice.objects.filter(identity=identity, read_at__isnull=True).count() if identity else 0


@register.simple_tag(takes_context=True)
def settings_pages(context: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pages of one's own settings, with the one that is shown marked."""
    request = context.get("request")
    path = request.path if request else ""
    return [
        {
            "label": gettext(label),
            "symbol": symbol,
            "href": (href := reverse(name)),
            "here": path.startswith(begins) if begins else path == href,
        }
        for label, symbol, name, begins in SETTINGS
    ]


@register.simple_tag
def now_exactly() -> str:
    """Return this moment as it is written for the reader."""
    return write_exactly(timezone.now())


@register.simple_tag
def portal_version() -> str:
    """Return the running version."""
    return str(settings.VERSION)


@register.filter
def monogram(name: object) -> str:
    """Return the first letters of the first and last word of a name."""
    words = str(name).split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@register.filter
def tone_of_message(tags: str) -> str:
    """Return the tone of a flash message."""
    return MESSAGE_TONES.get(tags, ("", ""))[0]


@register.filter
def icon_of_message(tags: str) -> str:
    """Return the icon of a flash message."""
    return MESSAGE_TONES.get(tags, ("", "info"))[1]
