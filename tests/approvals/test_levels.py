"""How sure the portal is of an answer: computed from the enrolment's own proof, demanded by policies, and shown again by packs."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from django.test import Client

from approvals.models import Approval, Request
from approvals.packs.build import build_pack
from approvals.trust import current_trust
from gates.decide import decide
from identities.models import AuditEvent, IdentityProvider, SigningKey
from ledger.publish import publish_checkpoint
from proofs.approval.assurance import reaches_level
from proofs.errors import Refusal
from proofs.pack.report import PackReport
from proofs.pack.trust import build_trust, parse_trust
from proofs.pack.verify import verify_pack
from proofs.tokens.key_set import read_keys
from tests import cast, make_bound_keys
from tests import make_approvals as make
from tests.passkey import SoftPasskey
from tests.proofs.approval import make_attestations
from tests.reports.test_passport import signed_in

pytestmark = pytest.mark.django_db

H3 = make.POLICY.replace("minimumAssurance: H2", "minimumAssurance: H3")
H4 = make.POLICY.replace("minimumAssurance: H2", "minimumAssurance: H4")


def asked(source: str = H3) -> Request:
    stage = make.set_stage(source=source)
    make.send_provenance(stage)
    return make.ask()


def signed(request: Request, passkey: SoftPasskey, key: SigningKey) -> Approval:
    approval = make.complete(make.begin(request, key.identity, key), passkey)
    publish_checkpoint(now=make.NOW)
    return approval


def offline(request: Request, *, private: bool) -> PackReport:
    files = build_pack(request=request, now=make.NOW, with_private=private)
    return verify_pack(files, trust=parse_trust(build_trust(current_trust())), digest=make.image(), environment="production", at=make.NOW)


def code_of_signing(request: Request, passkey: SoftPasskey, key: SigningKey) -> str:
    with pytest.raises(Refusal) as refused:
        signed(request, passkey, key)
    return refused.value.code


class TestLevels:
    def test_a_key_that_the_provider_vouches_for_reaches_h3(self) -> None:
        request = asked()
        approval = signed(request, *make_bound_keys.enrol(make_bound_keys.anna()))
        assert approval.level == "H3"
        assert offline(request, private=True).approvals[0].level == "H3"
        with pytest.raises(Refusal) as refused:
            offline(request, private=False)
        assert refused.value.code == "assurance.too_low"
        assert "recorded as H3, counted as H2" in refused.value.reason

    def test_an_attested_key_reaches_h4_where_its_maker_and_model_are_trusted(self, settings: object) -> None:
        settings.ATTESTATION_ROOTS = (make_attestations.der(make_attestations.ROOT),)  # type: ignore[attr-defined]
        settings.AUTHENTICATORS = [make_attestations.MODEL]  # type: ignore[attr-defined]
        request = asked(H4)
        passkey, key = make_bound_keys.enrol(make_bound_keys.anna(), attested=True)
        assert signed(request, passkey, key).level == "H4"
        report = offline(request, private=True)
        assert (report.approvals[0].level, report.approvals[0].level_words) == ("H4", "signed with a security key")

    def test_without_roots_the_same_key_reaches_h3_alone(self) -> None:
        request = asked(H4)
        passkey, key = make_bound_keys.enrol(make_bound_keys.anna(), attested=True)
        assert code_of_signing(request, passkey, key) == "assurance.too_low"

    def test_a_key_on_the_portals_word_stays_at_h2(self) -> None:
        request = asked(make.POLICY)
        passkey, key = make.enrol(cast.alice())
        level = make.complete(make.begin(request, cast.alice(), key), passkey).level
        assert level == "H2" and not reaches_level(level, "H3")

    def test_refuses_when_the_kept_token_is_no_longer_the_one_that_was_enrolled_with(self) -> None:
        request = asked()
        passkey, key = make_bound_keys.enrol(make_bound_keys.anna(), kept_token="another.token.altogether")
        assert code_of_signing(request, passkey, key) == "binding.token_digest"


class TestNewKeys:
    def test_a_key_waits_before_it_counts_in_the_highest_tier(self) -> None:
        request = asked()
        passkey, key = make_bound_keys.enrol(make_bound_keys.anna(), matures_at=make.NOW + timedelta(hours=24))
        assert code_of_signing(request, passkey, key) == "signer.cooling_off"

    def test_the_enrolment_says_so_whatever_the_row_does(self) -> None:
        request = asked()
        passkey, key = make_bound_keys.enrol(make_bound_keys.anna(), matures_at=make.NOW + timedelta(hours=24), kept_maturity=make.NOW)
        assert code_of_signing(request, passkey, key) == "signer.cooling_off"

    def test_from_then_on_it_counts(self) -> None:
        request = asked()
        assert signed(request, *make_bound_keys.enrol(make_bound_keys.anna(), matures_at=make.NOW)).level == "H3"


class TestPrivateFiles:
    def test_the_token_goes_to_auditors_of_the_project_alone(self, client: Client) -> None:
        request = asked()
        signed(request, *make_bound_keys.enrol(make_bound_keys.anna()))
        for reader, expected in ((cast.carol(), 2), (cast.bob(), 0), (make_bound_keys.anna(), 0), (cast.dave(), 0)):
            answer = signed_in(client, reader).get(f"/requests/{request.pk}/pack.zip")
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                assert len([name for name in archive.namelist() if name.startswith("tokens/")]) == expected
        taken = AuditEvent.objects.order_by("pk").values_list("username", "act")
        assert list(taken) == [
            ("carol", "reports:pack_with_private_files"),
            *((name, "reports:pack") for name in ("bob", "anna", "dave")),
        ]

    def test_the_trust_document_names_the_provider_with_the_keys_it_used(self) -> None:
        request = asked()
        assert current_trust().identity_providers == ()
        signed(request, *make_bound_keys.enrol(make_bound_keys.anna()))
        (provider,) = current_trust().identity_providers
        assert (provider.issuer, provider.audiences) == (make_bound_keys.IDP, (make_bound_keys.CLIENT,))
        assert sorted(key.kid for key in read_keys(provider.keys)) == ["ec", "rsa"]


class TestProviderChanged:
    """What a provider confirmed while it was set up otherwise, or was there at all, keeps its level."""

    def test_an_approval_from_before_the_portals_client_name_changed_keeps_its_level(self) -> None:
        request = asked()
        signed(request, *make_bound_keys.enrol(make_bound_keys.anna()))
        IdentityProvider.objects.update(client_id="countersign-2")
        assert offline(request, private=True).approvals[0].level == "H3"
        decision = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=make.NOW)
        assert (decision.outcome, decision.reasons) == ("allow", [])

    def test_a_key_from_before_it_changed_signs_at_its_level(self) -> None:
        request = asked()
        passkey, key = make_bound_keys.enrol(make_bound_keys.anna())
        IdentityProvider.objects.update(client_id="countersign-2")
        assert signed(request, passkey, key).level == "H3"
        assert offline(request, private=True).approvals[0].level == "H3"

    def test_a_key_from_before_the_provider_was_removed_signs_at_its_level(self) -> None:
        request = asked()
        passkey, key = make_bound_keys.enrol(make_bound_keys.anna())
        IdentityProvider.objects.update(removed_at=make.NOW)
        assert signed(request, passkey, key).level == "H3"
        assert offline(request, private=True).approvals[0].level == "H3"
