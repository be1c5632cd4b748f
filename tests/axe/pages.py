"""Which pages there are, from the URL map itself, and who looks at each: a page that nobody could open is an error, not an omission."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.test import Client
from django.test.signals import template_rendered

from identities.models import Identity
from portal.public_urls import STAFF_NAMESPACE
from tests import cast
from tests import make_approvals as make
from tests import make_changes as changes
from tests.axe.more import Beginning, beginnings
from tests.house.url_examples import Story, member
from tests.house.url_map import all_addresses
from tests.house.walk import Question, all_questions, signed_in

# Address → why there is no page of ours to look at, or who looks at it elsewhere.
LEADS_ON = "leads on to another page, for everybody"
AT_PROVIDER = "needs a provider's answer; tests/identities/sso/test_in_browser.py comes by with one"
IN_ENROLMENT = "stands in the middle of an enrolment; tests/identities/test_browser_keys.py looks at it"
SHUT = "not opened here: 404, the page for which is looked at as “no permission”"
NO_PAGE = {
    "portal:home": LEADS_ON,
    "approvals:queue_view": LEADS_ON,
    "approvals:queue_beside": "a part of the queue on a wide screen; tests/approvals/desk/test_beside_in_browser.py looks at it there",
    "portal:api_schema": "a file for programs",
    "portal:api_docs": "drawn by Swagger UI, whose colours are not ours; tests/portal/test_browser_pages.py listens to its console",
    "approvals:bound": AT_PROVIDER,
    "identities:bound_sign_in": AT_PROVIDER,
    "identities:bound_key": AT_PROVIDER,
    "openid_connect_login": LEADS_ON,
    "openid_connect_callback": AT_PROVIDER,
    "saml_login": LEADS_ON,
    "saml_finish_acs": AT_PROVIDER,
    "identities:introduce_key": IN_ENROLMENT,
    "identities:confirm_key": IN_ENROLMENT,
    "account_no_addresses": SHUT,
    "account_email": SHUT,
    "account_set_password": LEADS_ON,
    "account_confirm_login_code": LEADS_ON,
    "mfa_authenticate": "the second step of a sign-in; tests/identities/test_browser_keys.py takes it",
    "mfa_reauthenticate": LEADS_ON,
    "mfa_reauthenticate_webauthn": LEADS_ON,
    "mfa_login_webauthn": LEADS_ON,
    "mfa_download_recovery_codes": "a file",
}


# Template of a page → why none of the pages that are looked at is drawn by it.
DRAWN_ELSEWHERE = {
    "drf_spectacular/swagger_ui.html": NO_PAGE["portal:api_docs"],
    "identities/confirm_key.html": IN_ENROLMENT,
    "identities/introduce_key.html": IN_ENROLMENT,
    "identities/leave_for.html": "leads on to a provider by itself; tests/identities/sso/test_in_browser.py goes through it",
    "mfa/authenticate.html": NO_PAGE["mfa_authenticate"],
    "mfa/reauthenticate.html": LEADS_ON,
    "mfa/webauthn/reauthenticate.html": LEADS_ON,
    "portal/welcome.html": "the demo's alone; the sweep of the demo's sample looks at it",
}
TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates"


@dataclass(frozen=True)
class Seen:
    """An address that shows a page, and whose page it is; nobody's where it is shown before a sign-in."""

    name: str
    path: str
    viewer: Identity | None
    # What the viewer does first, and where that leads, for a page one cannot simply go to.
    begin: Beginning | None = None

    def client(self) -> Client:
        return signed_in(self.viewer) if self.viewer else Client(raise_request_exception=False)


def people() -> Iterator[Identity | None]:
    """Who tries each address, in this order. The last is nobody."""
    yield from (cast.alice(), cast.bob(), cast.dave(), make.erin(), cast.olga(), cast.carol(), changes.sam(), member("identity-steward"))
    yield None


def pages_of(story: Story) -> tuple[list[Seen], list[str]]:
    """Return every page with its viewer, and a sentence for each address that shows nobody a page and has no reason for that."""
    more = [Seen(name, "", viewer, begin) for name, viewer, begin in beginnings(story)]
    seen, missing = list(more), []
    shown = {each.name for each in more}
    for question in all_questions(story):
        if question.method != "GET" or not_a_page(question.name, question.path) or question.name in NO_PAGE:
            continue
        found = viewer_of(question)
        if isinstance(found, Seen):
            seen.append(found)
        elif found and question.name not in shown:
            missing.append(f"{question.name}: {found}")
    return seen, missing


def pages_without_anything() -> Iterator[Seen]:
    """Every page whose address takes nothing, with who sees it: to be looked at before anything is told."""
    for address in all_addresses():
        path = "/" + address.route
        if "<" in path or "(?P" in path or address.name in NO_PAGE or not_a_page(address.name, path):
            continue
        found = viewer_of(Question(address.name, "GET", path))
        if isinstance(found, Seen):
            yield found


def not_a_page(name: str, path: str) -> bool:
    """Whether programs ask there, or it is one of Django's own tables."""
    return path.startswith(("/api/v1/", "/scim/")) or name.startswith(f"{STAFF_NAMESPACE}:")


def viewer_of(question: Question) -> Seen | str:
    """Return who sees a page there; or what everybody was answered, and "" where it is a file or leads elsewhere for somebody."""
    answers: list[str] = []
    for person in people():
        with transaction.atomic():
            seen = Seen(question.name, question.path, person)
            response: Any = seen.client().get(question.path, HTTP_ACCEPT="text/html")
            transaction.set_rollback(True)
        kind = response.headers.get("Content-Type", "")
        if response.status_code == 200 and kind.startswith("text/html"):
            return seen
        answers.append("leads on" if response.status_code in (301, 302) else f"{response.status_code} {kind.partition(';')[0]}")
    if any(answer.startswith("200") for answer in answers):
        return ""
    return f"nobody sees a page there ({', '.join(dict.fromkeys(answers))}); add somebody who does, or a reason to NO_PAGE"


def page_templates() -> set[str]:
    """Return every template that is a page of its own."""
    found = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html") if path.read_text().lstrip().startswith("{% extends")}
    return {name for name in found if not name.startswith("allauth/layouts/")}


def drawn_by(pages: list[Seen]) -> set[str]:
    """Return the templates that these pages are drawn by, and the page of a refusal; what opening them changed is undone."""
    names: set[str] = set()

    def note(template: Any, **_: Any) -> None:
        names.add(str(template.name))

    template_rendered.connect(note)
    try:
        for seen in pages:
            with transaction.atomic():
                client = seen.client()
                client.get(seen.begin(client) if seen.begin else seen.path, HTTP_ACCEPT="text/html")
                transaction.set_rollback(True)
        Client().get("/nowhere", HTTP_ACCEPT="text/html")
    finally:
        template_rendered.disconnect(note)
    return names
