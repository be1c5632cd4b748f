"""Step 10 of the argument, over the whole pack: its words for people and its copies of what to trust follow from its content.

The copies are compared so that nobody gets wrong instructions or another portal's keys out of a pack that verifies. Nothing is ever
judged with them: where they differ from what the reader trusts in a way that time explains, that is said and no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofs.approval.record import Record
from proofs.canonical import parse_canonical
from proofs.dsse import parse_envelope
from proofs.errors import Refusal, Unproven
from proofs.pack import layout
from proofs.pack.build import build_root_copies, build_words
from proofs.pack.trust import Trust, build_trust, parse_trust

_CODE = "pack.altered_copy"
OTHER_TRUST = "trust/trust.json in the pack is not what you trust today (keys and roots come and go). It was not used."


def check_words(files: Mapping[str, bytes], records: Sequence[tuple[str, Record]]) -> None:
    """10. Return when VERIFY.md and trust/README are the ones that follow from the records, by folder, byte for byte."""
    for path, content in build_words(records, files.keys()).items():
        if files[path] != content:
            raise Unproven(_CODE, f"{path} gives other instructions than the ones that follow from what is in the pack")


def check_trust_copy(files: Mapping[str, bytes], *, used_recorders: Sequence[str], trust: Trust) -> tuple[str, ...]:
    """10. Return what to say about the copies in trust/, when they are this portal's own: its names, its log, its recorder keys.

    A recorder key must have signed something in this pack or be trusted by the reader; one that only the copy knows is refused. Roots
    and keys for evidence may have come and gone since; the copies of roots must be the ones the document lists.
    """
    copied = _read_copy(files)
    if (copied.origin, copied.rp_id, copied.log) != (trust.origin, trust.rp_id, trust.log) or not set(copied.origins) & set(trust.origins):
        raise Unproven(_CODE, f"{layout.TRUST_COPY} names another portal or log than the ones this pack is checked against")
    listed, used = {item.key.key_id for item in copied.recorder_keys}, _keys_used(files, used_recorders)
    if not used <= listed or not listed <= used | {item.key.key_id for item in trust.recorder_keys}:
        raise Unproven(_CODE, f"{layout.TRUST_COPY} lists other recorder keys than the ones that signed this pack or that you trust")
    roots = {path: content for path, content in files.items() if path.startswith(layout.TRUST_ROOTS)}
    if roots != build_root_copies(copied):
        raise Unproven(_CODE, f"the trust roots beside {layout.TRUST_COPY} are not the ones it lists, each under its own digest")
    return () if files[layout.TRUST_COPY] == build_trust(trust) else (OTHER_TRUST,)


def _read_copy(files: Mapping[str, bytes]) -> Trust:
    content = files[layout.TRUST_COPY]
    try:
        copied = parse_trust(content)
        rebuilt = build_trust(copied)
    except Refusal as error:
        raise Unproven(_CODE, f"{layout.TRUST_COPY} cannot be read: {error.reason}") from error
    if rebuilt != content:
        raise Unproven(_CODE, f"{layout.TRUST_COPY} is not in the one spelling the portal gives it")
    return copied


def _keys_used(files: Mapping[str, bytes], used_recorders: Sequence[str]) -> set[str]:
    # Enrolments and revocations have been verified by now; the key each one names is the key that signed it. What persons and
    # authenticators signed stands beside them.
    by_portal = (path for path in files if path.startswith("signers/") and not path.endswith((".introduction.json", ".attestation")))
    signed = (parse_envelope(parse_canonical(files[path])) for path in by_portal)
    return {*used_recorders, *(envelope.signatures[0].key_hint for envelope in signed)}
