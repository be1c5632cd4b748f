"""No page on which somebody does more than answer says a word that is not in the catalogue, nor where it sends back what was filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import strip_tags

from portal.languages.pseudo import LEFT_TO_RIGHT
from portal.languages.retell import retell
from proofs.errors import NotAllowed
from tests import cast
from tests import make_approvals as make
from tests import make_break_glass as glass
from tests import make_changes as changes
from tests import make_delegations as lending
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


@pytest.mark.parametrize(
    "tell",
    [
        act_stories.of_exceptions,
        act_stories.of_delegations,
        act_stories.of_asking,
        act_stories.of_break_glass,
        act_stories.of_revoking,
        act_stories.of_comparing,
        act_stories.of_indicators,
        act_stories.of_expectations,
    ],
)
def test_no_word_is_outside_of_the_catalogue(tell: Callable[[], Iterator[stories.Place]]) -> None:
    found = {place.name: untranslated_at(place) for place in tell()}
    assert {name: words for name, words in found.items() if words} == {}
    assert len(found) > 1


class TestWhatIsSigned:
    """The page of a statement: its words are translated, what is signed stands there in English, marked so."""

    @pytest.mark.parametrize(
        ("begin", "reads", "title", "signed"),
        [
            (
                act_stories.begin_to_revoke,
                cast.alice,
                "Freigabe widerrufen",
                "Revoke the approval that Alice Chen gave: the approver withdrew it",
            ),
            (
                act_stories.begin_to_delegate,
                cast.alice,
                "Sich vertreten lassen",
                "Dana Okafor answers for you as approver:release in payments-api",
            ),
            (act_stories.begin_to_break_the_glass, glass.declarer, "Notzugriff erklären", "Break the glass: payments/api"),
        ],
    )
    def test_is_english_inside_of_a_translated_page(self, begin: Any, reads: Any, title: str, signed: str) -> None:
        now = timezone.now()
        stage = make.set_stage(source=glass.POLICY, now=now)
        make.send_provenance(stage, now=now)
        make.approve(make.ask(now=now), cast.alice(now=now), now=now)
        client = act_stories.recent_client_of(reads(now=now))
        path = begin(client)
        page = client.get(path, headers=PSEUDO).content.decode()
        assert '<main id="main" tabindex="-1">' in page
        assert find_untranslated(page, stories.list_names()) == []
        german = client.get(path, headers=GERMAN).content.decode()
        assert f"<title>Signieren: {title} · Countersign</title>" in german
        assert f'data-signed="summary" lang="en">{signed}' in german


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

    def test_of_a_delegation(self) -> None:
        now = timezone.now()
        make.set_stage(source=lending.ALLOWED, now=now)
        alice = cast.alice()
        given = act_stories.delegation_form(now, days=40)
        path, client = reverse("approvals:delegation_new"), act_stories.recent_client_of(alice)
        page = client.post(path, given, headers=GERMAN).content.decode()
        assert "40 Tage erhalten; erwartet werden höchstens 30." in page or "41 Tage erhalten; erwartet werden höchstens 30." in page
        given = act_stories.delegation_form(now, days=2)
        page = client.post(path, {**given, "roles": ["approver:owner"]}, headers=GERMAN).content.decode()
        assert "Erhalten: Eigentümer-Freigeber. Erwartet: eigene Rollen hier, nämlich Release-Freigeber." in page
        answer = client.post(path, {"roles": "approver:none"}, headers=PSEUDO)
        assert (answer.status_code, find_untranslated(answer.content.decode(), stories.list_names())) == (400, [])

    @pytest.mark.parametrize(
        ("roles", "told"),
        [
            (("requester",), "Rollen von Nia Roth: Antragsteller in payments. Nötig für die Freigabe in payments-api: eine der Rollen"),
            ((), "Nia Roth hat keine Rolle. Nötig für die Freigabe in payments-api: eine der Rollen"),
            (("approver:owner",), "Nia Roth hat keinen Freigabeschlüssel; eine Vertretung signiert mit dem eigenen."),
        ],
    )
    def test_of_somebody_who_could_not_answer(self, roles: tuple[str, ...], told: str) -> None:
        make.set_stage(source=lending.ALLOWED)
        nia = cast.person("nia", "Nia Roth", *roles)
        with pytest.raises(NotAllowed) as refused:
            lending.begin(cast.alice(), nia)
        with translation.override("de"):
            said = retell(f"{refused.value.reason[:1].upper()}{refused.value.reason[1:]}.")
        assert strip_tags(said or "").startswith(told)

    def test_of_a_new_request(self) -> None:
        make.set_stage(now=timezone.now())
        where = {"project": cast.payments_api().pk, "environment": cast.production().pk, "title": "payments/api 1.4.2"}
        path, client = reverse("approvals:request_new"), act_stories.recent_client_of(cast.bob())
        page = client.post(path, {**where, "artifacts": "latest", "people": "ana"}, headers=GERMAN).content.decode()
        assert "Zeile 1: Erhalten: &#x27;latest&#x27;. Erwartet: sha256:&lt;64 lowercase hex characters&gt;." in page
        assert "Zeile 1: Erwartet werden der Grund und ein Konto, wie „commit-author github:12345“." in page
        twice = f"{make.image()}\n{make.image()}"
        page = client.post(path, {**where, "artifacts": twice}, headers=GERMAN).content.decode()
        assert "Denselben Digest zweimal erhalten; erwartet wird jedes Artefakt einmal." in page
        for kind in ("release", "promotion", "rotation"):
            answer = client.post(f"{path}?kind={kind}", {"artifacts": twice}, headers=PSEUDO)
            assert (answer.status_code, find_untranslated(answer.content.decode(), stories.list_names())) == (400, []), kind

    def test_of_a_break_glass_and_a_revocation(self) -> None:
        now = timezone.now()
        stage = make.set_stage(source=glass.POLICY, now=now)
        make.send_provenance(stage, now=now)
        approval = make.approve(make.ask(now=now), cast.alice(now=now), now=now)
        person = glass.declarer(now=now)
        given = {"incident": "INC-8", "justification": "Down.", "hours": 9, "max_uses": 1, "key": glass.key_of(person, now=now).pk}
        client, path = act_stories.recent_client_of(person), act_stories.path_to_break_the_glass()
        page = client.post(path, given, headers=GERMAN).content.decode()
        assert "9 Stunden erhalten; erwartet werden 1 bis 2, wie die Richtlinie es erlaubt." in page
        for reader, form in ((person, path), (cast.alice(), reverse("approvals:revoke", args=[approval.pk]))):
            answer = act_stories.recent_client_of(reader).post(form, {"key": "none"}, headers=PSEUDO)
            assert (answer.status_code, find_untranslated(answer.content.decode(), stories.list_names())) == (400, []), form
        refused = act_stories.recent_client_of(cast.alice()).get(path, headers=GERMAN).content.decode()
        assert "Die Richtlinie erlaubt den Notzugriff diesen Rollen: Eigentümer-Freigeber. Keine davon haben Sie hier." in refused

    def test_of_expectations(self) -> None:
        now = timezone.now()
        make.set_stage(source=make.BY_PROJECT, now=now)
        erin = make.erin(now=now)
        make.expect(now=now)
        changes.frank(now=now)
        client, path = act_stories.recent_client_of(erin), reverse("approvals:expectations_propose", args=[cast.payments_api().pk])
        given = {"source": act_stories.expectations_source(2), "note": "", "act": "compare"}
        answer = client.post(path, given, headers=PSEUDO)
        assert (answer.status_code, find_untranslated(answer.content.decode(), stories.list_names())) == (200, [])
        page = client.post(path, given, headers=GERMAN).content.decode()
        assert "Verglichen mit Version <bdi>1</bdi>, die in Kraft ist." in page and '<p lang="en">accepted from now on: ' in page
        assert "Was signiert wird, ist auf Englisch, für alle gleich." in page
        given = {**given, "source": act_stories.expectations_source(1), "act": "propose"}
        page = client.post(path, given, headers=GERMAN).content.decode()
        assert "Version 1 nennt schon ein anderes Dokument; geben Sie dem geänderten eine neue Version." in page
        given["source"] = act_stories.expectations_source(1, "release")
        page = client.post(path, given, headers=GERMAN).content.decode()
        assert "Version 1 der Erwartungen von payments-api ist schon in Kraft." in page
        answer = client.post(path, {"act": "propose"}, headers=PSEUDO)
        assert (answer.status_code, find_untranslated(answer.content.decode(), stories.list_names())) == (400, [])
