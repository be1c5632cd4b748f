"""In which language a page is written, and that nothing that is signed, kept or read by programs follows it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.template import Context, Template
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from approvals.requests.snapshot import read_snapshot
from attestations.blobs import bytes_of
from identities.preferences.languages import language_for
from portal.languages.pseudo import BEGINS, ENDS, LONGER, stretched
from portal.languages.retell import retell, told
from portal.templatetags.display import say_when
from portal.templatetags.languages import TRANSLATED
from tests import cast
from tests import make_approvals as make
from tests.languages import stories
from tests.make_ledger import use_own_keys

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
GERMAN = "de-AT,de;q=0.9,en;q=0.8"


@pytest.fixture
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


class TestWhich:
    @pytest.mark.parametrize(
        ("chosen", "asked", "language"),
        [
            ("", "", "en"),
            ("", GERMAN, "de"),
            ("", "fr, en-US;q=0.8, de;q=0.5", "en"),
            ("", "fr", "en"),
            ("", "*", "en"),
            ("", "de;q=0", "en"),
            ("", "en-XA", "en"),
            ("en-us", GERMAN, "en"),
            ("de", "en", "de"),
            ("xx-forgotten", GERMAN, "en"),
        ],
    )
    def test_is_what_was_chosen_or_else_what_the_browser_asks_for(self, chosen: str, asked: str, language: str) -> None:
        assert language_for(chosen, asked) == language

    def test_made_up_ones_are_there_for_who_turned_them_on(self, pseudo_locales: None) -> None:
        assert language_for("", "en-XA") == "en-xa"
        assert language_for("", "ar-XB, de") == "ar-xb"

    @pytest.mark.django_db
    def test_a_stranger_is_answered_in_the_language_of_the_browser(self) -> None:
        answer = Client().get("/accounts/login/", headers={"Accept-Language": GERMAN})
        page = answer.content.decode()
        assert '<html lang="de"' in page and "Mit einem Passkey anmelden" in page
        assert "Accept-Language" in answer.headers["Vary"]

    @pytest.mark.django_db
    def test_a_choice_wins_and_the_answer_does_not_vary(self) -> None:
        client = stories.client_of(cast.alice())
        look = {"theme": "dark", "density": "compact", "time_zone": "UTC", "shortcuts": True}
        client.post("/settings/appearance", {**look, "language": "de"})
        answer = client.get("/queue", headers={"Accept-Language": "en"})
        assert '<html lang="de"' in answer.content.decode() and "Warteschlange" in answer.content.decode()
        assert "Accept-Language" not in answer.headers.get("Vary", "")
        client.post("/settings/appearance", {**look, "language": "en-us"})
        assert '<html lang="en"' in client.get("/queue", headers={"Accept-Language": GERMAN}).content.decode()

    @pytest.mark.django_db
    def test_what_is_not_translated_is_english_in_a_german_frame_and_says_so(self) -> None:
        page = stories.client_of(cast.alice()).get("/identities", headers={"Accept-Language": GERMAN}).content.decode()
        assert '<html lang="de"' in page and '<main id="main" tabindex="-1" lang="en">' in page and '<title lang="en">' in page
        assert "Warteschlange" in page.partition("<main")[0]
        assert "Warteschlange" not in page.partition("<main")[2].partition("</main>")[0]

    @pytest.mark.django_db
    def test_programs_are_answered_in_english(self) -> None:
        answer = Client().get("/api/v1/artifacts", headers={"Accept-Language": GERMAN})
        assert answer.json() == Client().get("/api/v1/artifacts").json()

    def test_every_translated_page_is_there(self) -> None:
        assert [get_template(name).template.name for name in sorted(TRANSLATED)] == sorted(TRANSLATED)


@pytest.mark.django_db
@pytest.mark.usefixtures("portal_keys")
class TestWhatIsSigned:
    def test_is_the_same_whoever_asks(self) -> None:
        """The snapshot that a German frozen request has is, but for its times and numbers, the one an English one has."""
        make.send_provenance(make.set_stage())
        english = make.ask()
        with translation.override("de"):
            german = make.ask()
        assert [sentences(request) for request in (german,)] == [sentences(english)]

    def test_is_the_same_statement(self) -> None:
        make.send_provenance(make.set_stage())
        passkey, key = make.enrol(cast.alice())
        with translation.override("de"):
            approval = make.complete(make.begin(make.ask(), cast.alice(), key), passkey)
        display = json.loads(bytes(approval.payload))["predicate"]["review"]["display"]
        assert display["locale"] == "en" and display["summary"].startswith("Approve")

    def test_stands_on_a_german_page_as_it_is_signed_and_says_so(self) -> None:
        request = stories.tell_of_a_release()
        client = stories.client_of(cast.alice())
        page = client.get(reverse("approvals:request", args=[request.pk]), headers={"Accept-Language": GERMAN}).content.decode()
        assert "Was signiert wird, ist auf Englisch" in page and "Freigeben und signieren" in page
        snapshot = read_snapshot(bytes_of(request.revisions.get().snapshot))
        for signal in snapshot["comparison"]["signals"]:
            assert re.search(rf'lang="en"[^<]*>(<[^>]+>)*{re.escape(signal["sentence"])}', page), signal["sentence"]
        statement = client.get(stories.begin_to_sign(client, request), headers={"Accept-Language": GERMAN}).content.decode()
        assert '<p class="summary" data-signed="summary" lang="en">' in statement and "Was Sie jetzt signieren" in statement

    def test_is_read_as_text_in_english(self) -> None:
        request = stories.tell_of_a_release()
        client, address = stories.client_of(cast.alice()), reverse("approvals:review_text", args=[request.pk])
        assert client.get(address, headers={"Accept-Language": GERMAN}).content == client.get(address).content


def sentences(request: Any) -> list[str]:
    """Every sentence, title and word for people in the newest snapshot of a request."""
    found: list[str] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            found.extend(str(value[name]) for name in ("sentence", "words", "title", "question", "token", "name") if name in value)
            for item in value.values():
                collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)

    collect(read_snapshot(bytes_of(request.revisions.latest("number").snapshot)))
    return found


class TestMoments:
    @pytest.mark.parametrize(
        ("ago", "said"),
        [
            (timedelta(seconds=5), "gerade eben"),
            (timedelta(minutes=4), "vor 4 min"),
            (timedelta(hours=3), "vor 3 h"),
            (timedelta(days=1), "vor 1 Tag"),
            (timedelta(days=-12), "in 12 Tagen"),
            (timedelta(days=60), "01.01.2026"),
        ],
    )
    def test_are_german_where_words_are(self, ago: timedelta, said: str) -> None:
        with translation.override("de"):
            assert say_when(NOW - ago, NOW) == said

    def test_are_written_out(self) -> None:
        with translation.override("de"), timezone.override("Europe/Berlin"):
            shown = Template("{% load display %}{% exactly moment %}").render(Context({"moment": NOW}))
        assert "2. März 2026, 13:00:00 CET" in shown


class TestRetelling:
    def test_puts_the_parts_into_the_other_language_and_sets_names_apart(self) -> None:
        with translation.override("de"):
            assert told("You asked for it. Waits for release approver and security approver") == (
                "Sie haben es beantragt. Wartet auf: Release-Freigeber und Security-Freigeber"
            )
            assert told("<b>Eve</b> named you in a comment") == ("<bdi>&lt;b&gt;Eve&lt;/b&gt;</bdi> hat Sie in einem Kommentar genannt")

    def test_leaves_what_it_does_not_know_and_marks_it(self) -> None:
        with translation.override("de"):
            assert told("Something <i>else</i>") == '<span lang="en">Something &lt;i&gt;else&lt;/i&gt;</span>'
            assert retell("Something <i>else</i>") is None

    def test_says_nothing_else_in_english(self) -> None:
        with translation.override("en"):
            assert told("You are release approver & more") == "You are release approver &amp; more"


class TestPseudo:
    @pytest.mark.parametrize("message", ["Hello", "%(count)s of %(all)s", "A very long sentence that people read to its end."])
    def test_is_longer_and_keeps_what_varies(self, message: str) -> None:
        said = stretched(message)
        assert said.startswith(f"{BEGINS}{message} ") and said.endswith(ENDS)
        assert len(said) - len(BEGINS) - len(ENDS) >= len(message) * (1 + LONGER) - 1

    def test_knows_what_german_knows_and_nothing_else(self, pseudo_locales: None) -> None:
        with translation.override("en-xa"):
            assert translation.gettext("Queue").startswith(BEGINS)
            assert translation.gettext("Nobody ever translated this") == "Nobody ever translated this"
            assert translation.pgettext("proof", "as").startswith(f"{BEGINS}as")
            assert translation.ngettext("%(count)d day ago", "%(count)d days ago", 3).startswith(f"{BEGINS}%(count)d days ago")
            assert translation.pgettext("person", "approved").startswith(f"{BEGINS}approved ")
        with translation.override("ar-xb"):
            assert translation.get_language_bidi()
