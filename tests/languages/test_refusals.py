"""What a refusal says, how sure an answer is, and what a notice tells, in German. Most of it without a database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import translation

from approvals.pages.level_words import VOUCHED
from approvals.pages.makers import BECAUSE
from identities.permissions import ACTIONS
from ledger.models import Entry
from portal.errors import TITLES
from portal.languages.retell import retell, told, told_list
from portal.languages.sentences import SENTENCES
from portal.models import Notice
from proofs.approval.assurance_words import describe_signature
from proofs.approval.signed_parts import PASSKEY, SIGN_IN
from tests import cast
from tests import make_approvals as make
from tests.languages import stories
from tests.make_ledger import use_own_keys

GERMAN = {"Accept-Language": "de"}


@pytest.fixture(autouse=True)
def in_german() -> Iterator[None]:
    with translation.override("de"):
        yield


def plain(words: object) -> str:
    return re.sub(r"</?bdi>", "", str(words))


class TestWords:
    def test_every_heading_and_everything_one_may_not_do_can_be_said(self) -> None:
        wanted = {words for words, _roles in ACTIONS.values()} | {title for status, title in TITLES.items() if status < 500}
        assert wanted - set(SENTENCES) == set()

    def test_a_missing_role_is_told_whole(self) -> None:
        refusal = (
            "You are a release approver in payments and a requester in payments-refunds; reading how reviews go needs one of the roles "
            "administrator, auditor or policy-owner."
        )
        assert plain(told(refusal)) == (
            "Ihre Rollen: Release-Freigeber in payments und Antragsteller in payments-refunds. Nötig für den Überblick über Prüfungen: "
            "eine der Rollen Administrator, Auditor oder Richtlinienverantwortlicher."
        )

    def test_what_was_got_and_expected_stays_as_it_was_said_inside_of_its_frame(self) -> None:
        said = told("Got 12 characters & more, expected one of a, b.")
        assert said == 'Erhalten: <span lang="en">12 characters &amp; more</span>. Erwartet: <span lang="en">one of a, b</span>.'

    def test_a_signal_stays_as_it_is_signed(self) -> None:
        said = told("Nobody can approve this: SIGNAL 1. You can reject it or request changes.")
        assert said == 'Das kann niemand freigeben: <span lang="en">SIGNAL 1.</span> Sie können ablehnen oder Änderungen verlangen.'

    def test_reasons_that_are_joined_are_told_one_by_one(self) -> None:
        for first in BECAUSE.values():
            assert 'lang="en"' not in told_list(f"{first}, {BECAUSE['committer']} and {BECAUSE['owner']}"), first

    @pytest.mark.parametrize("level", ["H4", "H3", "H2", "H1"])
    def test_how_somebody_signed_and_what_that_rests_on(self, level: str) -> None:
        for kind in (PASSKEY, SIGN_IN):
            how = describe_signature(kind=kind, level=level, name="Alice", issuer="Okta")
            assert retell(how) and retell(how[:1].upper() + how[1:])
        assert level not in VOUCHED or retell(VOUCHED[level])


@pytest.mark.django_db
class TestPages:
    @pytest.fixture(autouse=True)
    def portal_keys(self, settings: Any, tmp_path: Path) -> None:
        use_own_keys(settings, tmp_path)

    def test_of_a_refusal_is_german_but_for_its_code(self) -> None:
        client = stories.client_of(cast.alice())
        answer = client.get(reverse("approvals:indicators"), headers=GERMAN)
        page = answer.content.decode()
        assert answer.status_code == 403
        assert "<h1>Nicht erlaubt</h1>" in page and "Nötig für den Überblick über Prüfungen" in page and "Zur Startseite" in page
        assert "<code>permission.missing</code>" in page and 'lang="en"' not in page[page.index("<main") : page.index("</main>")]

    def test_of_a_refusal_says_a_sentence(self) -> None:
        answer = stories.client_of(cast.alice()).get("/requests/nothing", headers={"Accept": "text/html", "Accept-Language": "en"})
        assert re.search(r"<p>[A-Z“][^<]*\.</p>", answer.content.decode())

    def test_of_deciding_says_what_is_missing(self) -> None:
        make.send_provenance(make.set_stage())
        request = make.ask()
        _, key = make.enrol(cast.alice())
        given = {"snapshot": request.revisions.get().snapshot_id, "decision": "reject", "key": key.pk}
        answer = stories.client_of(cast.alice()).post(reverse("approvals:sign", args=[request.pk]), given, headers=GERMAN)
        assert answer.status_code == 400
        assert "Begründen Sie es in einem Satz, damit der Antragsteller weiß, was zu tun ist." in answer.content.decode()

    def test_of_a_record_says_how_it_was_signed_and_when_to_the_second(self) -> None:
        make.send_provenance(make.set_stage())
        request = make.ask()
        approval = make.approve(request, cast.alice())
        answer = stories.client_of(cast.carol()).get(reverse("approvals:record", args=[approval.record.digest]), headers=GERMAN)
        page = answer.content.decode()
        assert "Mit einem Passkey signiert." in page and "Das Portal bürgt dafür, wem der Schlüssel gehört." in page
        assert re.search(r"<dt>Signiert</dt><dd><time[^>]*>\d+\. \w+ \d{4}, \d\d:\d\d:\d\d UTC</time>", page)

    def test_of_notices_retells_them(self) -> None:
        alice = cast.alice()
        make.set_stage()
        said = "“api 1” waits for you. You are release approver."
        Notice.objects.create(identity=alice, entry=Entry.objects.latest("pk"), kind="request.turn", sentence=said, created_at=make.NOW)
        page = stories.client_of(alice).get(reverse("portal:notices"), headers=GERMAN).content.decode()
        assert "„<bdi>api 1</bdi>“ wartet auf Sie. Sie sind Release-Freigeber." in page and "Als gelesen markieren" in page
