"""At the highest tier whoever approves types the end of the artifact's digest, and the portal refuses without it, at the beginning and at the end."""

from __future__ import annotations

import hashlib
import html

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from approvals.models import Approval, Ceremony, Request
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.snapshot import read_snapshot
from approvals.signing.digest_tail import MOST_ASKED, digest_over, list_asked, take_tails, typed_in
from attestations.blobs import bytes_of
from identities.models import Environment
from proofs.errors import Refusal
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
TAIL = make.image()[-4:]


@pytest.fixture
def asked() -> Request:
    make.send_provenance(make.set_stage())
    return make.ask()


def typed(request: Request, text: str | list[str], decision: str = "approve") -> str:
    """What is kept of what was typed, or the code it is refused with."""
    _, key = make.enrol(cast.alice())
    why = "" if decision == "approve" else "Not today."
    try:
        return make.begin(request, cast.alice(), key, decision=decision, reason=why, digest_tail=text).digest_tail or ""
    except Refusal as refusal:
        return refusal.code


@pytest.mark.parametrize("text", [TAIL, f"  {TAIL.upper()} ", make.image(), make.image().removeprefix("sha256:")])
def test_the_end_is_taken_and_so_is_all_of_it_however_it_is_pasted(asked: Request, text: str) -> None:
    assert typed(asked, text) == TAIL


@pytest.mark.parametrize("text", ["", "   ", TAIL[1:], make.image()[:4], make.image()[:-1], make.image("1.4.3")[-4:], "x" * 140])
def test_anything_else_begins_nothing(asked: Request, text: str) -> None:
    assert typed(asked, text) == "approval.digest_tail"
    assert not Ceremony.objects.exists()


def test_the_refusal_does_not_say_what_it_should_be(asked: Request) -> None:
    with pytest.raises(Refusal) as refused:
        take_tails(asked.revisions.get(), "approve", ["beef"])
    assert "'beef'" in refused.value.reason
    assert TAIL not in refused.value.reason


@pytest.mark.parametrize("decision", ["reject", "request_changes"])
def test_a_no_takes_none(asked: Request, decision: str) -> None:
    assert typed(asked, "", decision) == ""


@pytest.mark.parametrize("tier", [1, 2])
def test_lower_tiers_take_none(tier: int) -> None:
    make.send_provenance(make.set_stage())
    Environment.objects.update(tier=tier)
    assert typed(make.ask(), "") == ""


def test_a_ceremony_without_it_can_not_be_completed(asked: Request) -> None:
    passkey, key = make.enrol(cast.alice())
    with transaction.atomic():
        ceremony = make.begin(asked, cast.alice(), key)
        transaction.set_rollback(True)
    # As if it had been begun by a portal that did not ask.
    ceremony.digest_tail = None
    ceremony.save(force_insert=True)
    with pytest.raises(Refusal) as refused:
        make.complete(ceremony, passkey)
    assert refused.value.code == "approval.digest_tail"
    assert not Approval.objects.exists()


def test_it_is_no_part_of_the_statement(asked: Request) -> None:
    _, key = make.enrol(cast.alice())
    payload = bytes(make.begin(asked, cast.alice(), key).payload)
    assert b"tail" not in payload.lower()
    assert make.image().removeprefix("sha256:").encode() in payload


def ask_for(*tags: str) -> Request:
    """A request for the release of several images."""
    stage = make.set_stage()
    for tag in tags:
        make.send_provenance(stage, tag=tag)
    return open_request(
        title="several",
        note="",
        project=cast.payments_api(),
        environment=cast.production(),
        artifacts=[AskedArtifact(make.image(tag), f"payments/api:{tag}") for tag in tags],
        by=cast.bob(),
        now=make.NOW,
    )


class TestSeveral:
    TAGS = ("1.4.2", "1.4.3", "1.4.4")

    @pytest.fixture
    def several(self) -> Request:
        return ask_for(*self.TAGS)

    def ends(self, request: Request) -> list[str]:
        return [item["digest"][-4:] for item in read_snapshot(bytes_of(request.revisions.get().snapshot))["artifacts"]]

    def test_the_end_of_each_is_taken(self, several: Request) -> None:
        passkey, key = make.enrol(cast.alice())
        ceremony = make.begin(several, cast.alice(), key, digest_tail=self.ends(several))
        assert typed_in(Ceremony.objects.get(pk=ceremony.pk)) == self.ends(several)
        make.complete(ceremony, passkey)
        assert Approval.objects.count() == 1

    @pytest.mark.parametrize("wrong", [0, 1, 2])
    def test_another_one_of_any_begins_nothing(self, several: Request, wrong: int) -> None:
        ends = self.ends(several)
        ends[wrong] = "beef"
        assert typed(several, ends) == "approval.digest_tail"
        del ends[wrong]
        assert typed(several, ends) == "approval.digest_tail"
        assert not Ceremony.objects.exists()

    def test_a_ceremony_that_kept_only_the_first_can_not_be_completed(self, several: Request) -> None:
        passkey, key = make.enrol(cast.alice())
        with transaction.atomic():
            ceremony = make.begin(several, cast.alice(), key)
            transaction.set_rollback(True)
        ceremony.more_tails = None
        ceremony.save(force_insert=True)
        with pytest.raises(Refusal) as refused:
            make.complete(ceremony, passkey)
        assert refused.value.code == "approval.digest_tail"

    def test_what_was_typed_is_never_changed(self, several: Request) -> None:
        _, key = make.enrol(cast.alice())
        ceremony = make.begin(several, cast.alice(), key, digest_tail=self.ends(several))
        alone = make.begin(several, cast.alice(), key, decision="reject", reason="Not today.")
        for row, column in ((ceremony, "digest_tail"), (ceremony, "more_tails"), (alone, "digest_tail"), (alone, "more_tails")):
            for text in ("beef", None) if row is ceremony else ("beef",):
                with pytest.raises(DatabaseError, match="never change|append-only"), transaction.atomic():
                    Ceremony.objects.filter(pk=row.pk).update(**{column: text})
        assert typed_in(Ceremony.objects.get(pk=ceremony.pk)) == self.ends(several)

    def test_in_another_order_begins_nothing(self, several: Request) -> None:
        ends = self.ends(several)
        assert typed(several, [ends[1], ends[0], ends[2]]) == "approval.digest_tail"
        assert typed(several, [*ends[:2], ""]) == "approval.digest_tail"
        assert typed(several, []) == "approval.digest_tail"
        assert typed(several, [" ".join(ends)]) == "approval.digest_tail"
        assert typed(several, [f" {end.upper()} " for end in ends]) == ends[0]

    def test_the_page_has_a_field_for_each_and_says_what_is_wrong_at_it(self, client: Client, several: Request) -> None:
        _, key = make.enrol(cast.alice())
        cast.let_in(client, cast.alice())
        page = client.get(f"/requests/{several.pk}").content.decode()
        assert all(page.count(f'name="{name}"') == 1 for name in ("digest_tail", "digest_tail_2", "digest_tail_3"))
        first, second, third = self.ends(several)
        sent = {"snapshot": several.revisions.get().snapshot_id, "decision": "approve", "key": key.pk}
        sent |= {"digest_tail": first, "digest_tail_2": "beef", "digest_tail_3": third}
        response = client.post(reverse("approvals:sign", args=[several.pk]), sent)
        assert response.status_code == 400
        assert (
            "expected the last 4 characters" in html.unescape(response.content.decode()).partition('id="id_digest_tail_2_error"')[2][:400]
        )
        assert client.post(reverse("approvals:sign", args=[several.pk]), {**sent, "digest_tail_2": second}).status_code == 302

    def test_of_more_than_a_few_it_is_the_digest_over_all(self, client: Client) -> None:
        request = ask_for(*(f"2.0.{number}" for number in range(MOST_ASKED + 1)))
        artifacts = read_snapshot(bytes_of(request.revisions.get().snapshot))["artifacts"]
        lines = sorted(item["digest"] for item in artifacts)
        over = hashlib.sha256(("\n".join(lines) + "\n").encode()).hexdigest()
        assert digest_over(artifacts) == f"sha256:{over}" == digest_over(list(reversed(artifacts)))
        (asked,) = list_asked(artifacts)
        assert asked.digest == f"sha256:{over}"
        assert typed(request, lines[0][-4:]) == "approval.digest_tail"
        assert typed(request, over[-4:]) == over[-4:]
        page = cast.let_in(client, cast.alice()).get(f"/requests/{request.pk}").content.decode()
        assert page.count('name="digest_tail') == 1 and f"sha256:{over}" in page


class TestPages:
    def post(self, client: Client, request: Request, **given: str) -> tuple[int, str]:
        _, key = make.enrol(cast.alice())
        sent = {"snapshot": request.revisions.get().snapshot_id, "decision": "approve", "key": key.pk, **given}
        response = client.post(reverse("approvals:sign", args=[request.pk]), sent)
        return response.status_code, html.unescape(response.content.decode())

    def test_both_ask_for_it_and_name_the_artifact(self, client: Client, asked: Request) -> None:
        make.enrol(cast.alice())
        cast.let_in(client, cast.alice())
        newest = asked.revisions.get().snapshot_id
        for address in (f"/requests/{asked.pk}", f"/requests/{asked.pk}/sign?decision=approve&snapshot={newest}"):
            page = client.get(address).content.decode()
            assert page.count('name="digest_tail"') == 1
            assert "Of payments/api:1.4.2." in page

    def test_what_is_wrong_is_said_at_the_field(self, client: Client, asked: Request) -> None:
        cast.let_in(client, cast.alice())
        status, page = self.post(client, asked, digest_tail="beef")
        assert status == 400
        assert "expected the last 4 characters of the digest of payments/api:1.4.2" in page.partition('id="id_digest_tail_error"')[2][:400]

    def test_lower_tiers_show_no_field(self, client: Client, asked: Request) -> None:
        Environment.objects.update(tier=2)
        make.enrol(cast.alice())
        page = cast.let_in(client, cast.alice()).get(f"/requests/{asked.pk}").content.decode()
        assert 'id="approve-button"' in page
        assert "digest_tail" not in page
