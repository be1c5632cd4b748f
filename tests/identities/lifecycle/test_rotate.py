"""A key, a certificate name and a credential are replaced by others: both count for a while, then only the new one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from attestations.reverify import spread_reverifications
from identities.issue import revoke_credential
from identities.lifecycle.change_status import suspend_identity
from identities.lifecycle.rotate_credential import rotate_credential
from identities.lifecycle.rotate_signer import rotate_signer
from identities.models import ApiCredential, EvidenceSigner, Identity
from identities.register import register_signer
from identities.revoke_signer import revoke_signer
from identities.workload.exchange import exchange_token
from ledger.models import Entry
from proofs.errors import Refusal
from tests import cast, make_tokens
from tests.make_attestations import (
    NOW,
    Signer,
    make_attestation,
    make_signer,
    make_statement,
    register_key,
    runner_workload,
    trust_instance,
    verify_now,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NEW_WORKFLOW = cast.WORKFLOW.replace("release.yml", "publish.yml")


def rotate(identity: Identity, new: Signer | None = None, **more: Any) -> EvidenceSigner:
    """The identity's first signer replaced by a new key after seven days, by dave unless told."""
    asked = {
        "identity": identity,
        "signer": identity.evidence_signers.order_by("pk")[0],
        "overlap_days": 7,
        "reason": "yearly",
        "by": cast.dave(),
        "now": NOW,
        "public_key_pem": (new or make_signer()).pem,
    }
    return rotate_signer(**{**asked, **more})


def events(start: str) -> list[str]:
    return list(Entry.objects.filter(event__startswith=start).order_by("index").values_list("event", flat=True))


def code_of(signer: Signer, *, name: str, now: Any) -> str:
    """What is said about the signer of a statement that came in at `now`, or of the whole where it does not hold."""
    verdict = verify_now(make_attestation(signer.sign(make_statement(name)), now=now))
    finding = verdict.findings.filter(check_name="signer").first()
    assert (verdict.signer is None) == (finding is None or finding.outcome != "pass")
    return str(finding.code if finding else verdict.code)


class TestSigner:
    def test_both_count_during_the_overlap_and_then_only_the_new_one(self) -> None:
        old, new = make_signer(), make_signer()
        service = register_key(old)
        early = make_attestation(old.sign(make_statement("early")), now=NOW - DAY / 24)
        made = rotate(service, new)
        replaced = EvidenceSigner.objects.get(pk=made.replaces_id)
        assert replaced.valid_until == NOW + 7 * DAY and made.valid_from == NOW and made.valid_until is None
        for day, name, signer, code in (
            (6, "a", old, "signer.registered"),
            (6, "b", new, "signer.registered"),
            (8, "c", old, "key.not_valid"),
            (8, "d", new, "signer.registered"),
        ):
            assert code_of(signer, name=name, now=NOW + day * DAY) == code, name
        assert verify_now(early).signer == service
        assert events("evidence_signer.")[-2:] == ["evidence_signer.registered", "evidence_signer.rotated"]

    def test_without_an_overlap_the_old_one_ends_in_that_second_and_what_it_signed_stays(self) -> None:
        old = make_signer()
        service = register_key(old)
        before = make_attestation(old.sign(make_statement("before")), now=NOW - timedelta(seconds=1))
        assert verify_now(before).signer == service
        rotate(service, overlap_days=0)
        while spread_reverifications(now=NOW):
            pass
        assert verify_now(before).signer == service
        assert before.verdicts.count() == 2
        assert code_of(old, name="later", now=NOW) == "signer.not_valid"

    def test_a_workflow_moves_to_another_file(self) -> None:
        instance, runner = trust_instance(now=NOW), cast.runner()
        new = rotate(runner, public_key_pem=None, certificate_identity=NEW_WORKFLOW, overlap_days=0, now=NOW + DAY)
        assert (new.certificate_issuer, new.any_ref) == (cast.GITHUB_ISSUER, True)
        moved = replace(runner_workload(), identity=f"{NEW_WORKFLOW}@refs/heads/main")
        signers = []
        for workload, day in ((runner_workload(), 0), (runner_workload(), 2), (moved, 2)):
            content = instance.sign_as(workload, json.loads(make_statement(f"{workload} {day}")), at=NOW + day * DAY)
            signers.append(verify_now(make_attestation(content, now=NOW + 3 * DAY)).signer)
        assert signers == [runner, None, runner]

    def test_an_end_that_was_set_earlier_stays_and_a_later_one_is_not_cut_short(self) -> None:
        service = register_key(make_signer())
        for until, is_refused in ((NOW + 3 * DAY, False), (NOW + 30 * DAY, True)):
            signer = register_signer(identity=service, public_key_pem=make_signer().pem, valid_until=until, by=None, now=NOW)
            if is_refused:
                with pytest.raises(Refusal) as refused:
                    rotate(service, signer=signer)
                assert refused.value.code == "signer.end_stays"
            else:
                rotate(service, signer=signer)
            signer.refresh_from_db()
            assert signer.valid_until == until

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"overlap_days": -1}, "signer.overlap"),
            ({"overlap_days": 91}, "signer.overlap"),
            ({"reason": " "}, "identity.reason"),
            ({"public_key_pem": None}, "signer.incomplete"),
            ({"public_key_pem": None, "certificate_identity": NEW_WORKFLOW}, "signer.incomplete"),
            ({"certificate_identity": NEW_WORKFLOW}, "signer.incomplete"),
            ({"public_key_pem": b"no key"}, "key.malformed"),
        ],
    )
    def test_what_is_wrong_is_refused_and_nothing_is_written(self, change: dict[str, Any], code: str) -> None:
        service = register_key(make_signer())
        with pytest.raises(Refusal) as refused:
            rotate(service, **change)
        assert refused.value.code == code
        assert service.evidence_signers.get().valid_until is None
        assert events("evidence_signer.") == ["evidence_signer.registered"]

    def test_the_same_key_again_is_no_rotation(self) -> None:
        signer = make_signer()
        with pytest.raises(Refusal) as refused:
            rotate(register_key(signer), signer)
        assert refused.value.code == "signer.already_registered"
        assert EvidenceSigner.objects.get().valid_until is None

    def test_one_that_ended_was_replaced_or_is_anothers_is_not_rotated(self) -> None:
        service, other = register_key(make_signer()), register_key(make_signer(), name="other")
        old = service.evidence_signers.get()
        with pytest.raises(Refusal) as refused:
            rotate(other, signer=old)
        assert refused.value.code == "signer.other_identity"
        second = rotate(service)
        with pytest.raises(Refusal) as refused:
            rotate(service, signer=old)
        assert refused.value.code == "signer.already_replaced"
        third = rotate(service, signer=second, overlap_days=0)
        revoke_signer(signer=third, revoked_from=NOW, reason="stolen", by=None, now=NOW)
        short = register_signer(identity=service, public_key_pem=make_signer().pem, valid_until=NOW + DAY, by=None, now=NOW)
        for signer, code in ((third, "signer.already_revoked"), (short, "signer.expired")):
            with pytest.raises(Refusal) as refused:
                rotate(service, signer=signer, now=NOW + 2 * DAY)
            assert refused.value.code == code
        suspend_identity(identity=other, reason="x", by=None, now=NOW)
        with pytest.raises(Refusal) as refused:
            rotate(other)
        assert refused.value.code == "identity.not_active"

    def test_only_a_steward_of_its_team_does(self) -> None:
        service = register_key(make_signer())
        elsewhere = cast.person("eve", "Eve", "identity-steward", team=cast.Team.objects.create(slug="other", name="Other"))
        for by in (cast.bob(), cast.alice(), elsewhere, service):
            with pytest.raises(Refusal) as refused:
                rotate(service, by=by)
            assert refused.value.code == "permission.missing"


class TestCredential:
    def stored(self, *, days: int = 30) -> ApiCredential:
        cast.token_of(cast.runner(), "read", "gates:decide", now=NOW, days=days)
        return ApiCredential.objects.get()

    def rotate(self, old: ApiCredential, **more: Any) -> ApiCredential:
        asked = {"credential": old, "expires_at": NOW + 90 * DAY, "keep_old": False, "by": cast.bob(), "now": NOW + DAY}
        return rotate_credential(**{**asked, **more})[0]

    @pytest.mark.parametrize("keep_old", [True, False])
    def test_the_new_one_has_the_same_scopes_and_the_old_one_is_revoked_or_left(self, keep_old: bool) -> None:
        old = self.stored()
        new = self.rotate(old, keep_old=keep_old)
        old.refresh_from_db()
        assert new.scopes == old.scopes and new.pk != old.pk
        assert old.revoked_at == (None if keep_old else NOW + DAY)
        revoked = [] if keep_old else ["credential.revoked"]
        assert events("credential.") == ["credential.issued", "credential.issued", *revoked, "credential.rotated"]

    def test_what_is_no_longer_good_or_was_had_for_a_token_is_not_rotated(self) -> None:
        old = self.stored(days=2)
        for change, code in (
            ({"by": cast.alice()}, "permission.missing"),
            ({"expires_at": NOW + 500 * DAY}, "credential.expiry"),
            ({"now": NOW + 3 * DAY}, "credential.expired"),
        ):
            with pytest.raises(Refusal) as refused:
                self.rotate(old, **change)
            assert refused.value.code == code
        revoke_credential(credential=old, by=None, now=NOW)
        with pytest.raises(Refusal) as refused:
            self.rotate(old)
        assert refused.value.code == "credential.revoked"
        make_tokens.binding()
        token = make_tokens.sign(make_tokens.claims(NOW))
        exchanged, _ = exchange_token(unverified_token=token, audience=make_tokens.PORTAL, now=NOW)
        with pytest.raises(Refusal) as refused:
            self.rotate(exchanged, now=NOW)
        assert refused.value.code == "credential.exchanged"


class TestCommands:
    def said(self, *words: str) -> tuple[str, str]:
        out, err = StringIO(), StringIO()
        call_command(*words, stdout=out, stderr=err)
        return out.getvalue().strip(), err.getvalue().strip()

    def test_rotate_a_signer(self, tmp_path: Path) -> None:
        service = register_key(make_signer())
        old = service.evidence_signers.get()
        file = tmp_path / "new.pem"
        file.write_bytes(make_signer().pem)
        said, _ = self.said("rotate_signer", old.key_id, "--public-key", str(file), "--overlap", "3", "--reason", "yearly")
        new = EvidenceSigner.objects.get(replaces=old)
        assert said.startswith(f"scan service signs evidence as {new}; {old} counts until 2")
        with pytest.raises(CommandError, match=r"^signer\.already_replaced: "):
            self.said("rotate_signer", old.key_id, "--public-key", str(file), "--reason", "again")

    def test_rotate_a_credential(self) -> None:
        cast.token_of(cast.runner(), "read")
        old = ApiCredential.objects.get()
        token, told = self.said("rotate_credential", old.pk, "--keep-old", "--by", "bob")
        assert token.startswith("csk_") and f"manage.py revoke_credential {old.pk}" in told
        _, told = self.said("rotate_credential", old.pk)
        assert f"{old.pk} is revoked" in told
