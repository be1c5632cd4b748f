"""Many pieces of evidence in one file, by API: each item as if it were sent alone, each with its own answer, nothing for a broken file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from attestations.blobs import read_blob
from attestations.collection.receive import receive_collection
from attestations.models import Attestation, Blob, Collection, CollectionItem, Submission, VerificationJob
from identities.models import Project
from ledger.models import Entry
from proofs.digest import sha256_hex
from proofs.errors import NotAllowed
from tests import cast
from tests.make_attestations import NOW, make_signer, make_statement, register_key, trust_production, verify_now
from tests.proofs.collection.archives import tar_of, tar_with, tgz_of, zip_of, zip_with

pytestmark = pytest.mark.django_db
SEND, SEND_ONE = "/api/v1/collections", "/api/v1/attestations"


def send(content: bytes, *, token: str | None = None, to: str = SEND, content_type: str = "application/octet-stream") -> Any:
    headers = {"Authorization": f"Bearer {token or cast.token_of(cast.runner())}"}
    return Client().generic("POST", to, content, content_type, headers=headers)


def read(url: str, token: str) -> Any:
    return Client().get(url, headers={"Authorization": f"Bearer {token}"})


def signed(*names: str) -> bytes:
    return make_signer().sign(make_statement(*names))


class TestSend:
    def test_every_item_is_an_attestation_with_its_exact_bytes(self) -> None:
        first, second = signed("a.tar"), b" " + signed("b.tar")
        answer = send(first + b"\n" + second + b"\n")
        body = answer.json()
        assert answer.status_code == 202
        assert (body["kind"], body["counts"]) == ("json-lines", {"new": 2})
        assert body["statusUrl"] == answer["Location"] == f"http://localhost:8000/api/v1/collections/{body['id']}"
        for item, content in zip(body["items"], (first, second), strict=True):
            assert (item["answer"], item["code"]) == ("new", None)
            assert item["digest"] == f"sha256:{sha256_hex(content)}"
            assert read_blob(Attestation.objects.get(pk=item["id"]).blob_id) == content
            assert item["statusUrl"].endswith(f"/api/v1/attestations/{item['id']}")
        assert VerificationJob.objects.filter(state="waiting").count() == 2
        assert Entry.objects.filter(event="evidence.received").count() == 2

    @pytest.mark.parametrize(
        "content_type", ["application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/zip", ""]
    )
    @pytest.mark.parametrize("pack", [tar_of, tgz_of, zip_of])
    def test_archives_whatever_they_are_sent_as(self, pack: Any, content_type: str) -> None:
        files = [("one.json", signed("a.tar") + b"\n"), ("two/three.json", signed("b.tar"))]
        body = send(pack(files), content_type=content_type).json()
        assert [(item["name"], item["answer"]) for item in body["items"]] == [("one.json", "new"), ("two/three.json", "new")]
        assert {bytes(row.blob.content) for row in Attestation.objects.select_related("blob")} == {content for _, content in files}

    def test_each_item_answers_for_itself(self) -> None:
        good = signed()
        lines = [good, b"{broken", b'{"some":"json"}', b'{"payload":"","payload":"","payloadType":"","signatures":[]}', good]
        answer = send(b"\n".join(lines))
        body = answer.json()
        assert answer.status_code == 207
        assert body["counts"] == {"new": 1, "refused": 3, "known": 1}
        assert [(item["position"], item["code"]) for item in body["items"]] == [
            (1, None),
            (2, "json.invalid"),
            (3, "evidence.unknown_format"),
            (4, "json.duplicate_key"),
            (5, None),
        ]
        assert body["items"][0]["id"] == body["items"][4]["id"]
        assert all(item["sentence"] for item in body["items"] if item["answer"] == "refused")
        assert Attestation.objects.count() == Submission.objects.count() == 1
        assert not Blob.objects.filter(digest=sha256_hex(lines[2])).exists()

    def test_an_item_over_the_limit_of_one_answers_as_it_would_alone(self, settings: Any) -> None:
        small, large = signed(), signed(*(f"{number}.tar" for number in range(60)))
        settings.MAX_EVIDENCE_BYTES = len(small)
        body = send(zip_of([("large", large), ("small", small)])).json()
        assert [item["code"] for item in body["items"]] == ["collection.item_too_large", None]

    def test_the_same_file_again_adds_nothing(self) -> None:
        content, token = signed() + b"\n{}\n", cast.token_of(cast.runner())
        first, second = send(content, token=token), send(content, token=token)
        assert first.json()["id"] == second.json()["id"]
        assert [item["answer"] for item in second.json()["items"]] == ["known", "refused"]
        counted = (Collection, 1), (CollectionItem, 2), (Attestation, 1), (Submission, 1), (VerificationJob, 1)
        assert [model.objects.count() for model, _ in counted] == [count for _, count in counted]
        assert send(signed(), token=token).status_code == 202
        whole = signed() + b"\n"
        assert [send(whole, token=token).status_code for _ in range(2)] == [202, 200]

    def test_sent_alone_or_in_a_file_it_is_the_same_attestation(self) -> None:
        content = signed() + b"\n"
        alone = send(content, to=SEND_ONE)
        assert send(zip_of([("x.json", content)])).json()["items"][0]["id"] == alone.json()["id"]
        assert send(content).json()["items"][0]["id"] == alone.json()["id"]

    def test_another_sender_of_the_same_file_has_a_collection_of_its_own(self) -> None:
        content, service = signed(), register_key(make_signer())
        first, second = send(content), send(content, token=cast.token_of(service))
        assert first.json()["id"] != second.json()["id"]
        assert first.json()["items"][0]["id"] == second.json()["items"][0]["id"]
        assert {row.identity for row in Submission.objects.all()} == {cast.runner(), service}

    def test_what_was_refused_is_taken_in_once_it_can_be(self, settings: Any) -> None:
        content, token = signed(), cast.token_of(cast.runner())
        whole = settings.MAX_EVIDENCE_BYTES
        settings.MAX_EVIDENCE_BYTES = len(content) - 1
        sent = send(content, token=token)
        assert sent.json()["items"][0]["code"] == "collection.item_too_large"
        settings.MAX_EVIDENCE_BYTES = whole
        assert send(content, token=token).json()["items"][0]["answer"] == "new"
        settings.MAX_EVIDENCE_BYTES = len(content) - 1
        assert send(content, token=token).json()["items"][0]["answer"] == "refused"
        assert read(sent.json()["statusUrl"], token).json()["items"][0]["state"] == "waiting"

    def test_npm_s_label_is_kept_with_the_item_before_it_is_verified(self, vectors: Path) -> None:
        raw = (vectors / "npm" / "npm-att-mismatch-prov-predicatetype.intoto.sigstore").read_bytes()
        body = send(raw).json()
        assert body["kind"] == "attestation-response"
        labels = [entry["predicateType"] for entry in json.loads(raw)["attestations"]]
        assert [item["unsignedLabel"] for item in body["items"]] == labels
        for item, label in zip(body["items"], labels, strict=True):
            assert CollectionItem.objects.get(attestation=item["id"]).label == label
            assert bytes(Attestation.objects.get(pk=item["id"]).blob.content) in raw

    def test_a_label_that_is_not_what_was_signed_is_held_against_the_file_and_not_the_evidence(self, vectors: Path) -> None:
        trust_production(vectors)
        raw = (vectors / "npm" / "npm-att-mismatch-prov-predicatetype.intoto.sigstore").read_bytes()
        sent = send(raw)
        for item in sent.json()["items"]:
            verify_now(Attestation.objects.get(pk=item["id"]))
        token = sent.wsgi_request.headers["Authorization"].removeprefix("Bearer ")
        items = read(sent.json()["statusUrl"], token).json()["items"]
        # The publish attestation is signed with npm's key, which nobody registered here; of the other one the signatures hold.
        assert [item["isMislabelled"] for item in items] == [True, False]
        assert items[0]["predicateType"] == "https://slsa.dev/provenance/v0.2"


class TestRefusesTheWhole:
    @pytest.mark.parametrize(
        ("content", "status", "code"),
        [
            (b"", 400, "collection.empty"),
            (b"plain text", 400, "collection.unknown_format"),
            (b"{}\n" * 10_000, 413, "collection.too_many_items"),
            (tar_with(b"2"), 400, "collection.link"),
            (zip_with(flags=1), 400, "collection.encrypted"),
            (zip_of([("../up", b"{}")]), 400, "collection.bad_name"),
            (tgz_of([("a", b"{}")])[:-9], 400, "collection.unreadable"),
            (tar_of([("a", b"{}"), ("a", b"{}")]), 400, "collection.duplicate_name"),
        ],
    )
    def test_with_its_code_and_keeps_nothing(self, content: bytes, status: int, code: str) -> None:
        answer = send(content)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer["Content-Type"] == "application/problem+json"
        assert not any(model.objects.exists() for model in (Collection, CollectionItem, Attestation, Submission))

    def test_a_good_item_before_a_broken_end_is_not_kept(self) -> None:
        assert send(tar_of([("a", signed()), ("b", b"{}")])[:2000]).status_code == 400
        assert not Attestation.objects.exists()

    def test_too_many_bytes(self, settings: Any) -> None:
        content = signed()
        settings.MAX_COLLECTION_BYTES = len(content)
        assert send(content).status_code == 202
        answer = send(content + b"\n")
        assert (answer.status_code, answer.json()["code"]) == (413, "collection.too_large")
        answer = send(content + b"\n" * 70_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")

    def test_a_bomb(self, settings: Any) -> None:
        settings.MAX_COLLECTION_BYTES = 100_000
        answer = send(tgz_of([(f"{number}", b" " * 90_000) for number in range(6)]))
        assert (answer.status_code, answer.json()["code"]) == (413, "collection.too_large")

    def test_more_than_one_piece_of_evidence_may_be(self, settings: Any) -> None:
        settings.MAX_EVIDENCE_BYTES = 2000
        content = b"\n".join(signed() for _ in range(70))
        assert len(content) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE - 2_000_000
        assert send(content).json()["counts"] == {"new": 70}


class TestWhoMay:
    def test_nobody_without_a_credential_or_the_scope(self) -> None:
        assert Client().post(SEND, data=signed(), content_type="application/json").status_code == 401
        answer = send(signed(), token=cast.token_of(cast.runner(), "read"))
        assert (answer.status_code, answer.json()["code"]) == (403, "permission.scope")
        client = Client()
        client.force_login(cast.account_of(cast.bob()))
        assert client.post(SEND, data=signed(), content_type="application/json").status_code == 403
        assert not Attestation.objects.exists()

    def test_of_people_those_who_request_for_their_whole_own_team(self) -> None:
        assert receive_collection(content=signed(), name="", by=cast.bob(), now=NOW)[1]
        in_one_project = cast.person("pat", "Pat", "requester", project=cast.payments_api())
        for person in (cast.alice(), cast.carol(), cast.dave(), cast.mallory(), in_one_project):
            with pytest.raises(NotAllowed, match=r"permission\.missing"):
                receive_collection(content=signed(), name="", by=person, now=NOW)

    def test_a_role_in_another_team_is_not_enough(self) -> None:
        """What does not verify counts for the sender's own team, so that is where the role must be."""
        other = cast.Team.objects.create(slug="search", name="Search")
        Project.objects.create(slug="search-api", name="Search API", team=other)
        guest = cast.person("pat", "Pat")
        cast.grant_role(identity=guest, role="requester", team=other, by=None, now=cast.NOW)
        with pytest.raises(NotAllowed, match=r"permission\.missing"):
            receive_collection(content=signed(), name="", by=guest, now=NOW)


class TestRead:
    def test_tells_where_each_item_stands(self) -> None:
        signer, token = make_signer(), cast.token_of(cast.runner())
        register_key(signer)
        content = signer.sign(make_statement("a.tar")) + b"\n{}\n" + signed("b.tar")
        sent = send(content, token=token).json()
        body = read(sent["statusUrl"], token).json()
        assert (body["open"], body["unanswered"], body["counts"]) == (True, 0, {"waiting": 2, "refused": 1})
        verify_now(Attestation.objects.get(pk=sent["items"][0]["id"]))
        body = read(sent["statusUrl"], token).json()
        assert (body["open"], body["counts"]) == (False, {"verified": 1, "refused": 1, "rejected": 1})
        assert [(item["state"], item["code"], item["predicateType"]) for item in body["items"]] == [
            ("verified", "evidence.verified", "https://example.test/check/v1"),
            ("refused", "evidence.unknown_format", None),
            ("rejected", "dsse.key_unknown", None),
        ]

    def test_asks_the_database_as_often_for_many_as_for_one(self, django_assert_num_queries: Any) -> None:
        from attestations.collection.follow import follow_collection

        collection, _ = receive_collection(content=b"\n".join(signed() for _ in range(30)), name="", by=cast.runner(), now=NOW)
        with django_assert_num_queries(2):
            follow_collection(collection)

    def test_what_was_not_reached_is_counted(self) -> None:
        token = cast.token_of(cast.runner())
        sent = send(signed(), token=token).json()
        cut = Collection.objects.get(pk=sent["id"])
        short = Collection.objects.create(identity=cut.identity, digest="0" * 64, kind="tar", size=1, item_count=3, received_at=NOW)
        body = read(f"/api/v1/collections/{short.pk}", token).json()
        assert (body["unanswered"], body["items"]) == (3, [])

    def test_the_sender_may_read_its_own_and_no_others(self) -> None:
        service = register_key(make_signer())
        url = send(signed(), token=cast.token_of(cast.runner(), "attestations:write")).json()["statusUrl"]
        for identity, scope, expected in (
            (cast.runner(), "attestations:write", 200),
            (service, "attestations:write", 403),
            (service, "read", 200),
            (cast.runner(), "gates:decide", 403),
        ):
            assert read(url, cast.token_of(identity, scope)).status_code == expected

    def test_an_unknown_id_is_not_found(self) -> None:
        answer = read("/api/v1/collections/col_nothing", cast.token_of(cast.runner()))
        assert (answer.status_code, answer.json()["code"]) == (404, "collection.unknown")
