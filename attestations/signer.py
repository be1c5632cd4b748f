"""Whose signature it is: the registered identity behind a verified certificate or key, or why there is none.

Looks only at what the certificate or key says. What a statement claims about its builder plays no part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from identities.blocked import find_block
from identities.grants.held import find_grants_to_attest
from identities.models import BlockedSigner, EvidenceSigner, Grant, Identity
from identities.queries import find_registration, fitting_registrations, resolve_signer
from identities.standing import in_words, why_not_answering
from proofs.claims import ClaimFinding
from proofs.moment import parse_moment

CHECK, CO_SIGNERS_CHECK = "signer", "co_signers"


def when_signed(facts: Mapping[str, Any], *, as_of: datetime) -> datetime:
    """Return when verified evidence was signed: the latest proven time, else `as_of`, when it was there."""
    times = [parse_moment(time["at"], code="facts.time", what="a proven time") for time in facts.get("times", ())]
    return max(times, default=as_of)


@dataclass(frozen=True, slots=True)
class Signer:
    """A registered identity that signed, and the grants under which it may attest this. `identity` is None where nobody answers for it;
    then `because` is the code of why, of a co-signer."""

    identity: Identity | None
    grants: tuple[Grant, ...] = ()
    because: str = ""


NOBODY = Signer(None)


def when_signed_of(document: Mapping[str, Any], *, received_at: datetime) -> datetime:
    """Return when the verified evidence of a verdict document was signed: the latest proven time, else when it was here, whichever is known."""
    as_of = parse_moment(document.get("asOf", document["verifiedAt"]), code="evidence.verdict_mismatch", what="the time of a verdict")
    return when_signed(document["facts"], as_of=min(as_of, received_at.replace(microsecond=0)))


def check_signer_registered(facts: Mapping[str, Any], *, as_of: datetime, at: datetime) -> tuple[Signer, ClaimFinding]:
    """Return who signed and the finding that says so, or nobody and the finding that says why not.

    `as_of` is the time that the evidence was judged as of, `at` is now. Where the grants hold is for the policy to ask.
    """
    signed_at = when_signed(facts, as_of=as_of)
    found = _find_granted(facts["signer"], facts, signed_at=signed_at, at=at)
    if found.identity is None:
        return NOBODY, _why_nobody(facts["signer"], signed_at=signed_at, at=at)
    identity = found.identity
    if not found.grants:
        return NOBODY, _not_granted(identity, facts)
    owner = f", owned by {identity.owner.name}" if identity.owner else ""
    owner += ", which has been retired since" if identity.status == Identity.Status.RETIRED else ""
    return found, ClaimFinding(CHECK, "pass", "signer.registered", f"Signed by the registered identity {identity.name}{owner}.")


def _not_granted(identity: Identity, facts: Mapping[str, Any]) -> ClaimFinding:
    what = facts.get("predicateType") or "statements without a predicate type"
    words = f"The signer is registered as {identity.name}, and has no grant to attest {what}."
    return ClaimFinding(CHECK, "fail", "signer.not_granted", words)


def _find_granted(signer: Mapping[str, Any], facts: Mapping[str, Any], *, signed_at: datetime, at: datetime) -> Signer:
    identity = resolve_signer(signer, signed_at=signed_at, at=at)
    if identity is None:
        return NOBODY
    predicate_type = str(facts.get("predicateType", ""))
    return Signer(identity, tuple(find_grants_to_attest(identity, predicate_type=predicate_type, signed_at=signed_at, at=at)))


def _why_nobody(signer: Mapping[str, Any], *, signed_at: datetime, at: datetime) -> ClaimFinding:
    block = find_block(signer)
    if block is not None:
        return ClaimFinding(CHECK, "fail", "signer.blocked", _blocked_words(block))
    candidate = find_registration(signer, signed_at=signed_at, at=at) or _named_first(signer, revoked_by=signed_at)
    if candidate is None:
        return ClaimFinding(CHECK, "review", "signer.unknown", "The signature holds, but nobody registered its signer here.")
    name, why = candidate.identity.name, why_not_answering(candidate.identity, signed_at=signed_at)
    # First, whatever else became of the identity: this was not its word any more.
    if was_revoked(signer, by=signed_at):
        words = f"{name} signed this way once; the registration had been revoked when this was signed."
        return ClaimFinding(CHECK, "fail", "signer.revoked", words)
    if why:
        words = f"The signer is registered as {name}, and {in_words(candidate.identity, why)}."
        return ClaimFinding(CHECK, "fail", f"signer.{why}", words)
    return ClaimFinding(
        CHECK, "fail", "signer.not_valid", f"{name} is registered for this signer, but the registration does not count at this time."
    )


def _blocked_words(block: BlockedSigner) -> str:
    return f"Nobody registered the signer, and {block.team.name} blocked it on {block.blocked_at:%Y-%m-%d}: {block.reason.rstrip('.')}."


def check_signer_trusted_today(
    signer: Mapping[str, Any], facts: Mapping[str, Any], *, as_of: datetime, at: datetime
) -> tuple[str, str] | None:
    """Return code and words when evidence that counted must shut a gate today: its signer is blocked, suspended or an orphan, or had been
    retired when it signed, or is revoked from whatever time on.

    `signer` is the one of the facts, or a co-signer. An identity that was retired later shuts nothing.
    """
    signed_at = when_signed(facts, as_of=as_of)
    registration = find_registration(signer, signed_at=signed_at, at=at)
    named = registration or _named_first(signer, revoked_by=at)
    block = find_block(signer)
    if block is not None:
        return "signer.blocked", _blocked_words(block)
    if named is None:
        return None
    name = named.identity.name
    why = why_not_answering(named.identity, signed_at=signed_at)
    if why:
        return f"signer.{why}", f"The signer is registered as {name}, and {in_words(named.identity, why)}."
    is_ended = registration is not None and registration.revoked_at is not None and registration.revoked_at <= at
    # Without a registration in force, any that was revoked by now may be the one that the verdict rested on, whenever the signature was made.
    if is_ended or (registration is None and was_revoked(signer, by=at)):
        return "signer.revoked", f"{name} signed this way once; the registration was revoked."
    return None


def _named_first(signer: Mapping[str, Any], *, revoked_by: datetime) -> EvidenceSigner | None:
    """Return the registration to speak of where none answers: the newest that had been revoked by then, else the newest."""
    fitting = list(fitting_registrations(signer))
    revoked = [row for row in fitting if row.revoked_at is not None and row.revoked_at <= revoked_by]
    return next(iter(revoked or fitting), None)


def was_revoked(signer: Mapping[str, Any], *, by: datetime) -> bool:
    """Say whether a registration of this signer had been revoked by then."""
    return any(row.revoked_at is not None and row.revoked_at <= by for row in fitting_registrations(signer))


def check_co_signers(
    facts: Mapping[str, Any], *, as_of: datetime, at: datetime
) -> tuple[tuple[tuple[Mapping[str, Any], Signer], ...], ClaimFinding | None]:
    """Return each co-signer that the facts prove with the identity it is registered for, or why nobody answers for it, and the finding about them, if there are any.

    A co-signer that nobody active answers for, or without a grant, takes nothing away from the others: it is only something to look at.
    """
    signed_at = when_signed(facts, as_of=as_of)
    granted = [(signer, _find_granted(signer, facts, signed_at=signed_at, at=at)) for signer in facts.get("coSigners", ())]
    if not granted:
        return (), None
    found: list[tuple[Mapping[str, Any], Signer]] = []
    words = []
    for signer, who in granted:
        if who.grants:
            found.append((signer, who))
            continue
        why = _not_granted(who.identity, facts) if who.identity else _why_nobody(signer, signed_at=signed_at, at=at)
        found.append((signer, Signer(None, because=why.code)))
        words.append(f"Signed as well with {signer.get('keyId')}, which counts for no identity now. {why.sentence}")
    unknown = bool(words)
    known = [who.identity.name for _, who in found if who.identity is not None]
    words[:0] = [f"Signed as well by {', '.join(known)}."] if known else []
    outcome, code = ("review", "signer.co_signer_unknown") if unknown else ("pass", "signer.co_signers")
    return tuple(found), ClaimFinding(CO_SIGNERS_CHECK, outcome, code, " ".join(words))
