"""Who a signer is: exactly one active identity whose signer was valid then, or nobody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from identities.models import EvidenceSigner, Identity
from identities.queries import describe_identity, get_identity, resolve_signer
from identities.register import register_nonhuman, register_signer
from proofs.errors import NotFound
from tests import cast
from tests.identities.test_register import pem_of
from tests.passkey import SoftPasskey

pytestmark = pytest.mark.django_db
LATER = cast.NOW + timedelta(days=1)


def certificate(**changes: Any) -> dict[str, Any]:
    return {"kind": "certificate", "issuer": cast.GITHUB_ISSUER, "identity": f"{cast.WORKFLOW}@refs/tags/v1", **changes}


def another(name: str = "other") -> Identity:
    return register_nonhuman(
        kind="workflow", name=name, issuer="https://i.example", subject=name, owner=cast.bob(), team=cast.payments(), by=None, now=cast.NOW
    )


def same_name(any_ref: bool) -> dict[str, Any]:
    name = cast.WORKFLOW if any_ref else f"{cast.WORKFLOW}@refs/tags/v1"
    return {"method": "certificate", "certificate_issuer": cast.GITHUB_ISSUER, "certificate_identity": name, "any_ref": any_ref}


def register_again(identity: Identity, *, any_ref: bool, now: datetime, valid_from: datetime | None = None) -> EvidenceSigner:
    named = {key: value for key, value in same_name(any_ref).items() if key != "method"}
    return register_signer(identity=identity, by=None, now=now, valid_from=valid_from, **named)


class TestResolveSigner:
    def test_a_workflow_on_any_ref(self) -> None:
        assert resolve_signer(certificate(), signed_at=LATER, at=LATER) is None
        runner = cast.runner()
        assert resolve_signer(certificate(), signed_at=LATER, at=LATER) == runner
        assert resolve_signer(certificate(identity=f"{cast.WORKFLOW}@refs/heads/x@y"), signed_at=LATER, at=LATER) is None

    def test_a_file_whose_name_goes_on_after_an_at_sign_is_not_the_workflow(self) -> None:
        cast.runner()
        longer = f"{cast.WORKFLOW}@x.yml"
        for lie in (f"{longer}@refs/heads/main", f"{longer}@{'ab' * 20}", longer):
            assert resolve_signer(certificate(identity=lie), signed_at=LATER, at=LATER) is None
        registered = another()
        register_signer(
            identity=registered,
            certificate_issuer=cast.GITHUB_ISSUER,
            certificate_identity=f"{cast.WORKFLOW}@refs/tags/@acme/api@1.0.0",
            by=None,
            now=cast.NOW,
        )
        # The whole identity is still one that somebody can register, letter for letter.
        assert resolve_signer(certificate(identity=f"{cast.WORKFLOW}@refs/tags/@acme/api@1.0.0"), signed_at=LATER, at=LATER) == registered

    @pytest.mark.parametrize(
        "facts",
        [
            certificate(issuer="https://evil.example"),
            certificate(identity=cast.WORKFLOW),
            certificate(identity=f"{cast.WORKFLOW}2@refs/tags/v1"),
            certificate(identity=f"{cast.WORKFLOW.upper()}@refs/tags/v1"),
            {"kind": "claim", "issuer": cast.GITHUB_ISSUER, "identity": f"{cast.WORKFLOW}@refs/tags/v1"},
            {"kind": "key", "keyId": "SHA256:nobody"},
            {"kind": "key"},
            {},
        ],
    )
    def test_anything_else_is_unknown(self, facts: dict[str, Any]) -> None:
        cast.runner()
        assert resolve_signer(facts, signed_at=LATER, at=LATER) is None

    def test_the_exact_identity_wins_over_any_ref(self) -> None:
        cast.runner()
        exact = another()
        register_signer(
            identity=exact,
            certificate_issuer=cast.GITHUB_ISSUER,
            certificate_identity=f"{cast.WORKFLOW}@refs/tags/v1",
            by=None,
            now=cast.NOW,
        )
        assert resolve_signer(certificate(), signed_at=LATER, at=LATER) == exact

    def test_a_name_that_was_revoked_does_not_count_by_a_registration_of_all_names(self) -> None:
        runner = cast.runner()
        register_signer(
            identity=runner,
            certificate_issuer=cast.GITHUB_ISSUER,
            certificate_identity=f"{cast.WORKFLOW}@refs/tags/v1",
            by=None,
            now=cast.NOW,
        )
        EvidenceSigner.objects.filter(any_ref=False).update(revoked_at=LATER)
        assert resolve_signer(certificate(), signed_at=LATER, at=LATER) is None
        assert resolve_signer(certificate(), signed_at=LATER - timedelta(seconds=1), at=LATER) == runner
        assert resolve_signer(certificate(identity=f"{cast.WORKFLOW}@refs/tags/v2"), signed_at=LATER, at=LATER) == runner

    @pytest.mark.parametrize("valid_from", [None, cast.NOW - timedelta(days=9)], ids=["from now on", "dated back"])
    @pytest.mark.parametrize("signed_at", [cast.NOW - timedelta(days=1), cast.NOW + timedelta(hours=1)], ids=["before any", "later"])
    def test_a_name_split_off_afterwards_makes_nothing_good_that_its_identity_lost(
        self, valid_from: datetime | None, signed_at: datetime
    ) -> None:
        runner = cast.runner()
        register_again(another(), any_ref=False, now=LATER, valid_from=valid_from)
        assert resolve_signer(certificate(), signed_at=signed_at, at=LATER) == runner
        for change in ({"status": "suspended"}, {"status": "retired", "retired_at": signed_at, "compromised_from": signed_at}):
            Identity.objects.filter(pk=runner.pk).update(**change)
            assert resolve_signer(certificate(), signed_at=signed_at, at=LATER) is None

    def test_what_another_team_registered_and_revoked_spoils_no_name(self) -> None:
        other = cast.Team.objects.create(slug="other", name="Other")
        squatter = another()
        Identity.objects.filter(pk=squatter.pk).update(team=other)
        register_again(squatter, any_ref=False, now=cast.NOW - timedelta(days=1))
        EvidenceSigner.objects.update(revoked_at=cast.NOW - timedelta(hours=1))
        assert resolve_signer(certificate(), signed_at=LATER, at=LATER) is None
        runner = cast.runner()
        assert resolve_signer(certificate(), signed_at=LATER, at=LATER) == runner

    def test_a_key(self) -> None:
        passkey, runner = SoftPasskey(), cast.runner()
        register_signer(identity=runner, public_key_pem=pem_of(passkey), by=None, now=cast.NOW)
        assert resolve_signer({"kind": "key", "keyId": passkey.public_key.key_id}, signed_at=LATER, at=LATER) == runner

    def test_only_while_it_was_valid(self) -> None:
        cast.runner()
        assert resolve_signer(certificate(), signed_at=cast.NOW - timedelta(seconds=1), at=cast.NOW - timedelta(seconds=1)) is None
        EvidenceSigner.objects.update(valid_until=LATER)
        assert resolve_signer(certificate(), signed_at=LATER, at=LATER) is None
        assert resolve_signer(certificate(), signed_at=LATER - timedelta(seconds=1), at=LATER - timedelta(seconds=1)) is not None
        revoked_at = LATER - timedelta(hours=1)
        EvidenceSigner.objects.update(revoked_at=revoked_at)
        assert resolve_signer(certificate(), signed_at=revoked_at, at=revoked_at) is None
        assert resolve_signer(certificate(), signed_at=revoked_at - timedelta(seconds=1), at=revoked_at - timedelta(seconds=1)) is not None

    def test_what_was_signed_before_anybody_registered_it_is_answered_for_today(self) -> None:
        runner = cast.runner()
        assert resolve_signer(certificate(), signed_at=cast.NOW - timedelta(days=400), at=LATER) == runner

    def test_and_still_when_that_registration_has_run_out_in_the_ordinary_way(self) -> None:
        runner = cast.runner()
        EvidenceSigner.objects.update(valid_until=LATER)
        early, late = cast.NOW - timedelta(days=400), LATER + timedelta(days=400)
        assert resolve_signer(certificate(), signed_at=early, at=late) == runner
        assert resolve_signer(certificate(), signed_at=LATER, at=late) is None
        EvidenceSigner.objects.update(revoked_at=late)
        assert resolve_signer(certificate(), signed_at=early, at=late) is None

    def test_a_name_registered_again_makes_nothing_good_that_was_signed_in_between(self) -> None:
        runner = cast.runner()
        revoked_at, again_at = LATER, LATER + timedelta(days=10)
        EvidenceSigner.objects.update(revoked_at=revoked_at)
        register_signer(
            identity=runner,
            certificate_issuer=cast.GITHUB_ISSUER,
            certificate_identity=cast.WORKFLOW,
            any_ref=True,
            by=None,
            now=again_at,
        )
        today = again_at + timedelta(days=1)
        for signed_at, answered in (
            (revoked_at - timedelta(seconds=1), runner),
            (revoked_at, None),
            (again_at - timedelta(seconds=1), None),
            (again_at, runner),
        ):
            assert resolve_signer(certificate(), signed_at=signed_at, at=today) == answered

    def test_a_name_split_off_before_the_whole_was_revoked_goes_on(self) -> None:
        runner, split_at = cast.runner(), cast.NOW + timedelta(hours=1)
        exact = register_again(another(), any_ref=False, now=split_at, valid_from=cast.NOW)
        EvidenceSigner.objects.filter(any_ref=True).update(revoked_at=LATER)
        # What was signed before the split stays with whom it was registered for then, whatever time the split was dated back to.
        for signed_at, answers in (
            (cast.NOW, runner),
            (split_at, exact.identity),
            (LATER, exact.identity),
            (LATER + timedelta(days=1), exact.identity),
        ):
            assert resolve_signer(certificate(), signed_at=signed_at, at=LATER + timedelta(days=2)) == answers
        assert resolve_signer(certificate(identity=f"{cast.WORKFLOW}@refs/tags/v2"), signed_at=LATER, at=LATER) is None

    @pytest.mark.parametrize("any_ref", [False, True])
    @pytest.mark.parametrize("back", [timedelta(days=400), timedelta(hours=36)], ids=["before it was revoked", "after it was revoked"])
    def test_a_registration_that_was_dated_back_answers_for_nothing_that_a_revocation_took_away(
        self, any_ref: bool, back: timedelta
    ) -> None:
        runner, made = cast.runner(), LATER + timedelta(days=2)
        EvidenceSigner.objects.update(revoked_at=LATER)
        row = EvidenceSigner(identity=another(), registered_at=made, valid_from=made - back, **same_name(any_ref))
        row.save()
        second = timedelta(seconds=1)
        for signed_at, answered in ((LATER - second, runner), (LATER, None), (made - second, None), (made, row.identity)):
            assert resolve_signer(certificate(), signed_at=signed_at, at=made) == answered
        assert resolve_signer(certificate(), signed_at=cast.NOW - timedelta(days=1), at=made) is None

    def test_a_registration_of_which_nobody_kept_when_it_was_made_counts_as_made_after_the_revocation(self) -> None:
        runner = cast.runner()
        EvidenceSigner.objects.update(revoked_at=LATER)
        EvidenceSigner.objects.create(identity=another(), valid_from=cast.NOW - timedelta(days=1), **same_name(False))
        answered = [resolve_signer(certificate(), signed_at=at, at=LATER) for at in (cast.NOW - timedelta(hours=1), cast.NOW, LATER)]
        assert answered == [None, runner, None]

    @pytest.mark.parametrize("status", ["suspended", "retired"])
    def test_only_while_its_identity_is_active(self, status: str) -> None:
        Identity.objects.filter(pk=cast.runner().pk).update(status=status)
        assert resolve_signer(certificate(), signed_at=LATER, at=LATER) is None

    def test_for_what_was_signed_before_it_was_retired(self) -> None:
        runner = cast.runner()
        Identity.objects.filter(pk=runner.pk).update(status="retired", retired_at=LATER)
        assert resolve_signer(certificate(), signed_at=LATER, at=LATER) is None
        assert resolve_signer(certificate(), signed_at=LATER - timedelta(seconds=1), at=LATER) == runner

    def test_two_who_fit_are_nobody(self) -> None:
        cast.runner()
        EvidenceSigner.objects.update(revoked_at=LATER + timedelta(days=1))
        register_signer(
            identity=another(),
            certificate_issuer=cast.GITHUB_ISSUER,
            certificate_identity=cast.WORKFLOW,
            any_ref=True,
            by=None,
            now=cast.NOW,
        )
        assert resolve_signer(certificate(), signed_at=LATER, at=LATER) is None


class TestDescribeIdentity:
    def test_says_it_in_one_sentence(self) -> None:
        assert describe_identity(get_identity(cast.alice().pk)) == "A person of Payments who is a release approver."
        assert describe_identity(get_identity(cast.mallory().pk)) == "A person of Payments who holds no role."
        expected = "A CI workflow of Payments, answered for by Bob Ruiz. Builds and attests the images of payments-api."
        assert describe_identity(get_identity(cast.runner().pk)) == expected

    def test_refuses_what_is_not_there(self) -> None:
        with pytest.raises(NotFound, match=r"identity\.unknown"):
            get_identity("idn_nobody")
