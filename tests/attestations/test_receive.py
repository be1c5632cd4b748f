"""Evidence comes in: exact bytes, one attestation for the same bytes, and every limit with its code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from attestations.blobs import bytes_of, read_blob, store_blob
from attestations.models import Attestation, Blob, Submission, VerificationJob
from ledger.models import Entry
from proofs.digest import sha256_hex
from tests import cast
from tests.make_attestations import make_signer, make_statement, register_key, verify_now

pytestmark = pytest.mark.django_db
SEND = "/api/v1/attestations"


def send(content: bytes, *, token: str | None = None, content_type: str = "application/vnd.dev.sigstore.bundle.v0.3+json") -> Any:
    headers = {"Authorization": f"Bearer {token or cast.token_of(cast.runner())}"}
    return Client().post(SEND, data=content, content_type=content_type, headers=headers)


def signed() -> bytes:
    return make_signer().sign(make_statement())


class TestSend:
    def test_answers_202_with_id_digest_and_where_the_verdict_will_be(self) -> None:
        content = signed()
        answer = send(content)
        assert answer.status_code == 202
        body = answer.json()
        assert body["digest"] == f"sha256:{sha256_hex(content)}"
        assert body["status"] == "waiting"
        assert body["statusUrl"] == answer["Location"] == f"http://localhost:8000/api/v1/attestations/{body['id']}"

    @pytest.mark.parametrize(
        "content_type",
        ["application/json", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain; charset=latin-1", ""],
    )
    def test_keeps_the_exact_bytes_whatever_they_are_sent_as(self, content_type: str) -> None:
        content = b"  \n" + signed() + b"\n\n"
        answer = send(content, content_type=content_type)
        assert answer.status_code == 202, answer.content
        attestation = Attestation.objects.get(pk=answer.json()["id"])
        assert read_blob(attestation.blob_id) == content

    def test_writes_it_into_the_ledger_and_leaves_the_work_as_a_row(self) -> None:
        content = signed()
        answer = send(content)
        entry = Entry.objects.get(event="evidence.received")
        assert entry.ref_digest == sha256_hex(content)
        job = VerificationJob.objects.get(pk=answer.json()["id"])
        assert (job.state, job.attempts) == ("waiting", 0)

    def test_the_same_bytes_again_are_the_same_attestation(self) -> None:
        content, token = signed(), cast.token_of(cast.runner())
        first, second = send(content, token=token), send(content, token=token)
        assert (first.status_code, second.status_code) == (202, 200)
        assert first.json()["id"] == second.json()["id"]
        assert Attestation.objects.count() == Submission.objects.count() == VerificationJob.objects.count() == 1
        assert Entry.objects.filter(event="evidence.received").count() == 1

    def test_another_sender_of_the_same_bytes_is_remembered(self) -> None:
        content, service = signed(), register_key(make_signer())
        first, second = send(content), send(content, token=cast.token_of(service))
        assert first.json()["id"] == second.json()["id"]
        assert {row.identity for row in Submission.objects.all()} == {cast.runner(), service}

    def test_does_not_verify_before_it_answers(self) -> None:
        answer = send(b'{"payload":"e30=","payloadType":"text/plain","signatures":[{"sig":"AA=="}]}')
        assert answer.status_code == 202
        assert verify_now(Attestation.objects.get(pk=answer.json()["id"])).result == "rejected"


class TestRefuses:
    @pytest.mark.parametrize(
        ("content", "status", "code"),
        [
            (b"", 400, "evidence.empty"),
            (b"{", 400, "json.invalid"),
            (b"\xff\xfe{}", 400, "json.invalid"),
            (b"{}", 400, "evidence.unknown_format"),
            (b"[]", 400, "evidence.unknown_format"),
            (b'"text"', 400, "evidence.unknown_format"),
            (b'{"payload":"","payload":"","payloadType":"","signatures":[]}', 400, "json.duplicate_key"),
            (b'{"payload":{"a":1,"a":2},"payloadType":"","signatures":[]}', 400, "json.duplicate_key"),
            (b'{"a":' * 65 + b"1" + b"}" * 65, 413, "json.too_deep"),
            (b"[" * 500_000, 413, "json.too_deep"),
            (b"[" + b"{}," * 300_000 + b"{}]", 413, "json.too_many_parts"),
            (b'{"payload":NaN,"payloadType":"","signatures":[]}', 400, "json.float"),
        ],
    )
    def test_hostile_input_with_its_own_code(self, content: bytes, status: int, code: str) -> None:
        answer = send(content)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer["Content-Type"] == "application/problem+json"
        assert not Attestation.objects.exists()
        assert not Blob.objects.filter(digest=sha256_hex(content)).exists()

    def test_one_byte_too_many(self, settings: Any) -> None:
        content = signed()
        settings.MAX_EVIDENCE_BYTES = len(content)
        assert send(content).status_code == 202
        answer = send(content + b"\n")
        assert (answer.status_code, answer.json()["code"]) == (413, "evidence.too_large")

    def test_what_the_web_server_would_not_even_hold(self, settings: Any) -> None:
        answer = send(b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
        assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")

    def test_nobody_without_a_credential(self) -> None:
        answer = Client().post(SEND, data=signed(), content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (401, "credential.missing")
        assert not Attestation.objects.exists()

    def test_a_credential_without_the_scope(self) -> None:
        answer = send(signed(), token=cast.token_of(cast.runner(), "read"))
        assert (answer.status_code, answer.json()["code"]) == (403, "permission.scope")
        assert not Attestation.objects.exists()

    def test_a_person_with_a_browser(self) -> None:
        client = Client()
        client.force_login(cast.account_of(cast.alice()))
        answer = client.post(SEND, data=signed(), content_type="application/json")
        assert answer.status_code == 403
        assert not Attestation.objects.exists()

    def test_a_wrong_token(self) -> None:
        assert send(signed(), token="csk_" + "A" * 26 + "_wrong").status_code == 401


class TestRead:
    def test_tells_who_signed_what_it_is_about_and_what_was_not_checked(self) -> None:
        signer = make_signer()
        service = register_key(signer)
        token = cast.token_of(cast.runner())
        sent = send(signer.sign(make_statement("a.tar", "b.tar")), token=token)
        verify_now(Attestation.objects.get(pk=sent.json()["id"]))
        body = Client().get(sent.json()["statusUrl"], headers={"Authorization": f"Bearer {token}"}).json()
        assert (body["status"], body["result"], body["code"]) == ("done", "verified", "evidence.verified")
        assert body["signer"] == {
            "id": service.pk,
            "kind": "service",
            "name": "scan service",
            "issuer": "https://ci.example",
            "subject": "scan service",
        }
        assert {(subject["name"], subject["claimed"]) for subject in body["subjects"]} == {("a.tar", False), ("b.tar", False)}
        assert {"check": "signer", "outcome": "pass", "code": "signer.registered"}.items() <= body["findings"][-1].items()
        assert any("trusted time" in sentence for sentence in body["notChecked"])
        assert body["verdictDigest"].startswith("sha256:")

    def test_while_it_waits_there_is_no_result(self) -> None:
        token = cast.token_of(cast.runner())
        sent = send(signed(), token=token)
        body = Client().get(sent.json()["statusUrl"], headers={"Authorization": f"Bearer {token}"}).json()
        assert (body["status"], body["result"], body["signer"], body["findings"]) == ("waiting", None, None, [])

    def test_the_sender_may_read_its_own_and_no_others(self) -> None:
        service = register_key(make_signer())
        sent = send(signed(), token=cast.token_of(cast.runner(), "attestations:write"))
        url = reverse("attestations:api_attestation", args=[sent.json()["id"]])

        def status(identity: Any, *scopes: str) -> int:
            return Client().get(url, headers={"Authorization": f"Bearer {cast.token_of(identity, *scopes)}"}).status_code

        assert status(cast.runner(), "attestations:write") == 200
        assert status(service, "attestations:write") == 403
        assert status(service, "read") == 200
        assert status(cast.runner(), "gates:decide") == 403

    def test_people_read_it_with_a_role_and_not_without(self) -> None:
        url = reverse("attestations:api_attestation", args=[send(signed()).json()["id"]])
        for person, expected in ((cast.carol(), 200), (cast.mallory(), 403)):
            client = Client()
            client.force_login(cast.account_of(person))
            assert client.get(url).status_code == expected
        assert Client().get(url).status_code == 401

    def test_an_unknown_id_is_not_found(self) -> None:
        answer = Client().get("/api/v1/attestations/att_nothing", headers={"Authorization": f"Bearer {cast.token_of(cast.runner())}"})
        assert (answer.status_code, answer.json()["code"]) == (404, "attestation.unknown")


def test_json_that_a_lax_reader_would_take_two_ways_never_gets_in() -> None:
    """The reader of the statement must see what the reader of the envelope saw."""
    value = json.loads(signed())
    text = json.dumps(value).replace('"payloadType"', '"payloadType": "a/b", "payloadType"')
    assert send(text.encode()).json()["code"] == "json.duplicate_key"


def test_bytes_are_looked_up_and_stored_and_not_read_back(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        new = store_blob(b"new", cast.NOW)
    with django_assert_num_queries(1):
        again = store_blob(b"new", cast.NOW)
    assert new == again == Blob.objects.get(pk=sha256_hex(b"new"))
    assert bytes_of(new) == bytes_of(again) == b"new"
