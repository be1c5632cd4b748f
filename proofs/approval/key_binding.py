"""A key's binding to a person, by the word of the person's own identity provider (the construction of OpenPubkey).

The provider is asked to sign the person in again, with a nonce that is the hash of the new key. Whoever holds the ID token and the
provider's key set checks, without the portal's word, that this person was there for exactly this key. The steps, first failure refuses:

1. The enrolment names a sign-in that is bound to its key.                                binding.missing
2. Token and key set are the ones it names.                                               binding.token_digest, binding.keys_digest, .keys
3. Its nonce is the hash of this key, this credential, this site and this account.        binding.nonce
4. The provider signed the token, for this portal, with this nonce; the person was        as `proofs.tokens.id_token`
   asked again, at most a quarter of an hour before the enrolment.
5. The token is about the person the key was enrolled for, at the same issuer.            binding.identity_mismatch
6. The enrolment says when the person was asked as the token does.                        binding.authenticated_at

Not checked: that the key set is the provider's. Whoever asks pins it and compares `VerifiedBinding.signing_keys`.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from proofs.approval.enrollment import Enrollment
from proofs.approval.enrollment_parts import Binding
from proofs.canonical import canonical_bytes, parse_json
from proofs.digest import sha256_hex
from proofs.encoding import b64_encode, b64url_encode
from proofs.errors import Malformed, Refusal, Unproven
from proofs.tokens.id_token import VerifiedIdToken, verify_id_token
from proofs.tokens.key_set import normalise_keys

# Between the provider's question and the enrolment lies one ceremony of the person, never a coffee break.
FRESH = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class VerifiedBinding:
    """An identity provider's word for a key, verified; made only by `verify_key_binding`.

    `signing_keys` are the provider's keys of the name the token carries, each as a canonical JWK, to be held against pinned ones.
    """

    issuer: str
    audience: str
    subject: str
    authenticated_at: datetime
    methods: tuple[str, ...]
    signing_keys: tuple[bytes, ...]


def key_nonce(*, rp_id: str, credential_id: bytes, spki: bytes, user_handle: bytes, salt: bytes) -> str:
    """Return the nonce that binds a sign-in to a key: base64url of the SHA-256 over canonical JSON (RFC 8785) of the five values.

    `salt` is random and kept with the enrolment, so that the nonce tells the provider nothing about the key.
    """
    document = canonical_bytes(
        {
            "rpId": rp_id,
            "credentialId": b64url_encode(credential_id),
            "spki": b64_encode(spki),
            "userHandle": b64url_encode(user_handle),
            "salt": b64url_encode(salt),
        }
    )
    return b64url_encode(hashlib.sha256(document).digest())


def verify_key_binding(*, enrollment: Enrollment, id_token: str, issuer_keys: bytes, at: datetime) -> VerifiedBinding:
    """Return what the identity provider vouches for when steps 1 to 6 hold; refuses with the codes above.

    `issuer_keys` is the canonical key document (`proofs.tokens.key_set.normalise_keys`), `at` the moment of the enrolment.
    """
    binding = enrollment.binding
    if binding is None:  # 1.
        raise Unproven("binding.missing", "the portal alone vouches for this key; no sign-in at an identity provider is bound to it")
    if sha256_hex(id_token.encode("utf-8", "replace")) != binding.token_digest:  # 2.
        raise Unproven("binding.token_digest", "got another ID token than the one the enrolment names")
    if sha256_hex(issuer_keys) != binding.keys_digest:
        raise Unproven("binding.keys_digest", "got another key set of the identity provider than the one the enrolment names")
    _demand_canonical(issuer_keys)
    expected = key_nonce(
        rp_id=enrollment.rp_id,
        credential_id=enrollment.credential_id,
        spki=enrollment.key.spki,
        user_handle=binding.user_handle,
        salt=binding.salt,
    )
    if not hmac.compare_digest(binding.nonce, expected):  # 3.
        raise Unproven("binding.nonce", "the nonce of the sign-in is not the hash of this key: it was made for another one")
    token = verify_id_token(  # 4.
        id_token,
        issuer_keys=issuer_keys,
        expected_issuer=binding.issuer,
        expected_audience=binding.audience,
        expected_nonce=expected,
        at=at,
        authenticated_after=at - FRESH,
    )
    _demand_person(enrollment, binding, token)
    return VerifiedBinding(
        issuer=token.issuer,
        audience=token.audience,
        subject=token.subject,
        authenticated_at=binding.authenticated_at,
        methods=token.methods,
        signing_keys=_named_keys(issuer_keys, token.key_name),
    )


def _demand_canonical(issuer_keys: bytes) -> None:
    try:
        kept = normalise_keys(issuer_keys)
    except Refusal as error:
        raise Malformed("binding.keys", f"the identity provider's key set cannot be read: {error.reason}") from error
    if kept != issuer_keys:
        raise Malformed("binding.keys", "got a key set in another form, expected the canonical document of RSA and P-256 keys")


def _demand_person(enrollment: Enrollment, binding: Binding, token: VerifiedIdToken) -> None:
    said = (token.issuer, token.subject)
    if not said == (binding.issuer, binding.subject) == (enrollment.issuer, enrollment.subject):  # 5.
        raise Unproven(
            "binding.identity_mismatch",
            f"the identity provider speaks of {token.subject[:80]} at {token.issuer[:120]}, "
            f"expected {enrollment.subject[:80]} at {enrollment.issuer[:120]}, whom the key was enrolled for",
        )
    if token.authenticated_at != binding.authenticated_at:  # 6.
        raise Unproven("binding.authenticated_at", "the enrolment says another time of sign-in than the ID token")


def _named_keys(issuer_keys: bytes, name: str) -> tuple[bytes, ...]:
    return tuple(canonical_bytes(entry) for entry in parse_json(issuer_keys)["keys"] if entry["kid"] == name)
