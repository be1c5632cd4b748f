"""Steps 7 to 9 of the argument for a person who answered without a key: a sign-in at their identity provider in place of a passkey.

The provider's token is private, so most packs come without it. Then, and where the reader has not pinned the key that signed it, nothing
but the portal's word says that the person answered: the level is H1 and the report says so. A token that is there must hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofs.approval.approval_parts import HumanApproval
from proofs.approval.record import Record, TokenReference
from proofs.approval.step_up import claimable_levels, demand_approver, demand_provider, verify_step_up
from proofs.canonical import canonical_bytes, parse_json
from proofs.errors import Unproven
from proofs.pack import layout
from proofs.pack.trust import Trust, TrustedProvider

# The portal claims one of these; which of them the token comes to is for whoever holds it to say.
CLAIMED = ("H1", "H2")


@dataclass(frozen=True, slots=True)
class ProvenSignIn:
    """What is known of a sign-in in a pack: the level, what it rests on in words, and what to tell the reader was not shown."""

    reference: TokenReference
    level: str
    words: str
    remark: str
    claimable: tuple[str, ...] = CLAIMED


def check_sign_in_named(approval: HumanApproval, reference: TokenReference) -> None:
    """7. Return when statement and record name one sign-in, and it is the approver's own."""
    demand_provider(approval.signer, reference)
    demand_approver(approval.signer, (approval.approver.issuer, approval.approver.subject))


def check_sign_in(
    files: Mapping[str, bytes], record: Record, approval: HumanApproval, reference: TokenReference, trust: Trust
) -> ProvenSignIn:
    """8. Return what the sign-in proves: with the token and a pinned provider what `proofs.approval.step_up` says, else the portal's word."""
    if approval.ceremony.origin not in trust.origins or approval.ceremony.rp_id != trust.rp_id:
        raise Unproven("sign_in.portal", f"the statement was offered at {approval.ceremony.origin}, expected {' or '.join(trust.origins)}")
    token = files.get(layout.token_path(reference.token))
    keys = files.get(layout.token_keys_path(reference.token))
    provider = next((item for item in trust.identity_providers if item.issuer == reference.issuer), None)
    if token is None or keys is None:
        return _portals_word(reference, approval, "the pack does not hold the provider's token, which only packs for auditors do")
    verified = verify_step_up(
        payload=record.payload,
        reference=reference,
        id_token=token.decode("ascii", "replace"),
        issuer_keys=keys,
        second_factor_contexts=provider.second_factor if provider else (),
        at=record.checked_at,
    )
    if provider is None or reference.audience not in provider.audiences:
        return _portals_word(reference, approval, "your trust document does not name that provider, or not for this portal")
    if not _is_pinned(keys, verified.token.key_name, provider):
        return _portals_word(reference, approval, "your trust document does not hold the key that signed the provider's token")
    factors = "with a second factor" if verified.level == "H2" else "without saying that it asked for a second factor"
    return ProvenSignIn(
        reference, verified.level, f"confirmed by sign-in at {reference.issuer}, {factors}", "", claimable_levels(verified.token)
    )


def check_sign_in_level(record: Record, proven: ProvenSignIn) -> str:
    """9. Return the level, computed; the record claims none that the token could not come to, where it is there to say."""
    if record.assurance not in proven.claimable:
        raise Unproven("record.mismatch", f"the record claims level {record.assurance}, the sign-in comes to {proven.level}")
    return proven.level


def check_token_files(files: Mapping[str, bytes], named: Sequence[str]) -> None:
    """10. Return when `tokens/` holds tokens that something in the pack names, each with its keys, and nothing else."""
    allowed = {path for digest in named for path in (layout.token_path(digest), layout.token_keys_path(digest))}
    for path in files:
        if path.startswith(layout.TOKENS) and path not in allowed:
            raise Unproven("sign_in.unlisted", f"the pack holds {path}, which nothing in it names")
    for digest in named:
        if (layout.token_path(digest) in files) != (layout.token_keys_path(digest) in files):
            raise Unproven("sign_in.unlisted", f"the pack holds one of {layout.token_path(digest)} and its keys, expected both or none")


def _portals_word(reference: TokenReference, approval: HumanApproval, why: str) -> ProvenSignIn:
    remark = (
        f"That {approval.approver.username} signed in at {reference.issuer} to confirm this is the portal's word alone, level H1: {why}."
    )
    return ProvenSignIn(reference, "H1", "recorded by the portal, on its word", remark)


def _is_pinned(keys: bytes, name: str, provider: TrustedProvider) -> bool:
    """Say whether every key of that name, one of which signed, is among those that the reader trusts this provider with."""
    pinned = {canonical_bytes(entry) for entry in parse_json(provider.keys)["keys"]}
    used = [canonical_bytes(entry) for entry in parse_json(keys)["keys"] if entry["kid"] == name]
    return bool(used) and all(entry in pinned for entry in used)
