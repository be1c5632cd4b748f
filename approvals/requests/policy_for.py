"""Under which policy a request is decided: the one in force where it goes, or one that its kind derives from what it is about.

A kind registers a pure derivation when the application starts (`derive_policy_of`). It is asked again each time, so that a request
follows what its policy is derived from, as any other follows the policy in force. Reads only, but for `keep_policy`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from approvals.models import PolicyVersion, Request
from approvals.policies.versions import active_policy
from attestations.blobs import store_blob
from attestations.models import Blob
from proofs.digest import sha256_hex
from proofs.errors import Conflict
from proofs.policy.evaluate import parse_policy

# Returns the canonical bytes of the policy document, or refuses. Its id and version must name no other document: let the version
# follow from the content.
Derive = Callable[[Request], bytes]

_DERIVED: dict[str, Derive] = {}


def derive_policy_of(kind: str, derive: Derive) -> None:
    """Decide every request of `kind` under the policy that `derive` returns for it. The same again changes nothing."""
    known = _DERIVED.setdefault(str(kind), derive)
    if known is not derive:
        raise RuntimeError(f"requests of kind {kind} have a policy of their own already")


def derived_kinds() -> frozenset[str]:
    """Return the kinds of requests that bring their own policy."""
    return frozenset(_DERIVED)


def policy_for(request: Request) -> PolicyVersion:
    """Return the policy version under which `request` is decided now; a derived one may not be stored yet (`keep_policy`).

    Refuses with `policy.missing` where none is in force, and as the kind's derivation does.
    """
    derive = _DERIVED.get(str(request.kind))
    if derive is not None:
        return _as_version(derive(request), request)
    policy = active_policy(project=request.project, environment=request.environment)
    if policy is None:
        raise Conflict("policy.missing", f"no policy is in force for {request.project} in {request.environment.name}")
    return policy


def keep_policy(policy: PolicyVersion, *, now: datetime) -> PolicyVersion:
    """Return the stored row of a policy that `policy_for` returned, storing a derived one when it is new. Call it in an act's transaction."""
    if not policy._state.adding:
        return policy
    known = PolicyVersion.objects.filter(pk=policy.pk).first()
    if known is not None:
        return known
    document = store_blob(bytes(policy.document.content), now)
    row = PolicyVersion(digest=policy.digest, policy_id=policy.policy_id, version=policy.version, document=document, created_at=now)
    # Two requests may derive the same document at once; the second waits, then both read the one row.
    PolicyVersion.objects.bulk_create([row], ignore_conflicts=True)
    return PolicyVersion.objects.get(pk=policy.pk)


def _as_version(document: bytes, request: Request) -> PolicyVersion:
    digest = sha256_hex(document)
    known = PolicyVersion.objects.select_related("document").filter(pk=digest).first()
    if known is not None:
        return known
    parsed = parse_policy(document)
    blob = Blob(digest=digest, size=len(document), content=document, stored_at=request.opened_at)
    return PolicyVersion(digest=digest, policy_id=parsed.id, version=parsed.version, document=blob, created_at=request.opened_at)
