"""What every statement of a person holds, whatever it says: about what, who signs and with what, from when to when, in which ceremony.

Written and read here for `proofs.approval.human_approval` and `proofs.approval.person_statement` alike; each refusal has the code of the
statement that is being read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofs.approval.approval_parts import (
    ApprovedArtifact,
    Approver,
    EnvironmentReference,
    HeldRole,
    LogHead,
    SignerReference,
    SigningCeremony,
    SignInReference,
    Validity,
)
from proofs.approval.cose import ALGORITHMS
from proofs.approval.sshsig import NAMESPACE
from proofs.digest import LENGTHS, parse_digest
from proofs.encoding import b64_encode, b64url_decode
from proofs.errors import Refusal
from proofs.fields import Fields
from proofs.moment import rfc3339

PROFILE = "sshsig-v1"
# How the person answers: with an enrolled passkey, or by a sign-in whose nonce is the hash of the statement.
PASSKEY, SIGN_IN = "webauthn", "oidc-nonce"
ENVIRONMENT_ID = "env_"
MAX_ARTIFACTS = 256


def artifacts_document(artifacts: Sequence[ApprovedArtifact]) -> list[dict[str, Any]]:
    """Return the subject of a statement."""
    return [{"name": item.name, "digest": {digest.algorithm: digest.hex for digest in item.digests}} for item in artifacts]


def environment_document(environment: EnvironmentReference) -> dict[str, Any]:
    """Return where it may go, as it stands in a statement."""
    return {"id": environment.id, "name": environment.name, "tier": environment.tier, "scopes": []}


def validity_document(validity: Validity) -> dict[str, Any]:
    """Return the three times, as they stand in a statement."""
    return {
        "issuedAt": rfc3339(validity.issued_at),
        "notBefore": rfc3339(validity.not_before),
        "notAfter": rfc3339(validity.not_after),
    }


def approver_document(approver: Approver, signer: SignerReference | SignInReference) -> dict[str, Any]:
    """Return who signs and with what, as it stands in a statement."""
    return {
        "kind": "human",
        "issuer": approver.issuer,
        "subject": approver.subject,
        "username": approver.username,
        "roles": [{"name": role.name, "scope": role.scope, "source": role.source, "asOf": rfc3339(role.as_of)} for role in approver.roles],
        "authn": {"method": approver.authenticated_by, "authTime": rfc3339(approver.authenticated_at)},
        "signer": _signer_document(signer),
    }


def _signer_document(signer: SignerReference | SignInReference) -> dict[str, Any]:
    if isinstance(signer, SignInReference):
        return {"type": SIGN_IN, "issuer": signer.issuer, "audience": signer.audience, "subject": signer.subject}
    return {
        "type": PASSKEY,
        "keyId": signer.key_id,
        "alg": signer.algorithm,
        "enrollment": {"digest": {"sha256": signer.enrollment}},
    }


def ceremony_document(ceremony: SigningCeremony) -> dict[str, Any]:
    """Return what the portal chose for the signature, as it stands in a statement."""
    head = ceremony.log_head
    return {
        "id": ceremony.id,
        "nonce": ceremony.nonce,
        "rpId": ceremony.rp_id,
        "origin": ceremony.origin,
        "profile": PROFILE,
        "namespace": NAMESPACE,
        "expiresAt": rfc3339(ceremony.expires_at),
        "logHead": {"origin": head.origin, "size": head.size, "rootHash": b64_encode(head.root)},
    }


def read_artifacts(statement: Fields) -> tuple[ApprovedArtifact, ...]:
    """Read what a statement is about: 1 to 256 names with digests, every digest once."""
    artifacts = []
    for item in statement.each("subject", low=1, high=MAX_ARTIFACTS):
        named = item.raw("digest")
        if not isinstance(named, dict):
            item.refuse("digest", "an object of digests")
        try:
            digests = tuple(parse_digest(f"{algorithm}:{named[algorithm]}") for algorithm in sorted(LENGTHS) if algorithm in named)
        except Refusal:
            item.refuse("digest", "digests of an algorithm we know, in lowercase hex")
        if not digests:
            item.refuse("digest", "a sha256, sha384 or sha512")
        artifacts.append(ApprovedArtifact(item.text("name", empty=True), digests))
    every = [digest for artifact in artifacts for digest in artifact.digests]
    if len(set(every)) != len(every):
        statement.refuse("subject", "every digest once")
    return tuple(artifacts)


def read_approver(item: Fields) -> Approver:
    """Read who signs. Refuses whatever is no person."""
    item.choice("kind", ("human",))
    authentication = item.fields("authn")
    roles = tuple(
        HeldRole(role.text("name", limit=80), role.text("scope", limit=200), role.text("source", limit=200), role.time("asOf"))
        for role in item.each("roles", high=64)
    )
    return Approver(
        issuer=item.text("issuer", limit=300),
        subject=item.text("subject", limit=300),
        username=item.text("username", limit=200),
        roles=roles,
        authenticated_by=authentication.text("method", limit=80),
        authenticated_at=authentication.time("authTime"),
    )


def read_signer(item: Fields) -> SignerReference | SignInReference:
    """Read with what a person signs: an enrolled key, or a sign-in."""
    if item.choice("type", (PASSKEY, SIGN_IN)) == SIGN_IN:
        item.only("type", "issuer", "audience", "subject")
        return SignInReference(item.text("issuer", limit=300), item.text("audience", limit=300), item.text("subject", limit=300))
    algorithm = item.raw("alg")
    if not isinstance(algorithm, int) or algorithm not in ALGORITHMS:
        item.refuse("alg", "-7, -8 or -257")
    return SignerReference(item.text("keyId", limit=60), algorithm, item.fields("enrollment").sha256())


def read_validity(item: Fields) -> Validity:
    """Read the three times, in their order."""
    item.only("issuedAt", "notBefore", "notAfter")
    validity = Validity(item.time("issuedAt"), item.time("notBefore"), item.time("notAfter"))
    if not validity.issued_at <= validity.not_before < validity.not_after:
        item.refuse("notAfter", "issuedAt, notBefore and notAfter in this order")
    return validity


def read_ceremony(item: Fields) -> SigningCeremony:
    """Read what the portal chose for the signature."""
    item.choice("profile", (PROFILE,))
    item.choice("namespace", (NAMESPACE,))
    nonce = item.text("nonce", limit=43)
    try:
        is_whole = len(b64url_decode(nonce, code="approval.malformed", what="the nonce")) == 32
    except Refusal:
        is_whole = False
    if not is_whole:
        item.refuse("nonce", "32 random bytes in base64url")
    head = item.fields("logHead")
    root = head.base64("rootHash")
    if len(root) != 32:
        head.refuse("rootHash", "32 bytes")
    return SigningCeremony(
        id=item.text("id", limit=80),
        nonce=nonce,
        rp_id=item.text("rpId", limit=255),
        origin=item.text("origin", limit=300),
        expires_at=item.time("expiresAt"),
        log_head=LogHead(head.text("origin", limit=300), head.integer("size", low=1), root),
    )


def read_renderer(item: Fields) -> str:
    """Read the version of the program that drew the page, which is ours."""
    item.choice("name", ("countersign",))
    return item.text("version", limit=40)


def read_environment(item: Fields) -> EnvironmentReference:
    """Read where it may go: an environment of the portal, by id and name."""
    # A scope narrows where the approval holds. We know none yet, and one we do not know must not be passed over.
    if item.raw("scopes") != []:
        item.refuse("scopes", "no scope, as none is understood")
    identifier, name = item.text("id", limit=80), item.text("name", limit=80)
    # Whoever asks for an environment may give either; so nothing may look like both.
    if not identifier.startswith(ENVIRONMENT_ID) or len(identifier) == len(ENVIRONMENT_ID):
        item.refuse("id", f"an id that starts with {ENVIRONMENT_ID}")
    if name.startswith(ENVIRONMENT_ID):
        item.refuse("name", f"a name that does not look like an id ({ENVIRONMENT_ID}…)")
    return EnvironmentReference(identifier, name, item.integer("tier", low=1, high=3))
