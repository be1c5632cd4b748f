"""Sending a file of evidence from a page, and the page that follows its items."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from attestations.collection.receive import receive_collection
from attestations.models import Attestation, Collection
from tests import cast
from tests import make_approvals as make
from tests.make_attestations import NOW, make_signer, make_statement, register_key, verify_now
from tests.proofs.collection.archives import tgz_of, zip_of

pytestmark = pytest.mark.django_db
NEW = "/collections/new"


def browser(identity: Any = None, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(cast.account_of(identity or cast.bob()))
    return client


def signed(*names: str) -> bytes:
    return make_signer().sign(make_statement(*names))


def upload(client: Client, content: bytes, *, name: str = "evidence.zip", accept: str = "text/html", **fields: str) -> Any:
    return client.post(NEW, {"file": SimpleUploadedFile(name, content), **fields}, headers={"Accept": accept})


class TestSendPage:
    def test_works_as_a_plain_form_and_loads_its_script(self) -> None:
        text = browser().get(NEW).content.decode()
        assert 'enctype="multipart/form-data"' in text
        assert "js/upload.js" in text
        assert '<label for="sent">' in text
        assert 'role="status"' in text
        answer = upload(browser(), zip_of([("a.json", signed())]))
        collection = Collection.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, f"/collections/{collection.pk}")
        assert (collection.name, collection.identity) == ("evidence.zip", cast.bob())

    def test_tells_its_script_where_to_go(self) -> None:
        answer = upload(browser(), signed(), accept="application/json")
        assert (answer.status_code, answer.json()) == (201, {"url": f"/collections/{Collection.objects.get().pk}"})

    def test_keeps_the_exact_bytes(self) -> None:
        content = b"\r\n " + signed() + b"\r\n"
        upload(browser(), content)
        assert bytes(Attestation.objects.get().blob.content) == content

    def test_says_on_the_page_why_nothing_was_taken_in(self) -> None:
        answer = upload(browser(), tgz_of([("a", signed())])[:-20])
        text = answer.content.decode()
        assert answer.status_code == 400
        assert "Nothing was taken in." in text
        assert "collection.unreadable" in text
        answer = upload(browser(), b"<html>", accept="application/json")
        assert (answer.status_code, answer.json()["code"]) == (400, "collection.unknown_format")

    def test_asks_for_a_file(self) -> None:
        answer = browser().post(NEW, {}, headers={"Accept": "text/html"})
        assert answer.status_code == 400
        assert "Choose a file first." in answer.content.decode()
        assert "collection.empty" in upload(browser(), b"").content.decode()

    def test_a_file_larger_than_a_form_may_be_gets_in_and_one_over_its_limit_does_not(self, settings: Any) -> None:
        settings.MAX_COLLECTION_BYTES = 2_500_000
        large = b"\n".join(signed(*(f"{number}.tar" for number in range(200))) for _ in range(60))
        assert 1_200_000 < len(large) < 2_500_000
        assert upload(browser(), large).status_code == 302
        answer = upload(browser(), b" " * 2_600_000)
        assert answer.status_code == 413

    @pytest.mark.parametrize(("name", "kept"), [("in\u202evoice.zip", "invoice.zip"), ("../../up.zip", "up.zip"), ("x" * 201, "")])
    def test_a_name_that_deceives_is_not_kept(self, name: str, kept: str) -> None:
        upload(browser(), signed(), name=name)
        assert Collection.objects.get().name == kept

    def test_a_form_from_elsewhere_is_refused(self) -> None:
        client = browser(enforce_csrf_checks=True)
        assert upload(client, signed()).status_code == 403
        client.get(NEW)
        token = client.cookies["csrf"].value
        assert upload(client, signed(), csrfmiddlewaretoken="wrong" + token[5:]).status_code == 403
        assert not Attestation.objects.exists()
        assert upload(client, signed(), csrfmiddlewaretoken=token).status_code == 302

    @pytest.mark.parametrize("who", [cast.alice, cast.carol, cast.dave, cast.mallory])
    def test_is_for_requesters(self, who: Any) -> None:
        client = browser(who())
        assert client.get(NEW, headers={"Accept": "text/html"}).status_code == 403
        assert upload(client, signed()).status_code == 403
        assert not Attestation.objects.exists()

    def test_strangers_are_sent_to_sign_in_and_a_credential_is_none(self) -> None:
        for headers in ({}, {"Authorization": f"Bearer {cast.token_of(cast.runner())}"}):
            assert Client().get(NEW, headers=headers)["Location"].startswith("/accounts/login/")

    def test_is_linked_for_those_who_may(self) -> None:
        attestation = receive_collection(content=signed(), name="", by=cast.runner(), now=NOW)[1][0].attestation
        assert attestation is not None
        verdict = verify_now(attestation)
        digest = verdict.subjects.get().artifact_id
        for address in ("/artifacts", f"/artifacts/{digest}", f"/artifacts/sha256:{'0' * 64}", f"/attestations/{attestation.pk}"):
            assert NEW in browser().get(address).content.decode(), address
            assert NEW not in browser(cast.carol()).get(address).content.decode(), address


class TestCollectionPage:
    def test_follows_its_items_until_every_verdict_is_there(self) -> None:
        signer = make_signer()
        register_key(signer)
        lines = [signer.sign(make_statement("a.tar")), b"{}", signed("b.tar")]
        collection, answers = receive_collection(content=b"\n".join(lines), name="week.jsonl", by=cast.bob(), now=NOW)
        client = browser(cast.carol())
        text = client.get(f"/collections/{collection.pk}").content.decode()
        assert 'hx-trigger="every 2s"' in text
        assert "3 items: 2 waiting, 0 verified, 1 not taken in." in text
        assert "week.jsonl" in text
        assert f'href="/collections/{collection.pk}"' in text
        assert answers[0].attestation is not None
        verify_now(answers[0].attestation)
        text = client.get(f"/collections/{collection.pk}").content.decode()
        assert "hx-" not in text
        assert "htmx" not in text
        assert "3 items: 1 verified, 1 rejected, 1 not taken in." in text
        assert "evidence.unknown_format" in text
        assert "dsse.key_unknown" in text
        assert f'href="/attestations/{answers[0].attestation.pk}"' in text

    def test_shows_the_label_as_unsigned_and_escapes_it(self) -> None:
        raw = b'{"attestations":[{"predicateType":"<b>prov</b>","bundle":' + signed() + b"}]}"
        collection, _ = receive_collection(content=raw, name="<i>.json", by=cast.bob(), now=NOW)
        text = browser().get(f"/collections/{collection.pk}").content.decode()
        assert "labelled &lt;b&gt;prov&lt;/b&gt;, unsigned" in text
        assert "<i>.json" not in text

    def test_says_what_was_not_reached(self) -> None:
        short = Collection.objects.create(identity=cast.bob(), digest="0" * 64, kind="tar", size=1, item_count=3, received_at=NOW)
        assert "3 of 3 items were not reached." in browser().get(f"/collections/{short.pk}").content.decode()

    def test_many_items_come_in_pages(self) -> None:
        collection, _ = receive_collection(content=b"{}\n" * 230, name="", by=cast.bob(), now=NOW)
        client = browser()
        assert "line 100<" in client.get(f"/collections/{collection.pk}").content.decode()
        text = client.get(f"/collections/{collection.pk}?page=3").content.decode()
        assert "line 230<" in text
        assert "line 200<" not in text
        assert "Previous" in text

    def test_needs_a_role_and_exists(self) -> None:
        collection, _ = receive_collection(content=b"{}", name="", by=cast.bob(), now=NOW)
        assert browser(cast.mallory()).get(f"/collections/{collection.pk}").status_code == 403
        assert browser().get("/collections/col_nothing").status_code == 404

    def test_other_teams_are_told_that_there_is_none(self) -> None:
        collection, _ = receive_collection(content=b"{}", name="", by=cast.bob(), now=NOW)
        stranger = make.other_teams_bot()
        assert browser(stranger.owner).get(f"/collections/{collection.pk}").status_code == 404
        token = f"Bearer {cast.token_of(stranger, 'read')}"
        answer = Client(headers={"Authorization": token}).get(f"/api/v1/collections/{collection.pk}")
        assert (answer.status_code, answer.json()["code"]) == (404, "collection.unknown")
