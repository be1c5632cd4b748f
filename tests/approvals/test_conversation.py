"""Comments: plain text beside the answers, never one of them; names reach only people who may read the request."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from approvals.conversation.add_comment import Commented, add_comment, withdraw_comment
from approvals.conversation.mentions import find_names
from approvals.conversation.timeline import read_timeline
from approvals.models import Attention, Comment, Request
from approvals.requests.status import compute_standing
from attestations.blobs import bytes_of
from attestations.models import Blob
from identities.models import Identity
from proofs.errors import Conflict, Malformed, NotAllowed, NotFound, TooLarge
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_() -> Request:
    cast.alice()
    make.send_provenance(make.set_stage())
    return make.ask()


def say(request: Request, text: str, by: Identity | None = None, **more: Any) -> Commented:
    return add_comment(request=request, text=text, by=by or cast.alice(), now=make.NOW, **more)


def named(request: Request) -> set[str]:
    return set(Attention.objects.filter(request=request, reason_code="mentioned").values_list("identity__name", flat=True))


class TestAdd:
    def test_the_ledger_holds_the_digest_and_not_the_text(self, request_: Request) -> None:
        comment = say(request_, "Why\u0301 today?").comment
        assert (comment.text, comment.revision_number, comment.entry.event) == ("Wh\u00fd today?", 1, "request.commented")
        document = bytes_of(Blob.objects.get(pk=comment.entry.ref_digest))
        assert b"today" not in document
        assert comment.pk.encode() in document

    def test_it_is_no_answer(self, request_: Request) -> None:
        before = compute_standing(request_, now=make.NOW)
        say(request_, "I approve this, LGTM")
        after = compute_standing(request_, now=make.NOW)
        assert (after.status, after.answers) == (before.status, ())

    @pytest.mark.parametrize(
        ("text", "refusal"), [("", Malformed), (" \n", Malformed), ("x" * 2001, TooLarge), ("a\u202eb", Malformed), ("a\x07b", Malformed)]
    )
    def test_only_plain_words(self, request_: Request, text: str, refusal: type[Exception]) -> None:
        with pytest.raises(refusal) as refused:
            say(request_, text)
        assert refused.value.code == "request.text"  # type: ignore[attr-defined]

    def test_not_by_somebody_who_may_not_read_it(self, request_: Request) -> None:
        with pytest.raises(NotAllowed):
            say(request_, "Hello", cast.mallory())
        with pytest.raises(NotAllowed):
            say(request_, "Hello", make.other_teams_bot())

    def test_rows_never_change(self, request_: Request) -> None:
        say(request_, "Hello")
        with pytest.raises(DatabaseError), transaction.atomic():
            Comment.objects.all()._raw_delete(using="default")


class TestMentions:
    @pytest.mark.parametrize(
        ("text", "names"),
        [("@carol, look", ["carol"]), ("ask @a.b-c.", ["a.b-c"]), ("bob@payments.example", []), ("@carol @carol", ["carol"]), ("@ x", [])],
    )
    def test_are_read(self, text: str, names: list[str]) -> None:
        assert find_names(text) == names

    def test_ask_that_person_until_they_say_something(self, request_: Request) -> None:
        carol = cast.carol()
        assert say(request_, "@carol what do you think?").unknown == ()
        assert named(request_) == {"Carol Idris"}
        say(request_, "Fine by me", carol)
        assert named(request_) == set()

    def test_and_again_when_named_again(self, request_: Request) -> None:
        carol = cast.carol()
        say(request_, "@carol?")
        say(request_, "Yes", carol)
        say(request_, "@carol, sure?")
        assert named(request_) == {"Carol Idris"}

    def test_of_nobody_who_may_read_it_stay_text_and_are_told_alike(self, request_: Request) -> None:
        cast.mallory()
        added = say(request_, "@mallory and @nobody")
        assert (added.unknown, added.comment.mentions.count()) == (("mallory", "nobody"), 0)

    def test_of_oneself_ask_nobody(self, request_: Request) -> None:
        assert say(request_, "@alice notes").unknown == ()
        assert named(request_) == set()


class TestBetterWordsAndNone:
    def test_better_words_are_a_comment_of_their_own(self, request_: Request) -> None:
        cast.carol()
        first = say(request_, "@carol?").comment
        better = say(request_, "@bob?", replaces=first.pk).comment
        assert better.replaces == first
        assert named(request_) == {"Bob Ruiz"}
        shown = [(item.quote, item.gone) for item in read_timeline(request_) if item.comment]
        assert shown == [("", "said better below"), ("@bob?", "")]

    def test_what_is_taken_back_keeps_its_place(self, request_: Request) -> None:
        cast.carol()
        comment = say(request_, "@carol?").comment
        withdraw_comment(request=request_, comment_id=comment.pk, by=cast.alice(), now=make.NOW)
        assert named(request_) == set()
        assert [(item.quote, item.gone) for item in read_timeline(request_) if item.comment] == [("", "taken back by its author")]

    def test_only_ones_own_and_only_once(self, request_: Request) -> None:
        comment = say(request_, "Hello").comment
        with pytest.raises(NotAllowed) as theirs:
            withdraw_comment(request=request_, comment_id=comment.pk, by=cast.bob(), now=make.NOW)
        withdraw_comment(request=request_, comment_id=comment.pk, by=cast.alice(), now=make.NOW)
        with pytest.raises(Conflict) as gone:
            say(request_, "Hello again", replaces=comment.pk)
        with pytest.raises(NotFound) as unknown:
            withdraw_comment(request=request_, comment_id="com_x", by=cast.alice(), now=make.NOW)
        assert [each.value.code for each in (theirs, gone, unknown)] == ["comment.not_yours", "comment.gone", "comment.unknown"]


class TestDoors:
    def client_of(self, person: Identity) -> Client:
        client = Client()
        client.force_login(cast.account_of(person))
        return client

    def beside(self, client: Client, request: Request) -> str:
        return client.get(reverse("approvals:request_live", args=[request.pk])).content.decode()

    def test_markup_is_shown_as_text_beside_everything_that_happened(self, request_: Request) -> None:
        client = self.client_of(cast.alice())
        address = reverse("approvals:comment", args=[request_.pk])
        page = client.post(address, {"text": "<b>bold</b> @nobody"}, follow=True).content.decode()
        assert "Nobody who may read this request is called @nobody" in html.unescape(page)
        page = self.beside(client, request_)
        assert "&lt;b&gt;bold&lt;/b&gt;" in page
        assert "asked for it" in page
        assert "Who can unblock it" in page
        assert client.get(address).status_code == 405

    def test_a_form_leaves_it_to_others(self, request_: Request) -> None:
        client = self.client_of(cast.alice())
        client.post(reverse("approvals:leave", args=[request_.pk]), {"reason": "On <i>leave</i>"}, follow=True)
        assert "On &lt;i&gt;leave&lt;/i&gt;" in self.beside(client, request_)
        assert not Attention.objects.filter(request=request_).exists()

    def test_a_program_says_something_and_is_marked_as_one(self, request_: Request) -> None:
        client, headers = Client(), {"Authorization": f"Bearer {cast.token_of(cast.runner(), 'requests:write')}"}
        address = reverse("approvals:api_comments", args=[request_.pk])
        sent = client.post(address, {"text": "Tests took 4 minutes"}, content_type="application/json", headers=headers)
        assert (sent.status_code, sent.json()["isProgram"], sent.json()["unknown"]) == (201, True, [])
        read = client.get(address, headers=headers).json()["items"]
        assert [(item["text"], item["isProgram"]) for item in read] == [("Tests took 4 minutes", True)]
        assert "(program)" in self.beside(self.client_of(cast.alice()), request_)

    def test_the_api_says_who_can_unblock_it(self, request_: Request) -> None:
        headers = {"Authorization": f"Bearer {cast.token_of(cast.runner(), 'requests:write')}"}
        answer = Client().get(reverse("approvals:api_request", args=[request_.pk]), headers=headers).json()
        assert [turn["name"] for turn in answer["waitsFor"]] == ["Alice Chen"]
        (blocker,) = answer["unblock"]
        assert (blocker["who"], blocker["whyNotYou"]) == (["Alice Chen"], "You are a program; only people approve.")
        assert answer["dueAt"] == "2026-03-02T13:00:00Z"
