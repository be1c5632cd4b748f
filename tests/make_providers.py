"""Identity providers and what hangs on them."""

from __future__ import annotations

from identities.models import BoundSignIn, GroupRules, IdentityProvider, KeyRecovery, LocalSignIn, ProvisioningToken, RecoveryConsent
from tests import cast


def all_that_ends() -> None:
    """A provider, a sign-in at it, its provisioning token and a recovery, each ended in every way its columns know."""
    then, alice = cast.NOW, cast.alice()
    provider = IdentityProvider.objects.create(
        slug="corp", name="Corp", protocol="oidc", issuer="https://idp.example", sealed_secret=b"s", added_at=then, changed_at=then
    )
    IdentityProvider.objects.update(removed_at=then)
    BoundSignIn.objects.create(
        provider=provider, identity=alice, purpose="approval", nonce="n", state_sha256="s", begun_at=then, expires_at=then,
        code_verifier="v", session_hash="h", answered_at=then, id_token="t", issuer_keys=b"k", used_at=then, refused_code="x",
    )  # fmt: skip
    ended = {"ended_at": then, "ended_by": alice, "operator_consented_at": then, "used_at": then}
    KeyRecovery.objects.create(identity=alice, reason="Lost", opened_at=then, expires_at=then, **ended)
    ProvisioningToken.objects.create(provider=provider, secret_sha256="s", created_at=then, expires_at=then, revoked_at=then)
    GroupRules.objects.create(provider=provider, version=1, rules=[], made_at=then)
    LocalSignIn.objects.create(allowed=True, changed_at=then)
    RecoveryConsent.objects.create(recovery=KeyRecovery.objects.get(), officer=cast.olga(), consented_at=then)
