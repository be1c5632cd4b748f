"""Notices by mail: those wanted, once, and again only where nobody knows whether it went."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from identities.lifecycle.compromise import mark_compromised
from identities.models import User
from identities.preferences.change import change_mailing
from portal.models import Notice
from portal.notices.follow_ledger import follow_ledger
from portal.notices.mail_notices import CLAIM, GIVE_UP, mail_notices
from tests import cast
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def mail_server(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)
    settings.EMAIL_HOST = "mail.example"


def send(now: datetime = cast.NOW) -> int:
    return mail_notices(clock=lambda: now)


def test_a_notice_is_mailed_once_with_its_link() -> None:
    cast.alice()
    follow_ledger(now=cast.NOW)
    assert (send(), send()) == (1, 0)
    (message,) = mail.outbox
    assert message.to == ["alice@payments.example"]
    assert message.subject == "Countersign: You are now a release approver in payments."
    assert f"/identities/{cast.alice().pk}" in message.body
    assert Notice.objects.get().mailed_at == cast.NOW


def test_what_a_person_does_not_want_is_not_mailed_but_what_is_about_roles_is() -> None:
    bob, runner = cast.bob(), cast.runner()
    change_mailing(mailed=[], by=bob, now=cast.NOW)
    mark_compromised(identity=runner, since=cast.NOW, reason="Stolen", by=None, now=cast.NOW)
    follow_ledger(now=cast.NOW)
    send()
    assert [message.subject for message in mail.outbox] == ["Countersign: You are now a requester in payments."]


def test_nothing_old_is_mailed_when_a_server_comes_later(settings: Any) -> None:
    settings.EMAIL_HOST = ""
    cast.alice()
    follow_ledger(now=cast.NOW)
    settings.EMAIL_HOST = "mail.example"
    assert send() == 0


def test_one_that_somebody_is_sending_waits_and_is_given_up_after_a_day() -> None:
    cast.alice()
    follow_ledger(now=cast.NOW)
    Notice.objects.update(mail_tried_at=cast.NOW)
    assert send(cast.NOW + CLAIM - timedelta(seconds=1)) == 0
    assert send(cast.NOW + GIVE_UP) == 0
    assert send(cast.NOW + CLAIM) == 1


def test_an_address_that_is_none_holds_nobody_up() -> None:
    for person, address in ((cast.alice(), "alice\n@payments.example"), (cast.bob(), "bob@payments.example")):
        User.objects.filter(identity=person).update(email=address)
    follow_ledger(now=cast.NOW)
    assert send() == 1
    assert [message.to for message in mail.outbox] == [["bob@payments.example"]]
    assert Notice.objects.get(identity=cast.alice()).mail_wanted is False


def test_a_server_that_does_not_answer_loses_nothing(settings: Any) -> None:
    cast.alice()
    follow_ledger(now=cast.NOW)
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert send() == 0
    assert Notice.objects.get().mailed_at is None
    settings.EMAIL_BACKEND = working
    assert send(cast.NOW + CLAIM) == 1


def test_the_sentence_is_one_line_whatever_is_in_it() -> None:
    """In the subject, and in the body, where a second line would look like one of ours."""
    cast.alice()
    follow_ledger(now=cast.NOW)
    Notice.objects.update(sentence="A key\r\nBcc: mallory@evil.example\u2028Approve here")
    send()
    assert mail.outbox[0].subject == "Countersign: A key Bcc: mallory@evil.example Approve here"
    assert mail.outbox[0].body.splitlines()[0] == "A key Bcc: mallory@evil.example Approve here"


def test_markup_in_the_sentence_stays_text() -> None:
    cast.alice()
    follow_ledger(now=cast.NOW)
    Notice.objects.update(sentence='A key <a href="https://evil.example">approve</a>')
    send()
    message = mail.outbox[0].message()
    # No program that shows mail is asked to draw it.
    assert (message.get_content_type(), message.is_multipart()) == ("text/plain", False)
    assert '<a href="https://evil.example">approve</a>' in str(message.get_payload())
