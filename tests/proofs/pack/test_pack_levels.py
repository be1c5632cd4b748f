"""How sure a pack makes: an enrolment's proof with and without its private files, under every trust, and what a record may claim of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from proofs.approval.enrollment import parse_enrollment
from proofs.approval.enrollment_parts import Introducer, RecoveryReference
from proofs.approval.introduction import build_introduction, introduction_challenge, introduction_envelope
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from proofs.pack import layout
from proofs.pack.build import PackedAttestation, PackedIntroduction, PackedToken
from proofs.pack.report import PackReport
from proofs.pack.trust import Trust, TrustedAuthenticators, TrustedProvider, build_trust, parse_trust
from tests import make_tokens
from tests.forge import repack
from tests.passkey import SoftPasskey
from tests.proofs.approval import make_attestations as attestations
from tests.proofs.approval.make_bindings import CLIENT, IDP, bound_payload, id_token, key_document, nonce_of
from tests.proofs.pack.lies import DAY, MINUTE, check, code_of
from tests.proofs.pack.world import NOON, POLICY, Signing, World, alice

ENROLLED = NOON - DAY
H3_POLICY: dict[str, Any] = {**POLICY, "minimumAssurance": "H3"}
PROVIDER = TrustedProvider(IDP, (CLIENT,), key_document())
MAKERS = TrustedAuthenticators((attestations.der(attestations.ROOT),), (attestations.MODEL,))


def token_of(passkey: SoftPasskey, **changes: Any) -> str:
    return id_token(nonce_of(passkey), **{"asked": ENROLLED - timedelta(minutes=2), **changes})


def bound(
    passkey: SoftPasskey | None = None, *, token: str | None = None, assurance: str = "H3", **proof: Any
) -> tuple[Signing, PackedToken]:
    """Alice, whose key her identity provider vouches for, and the private token."""
    passkey = passkey or SoftPasskey()
    token = token_of(passkey) if token is None else token
    lie = {"authenticated_at": ENROLLED - timedelta(minutes=2)}
    binding = parse_enrollment(bound_payload(passkey, token=token, at=ENROLLED, lie=lie)).binding
    signing = replace(alice(), passkey=passkey, issuer=IDP, assurance=assurance, proof={"binding": binding, **proof})
    return signing, PackedToken(token.encode(), key_document())


def trusting(world: World, **changes: Any) -> Trust:
    return replace(world.trust, **{"identity_providers": (PROVIDER,), **changes})


def attested(**more: Any) -> tuple[Signing, dict[str, Any]]:
    passkey = SoftPasskey()
    document = attestations.document(passkey)
    signing, token = bound(passkey, assurance="H4", attestation=attestations.reference(document), **more)
    return signing, {"tokens": [token], "attestations": [PackedAttestation(passkey.public_key.key_id, document)]}


def sure(report: PackReport) -> tuple[str, str]:
    """The level, and what the report says about it."""
    said = next(step.words for step in report.steps if step.number == 9)
    return report.approvals[0].level, said


def code(world: World, signing: Signing, trust: Trust | None = None, **private: Any) -> str:
    return code_of(world.pack(signing, **private), trust=trust or trusting(world))


class TestBoundEnrolment:
    def test_with_the_token_and_a_pinned_provider_it_is_h3(self) -> None:
        world, (signing, token) = World(policy=H3_POLICY), bound()
        report = check(world.pack(signing, tokens=[token]), trust=trusting(world))
        assert sure(report) == ("H3", f"Level H3: signed with a passkey, enrolled on the word of {IDP}.")
        assert report.approvals[0].level_words == "signed with a passkey"

    def test_without_the_token_it_counts_as_h2_and_says_so(self) -> None:
        world, (signing, _) = World(), bound()
        report = check(world.pack(signing), trust=trusting(world))
        level, said = sure(report)
        assert level == "H2"
        assert "enrolled on the portal's word; recorded as H3, counted as H2: the proof is not in this pack" in said
        assert any("alice's approval was recorded as H3, counted as H2" in remark for remark in report.not_checked)

    def test_a_policy_that_wants_more_then_refuses_and_says_what_to_do(self) -> None:
        world, (signing, _) = World(policy=H3_POLICY), bound()
        files = world.pack(signing)
        with pytest.raises(Refusal) as refused:
            check(files, trust=trusting(world))
        assert refused.value.code == "assurance.too_low"
        assert "a pack that an auditor of the project downloads holds it" in refused.value.reason

    @pytest.mark.parametrize(
        "provider",
        [
            replace(PROVIDER, issuer="https://other.example"),
            replace(PROVIDER, audiences=("another",)),
            replace(PROVIDER, keys=key_document(make_tokens.jwk(make_tokens.rsa_key("new"), "rsa"))),
        ],
    )
    def test_a_provider_that_is_not_pinned_lifts_nothing(self, provider: TrustedProvider) -> None:
        world, (signing, token) = World(), bound()
        files = world.pack(signing, tokens=[token])
        for trust in (world.trust, trusting(world, identity_providers=(provider,))):
            level, said = sure(check(files, trust=trust))
            assert level == "H2"
            assert f"your trust document does not name {IDP}" in said

    def test_a_provider_may_have_changed_its_keys_since(self) -> None:
        both = key_document(make_tokens.jwk(make_tokens.rsa_key("new"), "new"), make_tokens.jwk(make_tokens.rsa_key(), "rsa"))
        world, (signing, token) = World(policy=H3_POLICY), bound()
        trust = trusting(world, identity_providers=(replace(PROVIDER, keys=both),))
        assert sure(check(world.pack(signing, tokens=[token]), trust=trust))[0] == "H3"

    def test_a_token_that_lies_refuses_whatever_is_trusted(self) -> None:
        passkey = SoftPasskey()
        for wanted, token in (
            ("binding.identity_mismatch", token_of(passkey, subject="01MALLORY")),
            ("id_token.nonce", id_token(nonce_of(SoftPasskey()), asked=ENROLLED - timedelta(minutes=2))),
            ("id_token.auth_time", token_of(passkey, auth_time=int((ENROLLED - DAY).timestamp()))),
            ("token.signature", token_of(passkey, key=make_tokens.rsa_key("stranger"))),
        ):
            signing, private = bound(passkey, token=token)
            for trust in (None, World().trust):
                world = World()
                pinned = None if trust is None else world.trust
                assert code(world, signing, pinned, tokens=[private]) == wanted

    def test_a_token_of_another_key_is_not_listed(self) -> None:
        world, (signing, _), (_, other) = World(), bound(), bound()
        assert code(world, signing, tokens=[other]) == "sign_in.unlisted"

    def test_half_a_proof_is_none(self) -> None:
        world, (signing, token) = World(), bound()
        files = world.pack(signing, tokens=[token])
        path = layout.token_keys_path(sha256_hex(token.id_token))
        assert (
            code_of(repack({name: content for name, content in files.items() if name != path}), trust=trusting(world)) == "sign_in.unlisted"
        )


class TestWhatARecordMayClaim:
    @pytest.mark.parametrize("claimed", ["H0", "H1", "H2", "H4"])
    def test_refuses_what_a_bound_key_cannot_come_to(self, claimed: str) -> None:
        for private in (True, False):
            world, (signing, token) = World(), bound(assurance=claimed)
            assert code(world, signing, tokens=[token] if private else []) == "record.mismatch"

    @pytest.mark.parametrize("claimed", ["H0", "H1", "H2"])
    def test_refuses_less_than_an_attested_key_comes_to(self, claimed: str) -> None:
        world, (signing, private) = World(), attested()
        assert code(world, replace(signing, assurance=claimed), **private) == "record.mismatch"

    def test_refuses_h4_of_a_key_that_can_be_backed_up(self) -> None:
        passkey = SoftPasskey(synced=True)
        document = attestations.document(passkey)
        signing, token = bound(passkey, assurance="H4", attestation=attestations.reference(document))
        assert code(World(), signing, tokens=[token]) == "record.mismatch"


class TestAttestedKeys:
    def test_with_roots_and_the_model_listed_it_is_h4(self) -> None:
        world, (signing, private) = World(policy={**POLICY, "minimumAssurance": "H4"}), attested()
        report = check(world.pack(signing, **private), trust=trusting(world, authenticators=MAKERS))
        level, said = sure(report)
        assert (level, report.approvals[0].level_words) == ("H4", "signed with a security key")
        assert "an authenticator that its maker attests" in said

    @pytest.mark.parametrize(
        ("makers", "because"),
        [
            (replace(MAKERS, models=()), "not on the list"),
            (replace(MAKERS, roots=(attestations.der(attestations.leaf(key=attestations.ROOT_KEY)),)), "none of the roots"),
        ],
    )
    def test_what_the_reader_does_not_trust_lifts_nothing(self, makers: TrustedAuthenticators, because: str) -> None:
        world, (signing, private) = World(policy=H3_POLICY), attested()
        level, said = sure(check(world.pack(signing, **private), trust=trusting(world, authenticators=makers)))
        assert level == "H3"
        assert because in said

    def test_without_roots_or_without_the_file_it_is_h3(self) -> None:
        world, (signing, private) = World(policy=H3_POLICY), attested()
        assert sure(check(world.pack(signing, **private), trust=trusting(world)))[0] == "H3"
        files = world.pack(signing, tokens=private["tokens"])
        level, said = sure(check(files, trust=trusting(world, authenticators=MAKERS)))
        assert level == "H3"
        assert "the authenticator's attestation is not in this pack" in said

    def test_without_the_providers_word_an_attestation_lifts_nothing(self) -> None:
        world, (signing, private) = World(), attested()
        files = world.pack(signing, attestations=private["attestations"])
        assert sure(check(files, trust=trusting(world, authenticators=MAKERS)))[0] == "H2"

    def test_another_attestation_than_the_named_one_refuses(self) -> None:
        world, (signing, private) = World(), attested()
        other = [PackedAttestation(signing.passkey.public_key.key_id, attestations.document(SoftPasskey()))]
        files = {"tokens": private["tokens"], "attestations": other}
        assert code(world, signing, trusting(world, authenticators=MAKERS), **files) == "attestation.digest"

    def test_an_attestation_that_no_enrolment_names_is_not_listed(self) -> None:
        world, (signing, token) = World(), bound()
        other = [PackedAttestation(signing.passkey.public_key.key_id, attestations.document(signing.passkey))]
        assert code(world, signing, tokens=[token], attestations=other) == "signer.unlisted"


class TestNewKeys:
    def test_refuses_a_key_that_was_too_new_for_the_highest_tier(self) -> None:
        world, (signing, token) = World(), bound(matures_at=NOON + MINUTE)
        assert code(world, signing, tokens=[token]) == "signer.cooling_off"

    def test_takes_it_from_the_moment_it_names(self) -> None:
        world, (signing, token) = World(), bound(matures_at=NOON)
        assert check(world.pack(signing, tokens=[token]), trust=trusting(world)).approvals

    def test_refuses_what_was_checked_when_somebody_else_may_have_signed(self) -> None:
        world, (signing, token) = World(), bound()
        ended = replace(signing, revoked_at=NOON + DAY, end={"compromised_from": NOON})
        assert code(world, ended, tokens=[token]) == "signer.compromised"
        later = replace(ended, end={"compromised_from": NOON + timedelta(hours=2)})
        world = World()
        assert check(world.pack(later, tokens=[token]), trust=trusting(world)).approvals


class TestIntroductions:
    def introduced(self, world: World, **lie: Any) -> tuple[Signing, PackedIntroduction]:
        """Alice's newer key, with what her older one signed for it."""
        older, newer = alice(), SoftPasskey()
        enrolled, digest = world.enroll(replace(older, enrolled_at=NOON - 9 * DAY))
        payload = build_introduction(
            at=ENROLLED - MINUTE,
            issuer=older.issuer,
            subject=lie.get("subject", older.subject),
            key=newer.public_key,
            credential_id=newer.credential_id,
            rp_id="localhost",
            introducer=older.passkey.public_key.key_id,
            introducer_enrollment=digest,
        )
        envelope = introduction_envelope(payload, older.passkey.sign(introduction_challenge(payload)))
        named = Introducer(older.passkey.public_key.key_id, digest, sha256_hex(envelope))
        signing = replace(alice(), passkey=newer, proof={"introduced_by": named})
        return signing, PackedIntroduction(newer.public_key.key_id, envelope, enrolled)

    def test_an_older_key_signed_for_it(self) -> None:
        world = World()
        signing, introduction = self.introduced(world)
        report = check(world.pack(signing, introductions=[introduction]), trust=world.trust)
        assert "an older key of theirs signed for it" in next(step.words for step in report.steps if step.number == 7)
        assert report.approvals[0].level == "H2"

    def test_an_introduction_that_does_not_hold_refuses(self) -> None:
        world = World()
        signing, introduction = self.introduced(world, subject="01BOB")
        assert code(world, signing, world.trust, introductions=[introduction]) == "introduction.mismatch"

    def test_half_of_it_refuses_and_none_of_it_is_no_lie(self) -> None:
        world = World()
        signing, introduction = self.introduced(world)
        files = world.pack(signing, introductions=[introduction])
        path = layout.introducer_path(introduction.key_id)
        half = repack({name: content for name, content in files.items() if name != path})
        assert code_of(half, trust=world.trust) == "introduction.missing"
        world = World()
        signing, _ = self.introduced(world)
        report = check(world.pack(signing), trust=world.trust)
        assert "the pack does not show it" in next(step.words for step in report.steps if step.number == 7)


class TestRecoveries:
    def test_a_key_that_came_by_a_recovery_says_so(self) -> None:
        world = World()
        signing = replace(alice(), proof={"recovery": RecoveryReference(("h:1", "h:2"), ENROLLED - MINUTE)})
        report = check(world.pack(signing), trust=world.trust)
        said = next(step.words for step in report.steps if step.number == 7)
        assert "every key before it was lost, and that 2 agreed to a new beginning" in said


class TestTrustDocuments:
    def test_what_is_pinned_reads_back(self) -> None:
        trust = trusting(World(), authenticators=MAKERS)
        read = parse_trust(build_trust(trust))
        assert (read.identity_providers, read.authenticators) == ((PROVIDER,), MAKERS)

    def test_one_without_any_of_it_is_spelled_as_ever(self) -> None:
        document = build_trust(World().trust)
        assert b"identityProviders" not in document and b"authenticators" not in document

    @pytest.mark.parametrize("makers", [replace(MAKERS, roots=()), replace(MAKERS, roots=(b"junk",)), replace(MAKERS, models=("ABC",))])
    def test_refuses_makers_in_another_form(self, makers: TrustedAuthenticators) -> None:
        with pytest.raises(Refusal) as refused:
            build_trust(trusting(World(), authenticators=makers))
        assert refused.value.code == "trust.malformed"
