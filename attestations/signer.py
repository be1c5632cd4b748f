"""Whose signature it is: the registered identity behind a verified certificate or key, or why there is none.

Looks only at what the certificate or key says. What a statement claims about its builder plays no part.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from identities.models import EvidenceSigner, Identity
from identities.queries import resolve_signer
from proofs.claims import ClaimFinding
from proofs.workflow import split_workflow

CHECK, CO_SIGNERS_CHECK = "signer", "co_signers"


def check_signer_registered(facts_signer: Mapping[str, Any], *, at: datetime) -> tuple[Identity | None, ClaimFinding]:
    """Return the registered identity that signed, and the finding that says so, or None and the finding that says why not."""
    identity = resolve_signer(facts_signer, at=at)
    if identity is not None:
        owner = f", owned by {identity.owner.name}" if identity.owner else ""
        return identity, ClaimFinding(CHECK, "pass", "signer.registered", f"Signed by the registered identity {identity.name}{owner}.")
    candidate = _find_candidate(facts_signer)
    if candidate is None:
        return None, ClaimFinding(CHECK, "review", "signer.unknown", "The signature holds, but nobody registered its signer here.")
    name, status = candidate.identity.name, candidate.identity.status
    if status != Identity.Status.ACTIVE:
        return None, ClaimFinding(CHECK, "fail", f"signer.{status}", f"The signer is registered as {name}, and that identity is {status}.")
    if candidate.revoked_at is not None and candidate.revoked_at <= at:
        return None, ClaimFinding(CHECK, "fail", "signer.revoked", f"{name} signed this way once; the registration was revoked.")
    return None, ClaimFinding(
        CHECK, "fail", "signer.not_valid", f"{name} is registered for this signer, but the registration does not count at this time."
    )


def check_co_signers(
    facts: Mapping[str, Any], *, at: datetime
) -> tuple[tuple[tuple[Mapping[str, Any], Identity | None], ...], ClaimFinding | None]:
    """Return each co-signer that the facts prove with the identity it is registered for, and the finding about them, if there are any.

    A co-signer that nobody active answers for takes nothing away from the others: it is only something to look at.
    """
    found = tuple((signer, resolve_signer(signer, at=at)) for signer in facts.get("coSigners", ()))
    if not found:
        return (), None
    known = [identity.name for _, identity in found if identity is not None]
    unknown = [str(signer.get("keyId")) for signer, identity in found if identity is None]
    words = [f"Signed as well by {', '.join(known)}."] if known else []
    words += [f"Signed as well with {', '.join(unknown)}, which counts for no identity now."] if unknown else []
    outcome, code = ("review", "signer.co_signer_unknown") if unknown else ("pass", "signer.co_signers")
    return found, ClaimFinding(CO_SIGNERS_CHECK, outcome, code, " ".join(words))


def _find_candidate(facts_signer: Mapping[str, Any]) -> EvidenceSigner | None:
    """Return the newest registration that would fit, if time and status did not matter. Good for a sentence, never for trust."""
    if facts_signer.get("kind") == "key":
        fitting = Q(method=EvidenceSigner.Method.PUBLIC_KEY, key_id=str(facts_signer.get("keyId", "")))
    else:
        whole = str(facts_signer.get("identity", ""))
        names = Q(any_ref=False, certificate_identity=whole)
        workflow, _ = split_workflow(whole)
        if workflow:
            names |= Q(any_ref=True, certificate_identity=workflow)
        issuer = str(facts_signer.get("issuer", ""))
        fitting = Q(method=EvidenceSigner.Method.CERTIFICATE, certificate_issuer=issuer) & names
    return EvidenceSigner.objects.filter(fitting).select_related("identity").order_by("-valid_from", "-pk").first()
