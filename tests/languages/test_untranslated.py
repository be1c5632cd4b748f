"""No page that is translated says a word that is not in the catalogue, whatever stands on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from portal.languages.pseudo import LEFT_TO_RIGHT
from tests import cast
from tests.house.url_examples import tell_story
from tests.languages import stories
from tests.languages.untranslated import Looker, find_untranslated
from tests.make_ledger import use_own_keys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pseudo_locales")]


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def look(path: str, client: Client) -> str:
    answer = client.get(path, headers={"Accept-Language": LEFT_TO_RIGHT})
    assert answer.status_code in (200, 404), path
    page = answer.content.decode()
    assert '<html lang="en-XA"' in page and '<main id="main" tabindex="-1">' in page, f"{path} is not translated"
    return page


def untranslated(places: Iterator[stories.Place]) -> dict[str, list[str]]:
    found = {place.name: find_untranslated(look(place.path, stories.client_of(place.reader)), stories.list_names()) for place in places}
    return {name: words for name, words in found.items() if words}


class TestPages:
    @pytest.mark.parametrize("path", ["/settings", "/settings/appearance", "/settings/notifications", "/settings/away"])
    def test_of_settings(self, path: str) -> None:
        assert find_untranslated(look(path, stories.client_of(cast.alice())), stories.list_names()) == []

    def test_of_every_request_and_artifact_of_the_story_that_the_urls_are_walked_with(self, settings: Any, tmp_path: Path) -> None:
        """Exceptions, changes of policy and expectations, agents' actions, a break-glass: what two releases alone do not show."""
        tell_story(settings, tmp_path / "story")
        assert untranslated(stories.all_of_the_story()) == {}

    def test_of_signing_in(self) -> None:
        assert find_untranslated(look("/accounts/login/", Client())) == []

    @pytest.mark.parametrize("tell", [stories.tell_of_a_release, stories.tell_of_one_that_changed])
    def test_about_a_request_and_its_artifact(self, tell: Any) -> None:
        assert untranslated(stories.places_of(tell())) == {}

    def test_of_a_statement_that_is_about_to_be_signed(self) -> None:
        request = stories.tell_of_a_release()
        client = stories.client_of(cast.alice())
        assert find_untranslated(look(stories.begin_to_sign(client, request), client), stories.list_names()) == []

    def test_of_an_empty_desk(self) -> None:
        assert untranslated(stories.tabs_of(cast.alice())) == {}


class TestWhatIsLookedFor:
    def test_is_found_in_text_and_in_what_is_spoken(self) -> None:
        page = '<html lang="en-XA"><body><p>Hello</p><a title="Go there">[!!! Go lorem !!!]</a><input type="submit" value="Send"></body></html>'
        assert find_untranslated(page) == ["<p> Hello", "<a title> Go there", "<input value> Send"]

    @pytest.mark.parametrize(
        "allowed",
        [
            "<p>[!!! Hello <b>there</b> lorem !!!]</p>",
            '<p lang="en">Signed as it is</p>',
            "<bdi>Alice Martin</bdi>",
            "<time>now</time>",
            "<code>sha256:abc</code>",
            '<select><option value="Europe/Berlin">Europe/Berlin</option></select>',
            "<p>42 · –</p>",
        ],
    )
    def test_is_not_what_may_stand_outside(self, allowed: str) -> None:
        assert find_untranslated(allowed) == []

    def test_is_found_beside_a_marked_message(self) -> None:
        assert find_untranslated("<p>[!!! Hello lorem !!!] world</p>") == ["<p> world"]

    def test_counts_what_is_marked(self) -> None:
        looker = Looker(())
        looker.feed("<p>[!!! Hello lorem !!!]</p><p>[!!! there lorem !!!]</p>")
        assert looker.seen == 2
