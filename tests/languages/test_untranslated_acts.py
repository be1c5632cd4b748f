"""No page on which somebody does more than answer says a word that is not in the catalogue, nor where it sends back what was filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.languages.pseudo import LEFT_TO_RIGHT
from tests import cast
from tests import make_approvals as make
from tests import make_changes as changes
from tests.languages import act_stories, stories
from tests.languages.untranslated import find_untranslated
from tests.make_ledger import use_own_keys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pseudo_locales")]
PSEUDO, GERMAN = {"Accept-Language": LEFT_TO_RIGHT}, {"Accept-Language": "de"}


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def untranslated_at(place: stories.Place) -> list[str]:
    assert place.reader is not None
    answer = act_stories.recent_client_of(place.reader).get(place.path, headers=PSEUDO)
    assert answer.status_code == 200, place.path
    page = answer.content.decode()
    assert '<main id="main" tabindex="-1">' in page, f"{place.path} is not translated"
    return find_untranslated(page, stories.list_names())


@pytest.mark.parametrize("tell", [act_stories.of_exceptions])
def test_no_word_is_outside_of_the_catalogue(tell: Callable[[], Iterator[stories.Place]]) -> None:
    found = {place.name: untranslated_at(place) for place in tell()}
    assert {name: words for name, words in found.items() if words} == {}
    assert len(found) > 1


class TestWhatIsSentBack:
    """Words that whoever filled in a form reads about it: in its frame, and what it got and expected as the act says it."""

    def test_of_an_exception(self) -> None:
        now = timezone.now()
        make.set_stage(source=changes.WAIVABLE, now=now)
        about = make.ask(now=now)
        until = (now + timedelta(days=60)).strftime("%Y-%m-%dT%H:%M")
        given = {"reason": "Broken.", "owner": cast.bob().pk, "until": until, "scope": "place"}
        path, client = f"{reverse('approvals:exception_ask', args=[about.pk])}?rule=provenance", act_stories.recent_client_of(cast.bob())
        answer = client.post(path, given, headers=PSEUDO)
        assert (answer.status_code, find_untranslated(answer.content.decode(), stories.list_names())) == (400, [])
        page = client.post(path, given, headers=GERMAN).content.decode()
        assert "Erwartet: a moment from now on and within 14 days, as the policy allows." in page
        assert "Weder Sie noch diese Person entscheiden darüber." in page
