"""Levels of assurance and kinds of signatures in one sentence each, the same on pages, in reports and in what the verifier says."""

from __future__ import annotations

from proofs.approval.assurance import OBSERVATION, PORTAL
from proofs.approval.signed_parts import PASSKEY, SIGN_IN

# What each level says to somebody who has never heard of levels.
LEVEL_SENTENCES = {
    "H4": "Signed with a security key whose maker attests it; the person's identity provider vouches for whose it is.",
    "H3": "Signed with a passkey; the person's identity provider vouches for whose it is.",
    "H2": "Signed with a passkey, and the portal vouches for whose it is; or confirmed by a sign-in with two factors.",
    "H1": "Recorded by the portal after the person signed in again; the person signed nothing.",
    "H0": "Another system says so. This alone opens no gate.",
}


def describe_level(level: str) -> str:
    """Return the sentence for a level, H0 to H4."""
    return LEVEL_SENTENCES[level]


def describe_signature(*, kind: str, level: str, name: str = "", issuer: str = "") -> str:
    """Return how somebody answered, as the rest of a sentence that begins with what they answered.

    `kind` is that of the signature in the statement or record: `webauthn`, `oidc-nonce`, `portal` or `observation`; `name` is the person's,
    `issuer` the identity provider or the other system. An unknown kind is said as what it is: no signature we know.
    """
    if kind == PASSKEY:
        return "signed with a security key" if level == "H4" else "signed with a passkey"
    if kind == SIGN_IN:
        return f"confirmed by sign-in at {issuer}"
    if kind == PORTAL:
        return f"recorded by the portal, not signed by {name}"
    if kind == OBSERVATION:
        return f"seen at {issuer}, not signed by {name}"
    return "with a kind of signature that is not known here"


def describe_vouching(level: str, issuer: str) -> str:
    """Return whose word links the person to a passkey of this level; `issuer` is the identity provider the enrolment names."""
    if level == "H4":
        return f"enrolled on the word of {issuer}, kept in an authenticator that its maker attests"
    if level == "H3":
        return f"enrolled on the word of {issuer}"
    return "enrolled on the portal's word"
