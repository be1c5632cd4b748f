"""A pack whose approver answered without a key: with the token and a pinned provider, without either, and with every token that lies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from countersign.questions import answer_questions
from proofs.approval.approval_parts import SignInReference
from proofs.approval.human_approval import build_human_approval
from proofs.approval.record import CHECKS, SIGN_IN_CHECKS, TokenReference, build_record
from proofs.approval.step_up import step_up_nonce
from proofs.canonical import canonical_bytes, parse_json
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from proofs.leaf import build_dsse_leaf
from proofs.pack import layout
from proofs.pack.build import PackedApproval, PackedToken, assemble_pack
from proofs.pack.report import PackReport
from proofs.pack.trust import Trust, TrustedProvider, build_trust, parse_trust
from tests import make_tokens as tokens
from tests.forge import FIRST, edited, repack
from tests.make_id_tokens import CLIENT, ISSUER, KEYS, SUBJECT, id_token, pinned, rotated
from tests.passkey import SoftPasskey
from tests.proofs.pack.lies import check, code_of
from tests.proofs.pack.world import MINUTE, NOON, ORIGIN, POLICY, World, alice

H1_POLICY: dict[str, Any] = {**POLICY, "minimumAssurance": "H1"}


def sign_in_pack(
    world: World,
    *,
    private: bool = True,
    assurance: str = "H2",
    keys: bytes = KEYS,
    changes: dict[str, Any] | None = None,
    beside: tuple[str, str] | None = None,
    **claims: Any,
) -> dict[str, bytes]:
    """Alice's answer by sign-in, in a pack with her token or without; `claims` change the token, `changes` the statement."""
    signer = SignInReference(ISSUER, CLIENT, SUBJECT)
    who = alice(issuer=ISSUER, subject=SUBJECT, changes={"signer": signer, **(changes or {})})
    payload = build_human_approval(world.approval(who))
    token = id_token(nonce=step_up_nonce(payload), at=NOON, **claims)
    issuer, audience = beside or (ISSUER, CLIENT)
    record = build_record(
        payload=payload,
        assertion=TokenReference(sha256_hex(token.encode()), sha256_hex(keys), issuer, audience),
        assurance=assurance,
        checked_at=NOON + MINUTE,
        checks=SIGN_IN_CHECKS,
        verifier_version="0.1.0",
        portal=ORIGIN,
    )
    envelope = world.keys.sign(record)
    place = world.keys.append(build_dsse_leaf(envelope, world.keys.recorder_public.pem))
    packed = PackedApproval(envelope, place, world.keys.inclusion(place), world.keys.consistency(world.head.size), world.keys.checkpoint())
    return assemble_pack(
        approvals=[packed],
        enrollments=[],
        revocations=[],
        evidence=world.evidence,
        verdicts=[canonical_bytes(verdict) for verdict in world.verdicts],
        snapshot=world.snapshot,
        request=world.request,
        policy_document=world.policy_document,
        policy_input=canonical_bytes(world.policy_input),
        policy_result=canonical_bytes(world.result),
        trust=world.trust,
        tokens=[PackedToken(token.encode(), keys)] if private else [],
    )


def pinning(world: World, **changes: Any) -> Trust:
    return replace(world.trust, identity_providers=(pinned(**changes),))


def told(report: PackReport) -> bool:
    return any("is the portal's word alone, level H1" in remark for remark in report.not_checked)


class TestWithTheToken:
    def test_counts_at_h2_and_is_said_in_words(self) -> None:
        world = World()
        report = check(sign_in_pack(world), trust=pinning(world))
        (approval,) = report.approvals
        assert (approval.level, approval.key_id, approval.signed_in_at) == ("H2", "", ISSUER)
        assert f"confirmed by sign-in at {ISSUER}" in approval.level_words
        assert [step.number for step in report.steps] == list(range(1, 23))
        assert "by sign-in" in answer_questions(report)[0].words
        assert not told(report)

    def test_tells_people_with_stock_tools_that_none_has_a_form_for_it(self) -> None:
        files = sign_in_pack(World())
        assert FIRST + layout.HUMAN_SIGN_IN in files
        assert not {FIRST + layout.HUMAN_ENVELOPE, FIRST + layout.HUMAN_SSHSIG} & set(files)
        assert files[layout.ALLOWED_SIGNERS] == b""
        assert "not with ssh-keygen: no key of the person's signed it" in files[layout.GUIDE].decode()

    @pytest.mark.parametrize(
        ("claims", "code"),
        [
            ({"auth_time": int((NOON - 5 * MINUTE).timestamp())}, "id_token.auth_time"),
            ({"sub": "00u9mallory"}, "sign_in.subject"),
            ({"aud": "another-client"}, "id_token.audience"),
            ({"key": tokens.rsa_key("a stranger's")}, "token.signature"),
        ],
    )
    def test_refuses_the_pack_when_the_token_lies(self, claims: dict[str, Any], code: str) -> None:
        world = World()
        assert code_of(sign_in_pack(world, **claims), trust=pinning(world)) == code

    def test_refuses_the_token_of_another_ceremony_under_the_name_of_this_one(self) -> None:
        world = World()
        files = sign_in_pack(world)
        path = next(path for path in files if path.endswith(".jwt"))
        other = id_token(nonce="another ceremony's", at=NOON).encode()
        assert code_of(repack(edited(files, path, other)), trust=pinning(world)) == "sign_in.token"

    def test_refuses_a_level_that_the_token_does_not_come_to(self) -> None:
        world = World(policy=H1_POLICY)
        assert code_of(sign_in_pack(world, amr=["pwd"]), trust=pinning(world)) == "record.mismatch"
        report = check(sign_in_pack(world, amr=["pwd"], assurance="H1"), trust=pinning(world))
        assert report.approvals[0].level == "H1"
        assert check(sign_in_pack(world, amr=None, acr="two"), trust=pinning(world, second_factor=("two",))).approvals[0].level == "H2"

    def test_a_provider_whose_acr_is_weighed_anew_lifts_or_lowers_the_level_and_breaks_no_record(self) -> None:
        world = World(policy=H1_POLICY)
        earlier = sign_in_pack(world, amr=None, acr="two", assurance="H1")
        assert check(earlier, trust=pinning(world, second_factor=("two",))).approvals[0].level == "H2"
        later = sign_in_pack(world, amr=None, acr="two")
        assert check(later, trust=pinning(world)).approvals[0].level == "H1"

    def test_refuses_a_token_that_nothing_names_and_one_without_its_keys(self) -> None:
        world = World()
        files = sign_in_pack(world)
        for path, content in ((layout.token_path("ab" * 32), b"x"), (next(path for path in files if path.endswith(".keys")), None)):
            assert code_of(repack(edited(files, path, content)), trust=pinning(world)) == "sign_in.unlisted"


class TestOnThePortalsWord:
    def test_without_the_token_it_is_h1_and_the_report_says_so(self) -> None:
        world = World(policy=H1_POLICY)
        report = check(sign_in_pack(world, private=False), trust=pinning(world))
        assert report.approvals[0].level == "H1"
        assert told(report)
        strict = World()
        assert code_of(sign_in_pack(strict, private=False), trust=pinning(strict)) == "assurance.too_low"

    @pytest.mark.parametrize("changes", [{"issuer": "https://other.example"}, {"audiences": ("another-client",)}, {"keys": rotated()}])
    def test_so_it_is_where_the_reader_did_not_pin_the_provider_the_client_or_the_key(self, changes: dict[str, Any]) -> None:
        world = World(policy=H1_POLICY)
        report = check(sign_in_pack(world), trust=pinning(world, **changes))
        assert report.approvals[0].level == "H1"
        assert told(report)

    def test_keys_that_were_rotated_since_still_count_where_the_reader_kept_them(self) -> None:
        world = World()
        both = parse_json(KEYS)["keys"] + parse_json(rotated())["keys"]
        assert check(sign_in_pack(world), trust=pinning(world, keys=canonical_bytes({"keys": both}))).approvals[0].level == "H2"

    def test_a_portal_that_claims_more_without_a_token_is_refused(self) -> None:
        world = World(policy=H1_POLICY)
        assert code_of(sign_in_pack(world, private=False, assurance="H3"), trust=pinning(world)) == "record.mismatch"


class TestStatementAndRecord:
    def test_refuses_another_provider_or_client_in_the_record(self) -> None:
        world = World()
        for beside in (("https://other.example", CLIENT), (ISSUER, "another-client")):
            assert code_of(sign_in_pack(world, beside=beside), trust=pinning(world)) == "sign_in.provider"

    def test_refuses_a_sign_in_offered_at_another_portal(self) -> None:
        world = World()
        elsewhere = replace(world.approval(alice()).ceremony, origin="https://phish.example")
        assert code_of(sign_in_pack(world, changes={"ceremony": elsewhere}), trust=pinning(world)) == "sign_in.portal"

    def test_refuses_a_passkey_beside_a_statement_that_names_a_sign_in(self) -> None:
        world = World()
        passkey = SoftPasskey()
        named = SignInReference(ISSUER, CLIENT, SUBJECT)
        payload = build_human_approval(world.approval(alice(issuer=ISSUER, subject=SUBJECT, changes={"signer": named})))
        with pytest.raises(Refusal) as refused:
            build_record(
                payload=payload,
                assertion=passkey.sign(b"x"),
                assurance="H2",
                checked_at=NOON,
                checks=CHECKS,
                verifier_version="0.1.0",
                portal=ORIGIN,
            )
        assert refused.value.code == "record.malformed"


class TestTrust:
    def test_a_document_with_providers_reads_back_and_one_without_is_spelled_as_before(self) -> None:
        world = World()
        assert b"identityProviders" not in build_trust(world.trust)
        trust = pinning(world, second_factor=("two",))
        read = parse_trust(build_trust(trust))
        assert (read.identity_providers, build_trust(read)) == (trust.identity_providers, build_trust(trust))

    @pytest.mark.parametrize(
        "providers",
        [(pinned(), pinned(audiences=("other",))), (TrustedProvider(ISSUER, (), KEYS),)],
        ids=["one issuer twice", "no client"],
    )
    def test_refuses_providers_that_say_too_much_or_too_little(self, providers: tuple[TrustedProvider, ...]) -> None:
        with pytest.raises(Refusal) as refused:
            build_trust(replace(World().trust, identity_providers=providers))
        assert refused.value.code == "trust.malformed"
