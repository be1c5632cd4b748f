"""Pages of identity providers, of what their groups carry, and of the switch for accounts of the portal's own."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from identities.models import Identity, IdentityProvider, ProvisionedPerson, User
from identities.permissions import person_of, readable_whole_teams, requires
from identities.providers import active_providers, find_provider, is_local_sign_in_allowed, newest_local_sign_in
from identities.sign_in.recently import proved_recently
from identities.sso.add_provider import add_provider
from identities.sso.change_provider import change_provider
from identities.sso.compare_roles import GroupRule, parse_rules
from identities.sso.described import describe
from identities.sso.group_roles import read_rules
from identities.sso.local_guard import guard_local_sign_in
from identities.sso.pages.forms import FORMS, InputRules, places_of, shown_as_typed
from identities.sso.preview import MOST_PEOPLE, list_versions, preview_rules, rules_if
from identities.sso.reach import teams_beyond, teams_reached
from identities.sso.remove_provider import remove_provider
from identities.sso.saml_answer import acs_url_of, entity_id_of
from identities.sso.set_group_rules import set_group_rules
from identities.sso.switch_local_sign_in import switch_local_sign_in
from proofs.errors import Malformed, NotFound, Refusal

ACTION = "sign_in.change"


@never_cache
@require_safe
@requires(ACTION)
def providers(request: HttpRequest) -> HttpResponse:
    """List the providers people sign in at."""
    shown = active_providers()
    removed = IdentityProvider.objects.filter(removed_at__isnull=False).order_by("-removed_at")
    return render(request, "identities/sso/providers.html", {"providers": shown, "removed": removed, "local": is_local_sign_in_allowed()})


@never_cache
@require_http_methods(["GET", "POST"])
@requires(ACTION)
@proved_recently
def add(request: HttpRequest, protocol: str) -> HttpResponse:
    """Ask what a provider of one protocol needs, and add it."""
    if protocol not in FORMS:
        raise NotFound("sso.protocol", f"there is no protocol {protocol} here")
    form = FORMS[protocol](request.POST or None)
    refusal: Refusal | None = None
    if request.method == "POST" and form.is_valid():
        try:
            made = add_provider(slug=form.cleaned_data["slug"], said=form.described(), by=person_of(request), now=timezone.now())
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, f"{made.name} is added. Give it the addresses below, then try it.")
            return redirect("identities:sign_in_provider", made.slug)
    context = {"form": form, "refusal": refusal, "protocol": IdentityProvider.Protocol(protocol).label}
    return render(request, "identities/sso/add.html", context, status=422 if refusal or form.errors else 200)


@never_cache
@require_safe
@requires(ACTION)
def provider(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a provider, and what it has to know of this portal."""
    row = find_provider(slug)
    addresses = _addresses(row)
    context = {"provider": row, "said": describe(row), "addresses": addresses, "rules": read_rules(row), "try_url": _try_url(row)}
    return render(request, "identities/sso/provider.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(ACTION)
@proved_recently
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a provider's form filled in, and change it."""
    row = find_provider(slug)
    form = FORMS[row.protocol](request.POST or None, provider=row, initial=shown_as_typed(describe(row)))
    refusal: Refusal | None = None
    if request.method == "POST" and form.is_valid():
        try:
            changed = change_provider(provider=row, said=form.described(), by=person_of(request), now=timezone.now())
        except Refusal as error:
            refusal = error
        else:
            words = "is changed. Try it before you rely on it." if changed.changed_at != row.changed_at else "is as it was."
            messages.success(request, f"{changed.name} {words}")
            return redirect("identities:sign_in_provider", slug)
    return render(
        request,
        "identities/sso/change.html",
        {"form": form, "refusal": refusal, "provider": row},
        status=422 if refusal or form.errors else 200,
    )


@never_cache
@require_http_methods(["GET", "POST"])
@requires(ACTION)
@proved_recently
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what ends with a provider, and remove it."""
    row = find_provider(slug)
    refusal: Refusal | None = None
    if request.method == "POST":
        try:
            done = remove_provider(provider=row, by=person_of(request), now=timezone.now())
        except Refusal as error:
            refusal = error
        else:
            messages.success(request, f"{row.name} is removed. Roles that ended: {done.roles}; sessions: {done.sessions}.")
            for role in done.stays:
                messages.warning(request, f"{role.identity} stays administrator of {role.team}, which has no other.")
            return redirect("identities:sign_in_providers")
    people = Identity.objects.filter(issuer=row.issuer, kind=Identity.Kind.PERSON).count()
    context = {"provider": row, "refusal": refusal, "people": people, "teams": teams_reached(row.issuer, row)}
    return render(request, "identities/sso/remove.html", context, status=422 if refusal else 200)


@never_cache
@require_safe
@requires(ACTION)
def groups(request: HttpRequest, slug: str) -> HttpResponse:
    """Show which roles a provider's groups carry now, what the next sign-ins would change, and every version before."""
    row, teams = find_provider(slug), _own_teams(request)
    versions = list_versions(row, teams)
    rules = read_rules(row)
    context = {
        "provider": row,
        "versions": versions,
        "newest": versions[0] if versions else None,
        "elsewhere": sum(rule.place.team not in teams for rule in rules.rules),
        "awaited": preview_rules(row, rules, teams),
        "most_people": MOST_PEOPLE,
        "teams": sorted(teams),
        **_compared(request, versions),
    }
    return render(request, "identities/sso/groups.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(ACTION)
@proved_recently
def groups_change(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the rules of one's own teams as rows, show what they would change, and write the next version."""
    person, row, teams = person_of(request), find_provider(slug), _own_teams(request)
    rules = read_rules(row)
    own, others = [r for r in rules.rules if r.place.team in teams], [r for r in rules.rules if r.place.team not in teams]
    places = places_of(list(readable_whole_teams(person, ACTION).order_by("slug")))
    typed = request.POST if request.method == "POST" else None
    rows = InputRules(typed, initial=[_row(rule) for rule in own], form_kwargs={"places": places}, prefix="rule")
    context: dict[str, Any] = {
        "provider": row,
        "rows": rows,
        "seen": rules.version,
        "elsewhere": len(others),
        "refusal": None,
        "awaited": None,
    }
    if typed is not None and rows.is_valid():
        wanted = [document for form in rows.forms if (document := form.document()) is not None]
        wanted += [rule.document() for rule in others]
        context["seen"] = seen = _number(typed.get("seen", ""))
        try:
            if "preview" in typed:
                context["awaited"] = preview_rules(row, rules_if(row, parse_rules(wanted), person), teams)
                context["previewed"] = True
            elif "more" not in typed:
                made = set_group_rules(provider=row, rules=wanted, seen=seen, by=person, now=timezone.now())
                said = (
                    f"Version {made.version} counts for each person from their next sign-in on." if made else "These rules count already."
                )
                messages.success(request, said)
                return redirect("identities:group_rules", slug)
        except Refusal as error:
            context["refusal"] = error
    if typed is not None and rows.is_valid():
        # What was typed, with empty rows behind it again.
        kept = [form.cleaned_data for form in rows.forms if form.cleaned_data.get("group")]
        context["rows"] = InputRules(initial=kept, form_kwargs={"places": places}, prefix="rule")
    failed = context["refusal"] or (typed is not None and not rows.is_valid())
    return render(request, "identities/sso/groups_change.html", context, status=422 if failed else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(ACTION)
@proved_recently
def local(request: HttpRequest) -> HttpResponse:
    """Show whether people sign in with accounts of the portal's own, whom switching it off shuts out, and switch it."""
    now, allowed = timezone.now(), is_local_sign_in_allowed()
    refusal: Refusal | None = None
    if request.method == "POST":
        wanted = request.POST.get("allowed") == "yes"
        try:
            key = request.session.session_key or ""
            done = switch_local_sign_in(allowed=wanted, by=person_of(request), now=now, session_key=key)
        except Refusal as error:
            refusal = error
        else:
            ended = f" Sessions that ended: {done.sessions}." if done.sessions else ""
            messages.success(request, f"Accounts of this portal are switched {'on' if wanted else 'off'}.{ended}")
            return redirect("identities:local_sign_in")
    shut_out = User.objects.filter(is_active=True, identity__status=Identity.Status.ACTIVE, identity__issuer=settings.ORIGIN)
    linked = ProvisionedPerson.objects.filter(removed_at__isnull=True)
    context = {
        "allowed": allowed,
        "newest": newest_local_sign_in(),
        "guard": guard_local_sign_in(now=now),
        "beyond": teams_beyond(person_of(request), settings.ORIGIN),
        "refusal": refusal,
        "shut_out": shut_out.exclude(identity__in=linked.values("identity")).count(),
    }
    return render(request, "identities/sso/local.html", context, status=422 if refusal else 200)


def _own_teams(request: HttpRequest) -> frozenset[str]:
    return frozenset(readable_whole_teams(person_of(request), ACTION).values_list("slug", flat=True))


def _addresses(row: IdentityProvider) -> list[tuple[str, str]]:
    """Return what a provider has to be told, each with its name."""
    if row.protocol == IdentityProvider.Protocol.SAML:
        return [("Entity id and metadata", entity_id_of(row)), ("Assertion consumer service", acs_url_of(row))]
    callback = settings.ORIGIN + reverse("openid_connect_callback", args=[row.slug])
    return [
        ("Redirect address of sign-in", callback),
        ("Redirect address of approvals", settings.ORIGIN + reverse("identities:bound_sign_in")),
    ]


def _try_url(row: IdentityProvider) -> str:
    is_saml = row.protocol == IdentityProvider.Protocol.SAML
    return reverse("saml_login" if is_saml else "openid_connect_login", args=[row.slug])


def _compared(request: HttpRequest, versions: list[Any]) -> dict[str, Any]:
    """Return two versions that were asked for, and what differs between them."""
    if "from" not in request.GET and "to" not in request.GET:
        return {}
    known = {version.number: version for version in versions}
    first, second = (known.get(_number(request.GET.get(name, ""))) for name in ("from", "to"))
    if first is None or second is None:
        raise NotFound("sso.rules_version", "there is no such version of these rules")
    before, after = set(first.rules), set(second.rules)
    return {"first": first, "second": second, "added": sorted(after - before), "taken": sorted(before - after)}


def _row(rule: GroupRule) -> dict[str, str]:
    place = rule.place
    return {"group": rule.group, "role": place.role, "place": f"{place.team}/{place.project}" if place.project else place.team}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Malformed("sso.rules_version", f"got {text[:20]!r}, expected the number of a version")
    return int(text)
