"""A person without a key confirms by signing in at their provider: offered, confirmed over a real line, recorded, opened at the gate, refused.

The provider is `tests.make_sign_ins`: real keys, real HTTP on this machine, and it lies where it is told to.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.models import Approval, Ceremony, Request
from approvals.packs.build import build_pack
from approvals.signing.begin_signing import begin_signing
from approvals.signing.complete_by_sign_in import complete_by_sign_in
from approvals.trust import current_trust
from gates.decide import decide
from identities.models import BoundSignIn, Identity, IdentityProvider
from ledger.publish import publish_checkpoint
from portal.notices.receipt import write_receipt
from proofs.approval.record import SIGN_IN_CHECKS, TokenReference, parse_record
from proofs.canonical import parse_json
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.pack.trust import build_trust, parse_trust
from proofs.pack.verify import verify_pack
from tests import cast, make_bound_keys, make_sign_ins
from tests import make_approvals as make

pytestmark = [pytest.mark.django_db, pytest.mark.once]
TWO_FACTORS = {"amr": ["pwd", "mfa"]}


@dataclass
class Scene:
    """A request that waits for erin, who has a provider and no key; `liar` is the provider."""

    liar: make_sign_ins.Liar
    provider: IdentityProvider
    erin: Identity
    client: Client
    request: Request


@contextmanager
def waiting(*, source: str = make.POLICY, config: dict[str, Any] | None = None, **claims: Any) -> Iterator[Scene]:
    then = timezone.now() - timedelta(minutes=10)
    stage = make.set_stage(source=source, now=then)
    make.send_provenance(stage, now=then)
    with make_sign_ins.liar() as liar:
        liar.claims = {**TWO_FACTORS, **claims}
        row = make_sign_ins.provider_at(liar.url, config=config)
        erin = make_sign_ins.known_at(row)
        client = Client()
        client.force_login(erin.user)
        yield Scene(liar, row, erin, client, make.ask(now=then))


def newest_snapshot(request: Request) -> str:
    revision = request.revisions.order_by("-number").first()
    assert revision is not None
    return revision.snapshot_id


def offered(scene: Scene, *, decision: str = "approve", reason: str = "") -> Ceremony:
    """Press the button on the page of the decision."""
    page = reverse("approvals:sign", args=[scene.request.pk])
    given = {
        "snapshot": newest_snapshot(scene.request),
        "decision": decision,
        "reason": reason,
        "way": "sign-in",
        "digest_tail": make.image(),
    }
    answer = scene.client.post(page, given)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    return Ceremony.objects.latest("pk")


def away(scene: Scene, ceremony: Ceremony) -> str:
    return make_sign_ins.way_out(scene.client, reverse("approvals:ceremony_confirm", args=[ceremony.pk]))


def back(scene: Scene, url: str) -> Any:
    """Come back from the provider, as its redirect and the portal's own lead."""
    return scene.client.get("/sign-in/bound", scene.liar.authorize(url), follow=True)


def confirmed(scene: Scene, **more: Any) -> Approval:
    answer = back(scene, away(scene, offered(scene, **more)))
    assert answer.status_code == 200, answer.content.decode()[:3000]
    publish_checkpoint(now=timezone.now())
    return Approval.objects.get()


def text(answer: Any) -> str:
    """The page without what keeps names apart from the text around them."""
    return re.sub(r"\s+", " ", re.sub(r"</?bdi>", "", html.unescape(answer.content.decode())))


class TestConfirmed:
    def test_is_recorded_like_a_passkeys_answer_and_holds_no_token(self) -> None:
        with waiting() as scene:
            approval = confirmed(scene)
        bound = approval.bound_by
        assert bound is not None
        assert (approval.level, approval.signing_key, bytes(approval.signature), approval.sshsig) == ("H2", None, b"", None)
        record = parse_record(parse_envelope(bytes(approval.record.envelope)).payload)
        assert record.signature == TokenReference(
            sha256_hex(bound.id_token.encode()), sha256_hex(bytes(bound.issuer_keys or b"")), scene.provider.issuer, "countersign"
        )
        assert (record.checks, record.assurance) == (SIGN_IN_CHECKS, "H2")
        assert bound.id_token.encode() not in bytes(approval.record.envelope)
        assert (bound.purpose, bound.used_at is not None) == ("approval", True)

    def test_opens_the_gate_and_pages_say_how_sure_it_is(self) -> None:
        with waiting() as scene:
            approval = confirmed(scene)
            decision = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=timezone.now())
            assert (decision.outcome, decision.reasons) == ("allow", [])
            record = text(scene.client.get(reverse("approvals:record", args=[approval.record.digest])))
            assert "H2 Confirmed by sign-in at Payments Corp" in re.sub(r"<[^>]+>", "", record)
            assert "Neither OpenSSH nor DSSE has a form for a sign-in" in record
            asked = text(scene.client.get(reverse("approvals:request", args=[scene.request.pk])))
            assert "confirmed by sign-in at Payments Corp, level H2" in re.sub(r"<[^>]+>", "", asked)
            assert "Erin Malik by sign-in" in text(scene.client.get(reverse("approvals:queue") + "?show=done"))
            assert "by sign-in" in text(scene.client.get(reverse("reports:artifact", args=[make.image()])))

    def test_the_receipt_does_not_say_that_a_key_signed(self) -> None:
        with waiting() as scene:
            approval = confirmed(scene)
        receipt = write_receipt(approval.record.entry)
        assert receipt is not None
        assert receipt.startswith("You approved and confirmed by signing in:")
        assert reverse("identities:sessions") in receipt
        assert reverse("identities:keys") not in receipt

    def test_a_pack_for_auditors_proves_it_offline_and_any_other_falls_to_the_portals_word(self) -> None:
        with waiting() as scene:
            approval = confirmed(scene)
        trust, now = parse_trust(build_trust(current_trust())), timezone.now()
        question = {"trust": trust, "digest": make.image(), "environment": "production", "at": now}
        whole = build_pack(request=scene.request, now=now, with_private=True)
        assert verify_pack(whole, **question).approvals[0].level == "H2"
        assert approval.bound_by is not None
        token = approval.bound_by.id_token.encode()
        public = build_pack(request=scene.request, now=now)
        assert [path for path, content in whole.items() if token in content] == [f"tokens/{sha256_hex(token)}.jwt"]
        assert not [path for path, content in public.items() if token in content]
        with pytest.raises(Refusal) as refused:
            verify_pack(public, **question)
        assert refused.value.code == "assurance.too_low"

    def test_still_opens_the_gate_after_the_provider_changed_its_keys(self) -> None:
        with waiting() as scene:
            confirmed(scene)
            scene.liar.rotate()
            decision = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=timezone.now())
        assert decision.outcome == "allow"

    def test_shuts_the_gate_when_the_person_is_suspended(self) -> None:
        with waiting() as scene:
            confirmed(scene)
        Identity.objects.filter(pk=scene.erin.pk).update(status="suspended", suspended_at=timezone.now())
        decision = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=timezone.now())
        assert "signer.inactive" in [reason["code"] for reason in decision.reasons]

    def test_a_no_needs_no_key_either(self) -> None:
        with waiting() as scene:
            assert confirmed(scene, decision="reject", reason="The export job is not tested.").decision == "reject"


class TestOffered:
    def test_the_page_names_the_way_and_its_level(self) -> None:
        with waiting() as scene:
            page = text(
                scene.client.get(reverse("approvals:sign", args=[scene.request.pk]) + f"?snapshot={newest_snapshot(scene.request)}")
            )
            assert "Confirm by signing in at Payments Corp" in page
            assert "a lower level, H2 at most" in page
            shown = text(scene.client.get(reverse("approvals:ceremony", args=[offered(scene).pk])))
        assert "Payments Corp does not show you what you confirm" in shown
        assert make.image() in shown
        assert "sign.js" not in shown

    def test_who_has_a_key_may_choose_it_knowingly_and_everybody_sees_that(self) -> None:
        with waiting() as scene:
            passkey, key = make_bound_keys.enrol(scene.erin, now=timezone.now() - timedelta(minutes=5), provider=scene.provider)
            page = text(
                scene.client.get(reverse("approvals:sign", args=[scene.request.pk]) + f"?snapshot={newest_snapshot(scene.request)}")
            )
            assert "You have an approval key; confirming by signing in is weaker" in page
            ceremony = offered(scene)
            assert ceremony.is_downgrade
            with pytest.raises(Refusal) as refused:
                make.complete(ceremony, passkey, session_key=scene.client.session.session_key or "", now=timezone.now())
            assert refused.value.code == "ceremony.needs_sign_in"
            approval = confirmed(scene)
            for name, place in (("record", approval.record.digest), ("request", scene.request.pk)):
                assert "had an approval key and did not use it" in text(scene.client.get(reverse(f"approvals:{name}", args=[place])))
        assert key.revoked_at is None

    def test_not_where_the_policy_asks_for_more(self) -> None:
        with waiting(source=make.POLICY.replace("minimumAssurance: H2", "minimumAssurance: H3")) as scene:
            page = text(
                scene.client.get(reverse("approvals:sign", args=[scene.request.pk]) + f"?snapshot={newest_snapshot(scene.request)}")
            )
            assert "Confirm by signing in" not in page
            assert "Enrol an approval key" in page
            assert refusal_of(scene, scene.erin) == "assurance.too_low"

    def test_not_to_whom_no_provider_knows(self) -> None:
        with waiting() as scene:
            assert refusal_of(scene, cast.alice()) == "sign_in.no_provider"

    def test_a_key_is_asked_for_where_the_other_button_was_not_pressed(self) -> None:
        with waiting() as scene:
            given = {"snapshot": newest_snapshot(scene.request), "decision": "approve", "reason": ""}
            assert scene.client.post(reverse("approvals:sign", args=[scene.request.pk]), given).status_code == 400


def refusal_of(scene: Scene, by: Identity) -> str:
    with pytest.raises(Refusal) as refused:
        begin_signing(
            request=scene.request,
            shown_snapshot=newest_snapshot(scene.request),
            decision="approve",
            reason="",
            key=None,
            session=make.session(now=timezone.now()),
            by=by,
            digest_tails=[make.image()],
            now=timezone.now(),
        )
    return refused.value.code


class TestRefused:
    @pytest.mark.parametrize(
        ("claims", "status", "code"),
        [
            ({"nonce": "another"}, 422, "id_token.nonce"),
            ({"sub": "s-mallory"}, 422, "bound.other_person"),
            ({"auth_time": 1_700_000_000}, 422, "id_token.auth_time"),
        ],
    )
    def test_a_provider_that_lies_confirms_nothing(self, claims: dict[str, Any], status: int, code: str) -> None:
        with waiting(**claims) as scene:
            assert back(scene, away(scene, offered(scene))).status_code == status
        assert not Approval.objects.exists()
        assert BoundSignIn.objects.get().refused_code == code

    def test_one_factor_is_h1_and_too_little_here(self) -> None:
        with waiting(amr=["pwd"]) as scene:
            answer = back(scene, away(scene, offered(scene)))
            assert answer.status_code == 422
            assert "did not say that it asked you for a second factor" in text(answer)
        assert not Approval.objects.exists()
        ceremony = Ceremony.objects.get()
        assert (ceremony.refused_code, ceremony.consumed_at is not None) == ("assurance.too_low", True)

    def test_a_context_that_the_operator_takes_for_two_factors_is_enough(self) -> None:
        with waiting(amr=None, acr="two", config={"second_factor": ["two"]}) as scene:
            assert confirmed(scene).level == "H2"
            assert current_trust().identity_providers[0].second_factor == ("two",)

    def test_a_second_callback_is_refused(self) -> None:
        with waiting() as scene:
            approval = confirmed(scene)
            assert scene.client.get(reverse("approvals:bound", args=[approval.bound_by_id])).status_code == 409
        assert Approval.objects.count() == 1

    def test_a_sign_in_that_was_broken_off_leaves_the_ceremony_to_run_out(self) -> None:
        with waiting() as scene:
            ceremony = offered(scene)
            url = away(scene, ceremony)
            state = scene.liar.authorize(url)["state"]
            assert scene.client.get("/sign-in/bound", {"state": state, "error": "access_denied"}).status_code == 403
            assert Ceremony.objects.get().consumed_at is None
            assert scene.client.post(reverse("approvals:ceremony_confirm", args=[ceremony.pk])).status_code == 409
            assert confirmed(scene).ceremony_id != ceremony.pk

    def test_nobody_elses_and_no_other_sign_in_confirms_it(self) -> None:
        with waiting() as scene:
            url = away(scene, offered(scene))
            answer = scene.client.get("/sign-in/bound", scene.liar.authorize(url))
            bound = BoundSignIn.objects.get()
            assert answer["Location"] == f"/approvals/bound/{bound.pk}"
            other = Client()
            other.force_login(scene.erin.user)
            assert other.get(answer["Location"]).status_code == 403
            for by, bound_id in ((cast.alice(), bound.pk), (scene.erin, "bsi_none")):
                with pytest.raises(Refusal) as refused:
                    complete_by_sign_in(bound_id=bound_id, session_hash=bound.session_hash, by=by, now=timezone.now())
                assert refused.value.code == "bound.unknown"
            with pytest.raises(Refusal) as late:
                complete_by_sign_in(
                    bound_id=bound.pk, session_hash=bound.session_hash, by=scene.erin, now=timezone.now() + timedelta(minutes=5)
                )
            assert late.value.code == "ceremony.expired"
            assert scene.client.get(answer["Location"]).status_code == 302

    def test_what_changed_meanwhile_counts(self) -> None:
        with waiting() as scene:
            url = away(scene, offered(scene))
            answer = scene.client.get("/sign-in/bound", scene.liar.authorize(url))
            IdentityProvider.objects.update(removed_at=timezone.now())
            assert scene.client.get(answer["Location"]).status_code == 409
        assert Ceremony.objects.get().refused_code == "sign_in.no_provider"
        assert BoundSignIn.objects.get().used_at is None

    def test_the_database_takes_no_answer_without_key_and_sign_in(self) -> None:
        with waiting() as scene:
            ceremony = offered(scene)
        kept = {"ceremony": ceremony, "revision": ceremony.revision, "identity": scene.erin, "decision": "approve", "level": "H2"}
        with pytest.raises(IntegrityError), transaction.atomic():
            Approval.objects.create(
                **kept, payload=b"{}", payload_digest="ab" * 32, credential_id=b"", authenticator_data=b"", client_data_json=b"",
                signature=b"", not_after=timezone.now(), signed_at=timezone.now(),
            )  # fmt: skip


def test_trust_names_the_provider_with_the_keys_of_every_sign_in_that_confirmed_something() -> None:
    with waiting() as scene:
        assert current_trust().identity_providers == ()
        confirmed(scene)
        (provider,) = current_trust().identity_providers
        assert (provider.issuer, provider.audiences) == (scene.liar.url, ("countersign",))
        assert [entry["kid"] for entry in parse_json(provider.keys)["keys"]] == ["rsa"]
