"""Put a pack together: everything somebody needs to check an approval offline, years later, without trusting the portal.

Each file that follows from another is made here by the same functions the verifier remakes it with. Nothing is verified here.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from proofs.approval.enrollment import Enrollment, parse_enrollment
from proofs.approval.human_approval import approval_signed_bytes, parse_human_approval
from proofs.approval.passkey import Assertion
from proofs.approval.record import Record, TokenReference, human_dsse, human_sign_in, parse_record
from proofs.approval.sshsig import NAMESPACE, allowed_signers_line, principal_of, sshsig_armor
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope
from proofs.errors import Unproven
from proofs.keys import PublicKey
from proofs.pack import layout
from proofs.pack.record_bundle import build_record_bundle
from proofs.pack.trust import Trust, build_trust
from proofs.tlog_proof import HeadProof, InclusionProof, build_head_file, build_inclusion_file

# These words are part of the form countersign-pack/v1: a verifier writes them again and compares every byte, so that nobody slips
# other instructions into a pack. Changing them would refuse every pack made before; that takes a new schema.
_GUIDE_HEAD = """# How to check this pack

This command checks everything below and more, in one numbered argument. It needs Countersign's folders `countersign` and `proofs`,
no network and no database:

    python -m countersign verify {archive} --trust trust.json \\
      --digest {digest} \\
      --environment {environment} \\
      --policy sha256:{policy}

Take `trust.json` from somewhere you trust; the copy in this pack proves nothing about the pack it came in. Compare the digest with
the artifact you have in hand, and the policy with the one you expect: both stand here as the pack names them.

A pack shows who approved. It cannot show that nobody rejected this, that it was not withdrawn, or that the key was not revoked,
before or after: a pack can be made without saying so. Revocations in it are a courtesy. Ask the portal's gate.

The commands below need no code of ours. Run them in the unpacked folder.
"""

_GUIDE_TAIL = """## What these commands leave out

`ssh-keygen` checks that the person's key signed exactly these bytes. It checks neither that the authenticator verified the
person, nor the page it happened on, nor the evidence, the policy, the ledger and the separation of duties.
"""

_README = """These are copies, for convenience. The verifier does not use them.

Get what you trust from somewhere else than the pack you are checking: from your own earlier copy, from the portal's
administrators by another channel, or for trusted_root-*.json from the project that publishes it. Then compare.
"""


@dataclass(frozen=True, slots=True)
class PackedApproval:
    """One recorded approval: the record's envelope, its place in the ledger, and the proofs to one signed checkpoint.

    `inclusion_path` is for the record's leaf, `head_path` leads from the ledger head that the person signed.
    """

    record_envelope: dict[str, Any]
    leaf_index: int
    inclusion_path: tuple[bytes, ...]
    head_path: tuple[bytes, ...]
    checkpoint_note: str


@dataclass(frozen=True, slots=True)
class PackedToken:
    """An identity provider's token and the keys it was verified with: private, because whoever holds a token may pass it on."""

    id_token: bytes
    issuer_keys: bytes


@dataclass(frozen=True, slots=True)
class PackedWaiver:
    """A waiver that the policy was weighed with: what the portal signed about it, and the files of its exception's pack."""

    digest: str
    envelope: bytes
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class PackedDelegation:
    """A delegation that an approval names by its `digest`: its record's envelope, its place in the ledger, its signer's enrolment."""

    digest: str
    record_envelope: bytes
    proof: InclusionProof
    enrollment: bytes


@dataclass(frozen=True, slots=True)
class PackedIntroduction:
    """How an older key signed for the key `key_id`: the envelope, and the older key's enrolment."""

    key_id: str
    envelope: bytes
    introducer: bytes


@dataclass(frozen=True, slots=True)
class PackedAttestation:
    """What the authenticator of the key `key_id` attests (`proofs.approval.attestation`): private, because it may tell one device from another."""

    key_id: str
    document: bytes


def assemble_pack(
    *,
    approvals: Sequence[PackedApproval],
    enrollments: Iterable[bytes],
    revocations: Iterable[bytes],
    evidence: Iterable[bytes],
    verdicts: Iterable[bytes],
    snapshot: bytes,
    request: bytes,
    policy_document: bytes,
    policy_input: bytes,
    policy_result: bytes,
    trust: Trust,
    tokens: Iterable[PackedToken] = (),
    introductions: Sequence[PackedIntroduction] = (),
    attestations: Iterable[PackedAttestation] = (),
    waivers: Iterable[PackedWaiver] = (),
    delegations: Iterable[PackedDelegation] = (),
    outcome: Mapping[str, bytes] | None = None,
    baseline: bytes | None = None,
) -> dict[str, bytes]:
    """Return the files of a pack by path, index included.

    `enrollments` and `revocations` are the envelopes (JSON bytes) of the keys that signed; `tokens` and `attestations` are private and
    belong into packs for auditors alone; `outcome` holds what the portal said of the approvals, by path; `baseline` is the picture of the release
    that the page compared with. Refuses as the parsers of the parts
    do, with `record.unknown_key` when `trust` does not hold the key a record is signed with, and with `signer.unknown` without its enrolment.
    """
    files: dict[str, bytes] = {}
    records = []
    enrolled = [(parse_enrollment(parse_envelope(content).payload), content) for content in enrollments]
    revoked = [(parse_enrollment(parse_envelope(content).payload), content) for content in revocations]
    keys = {item.key_id: item.key for item, _ in enrolled}
    for number, packed in enumerate(approvals, start=1):
        folder = layout.approval_folder(number)
        files.update({folder + name: content for name, content in _approval_files(packed, keys, trust).items()})
        records.append((folder, parse_record(parse_envelope(packed.record_envelope).payload)))
    files.update({layout.signer_path(item.key_id): content for item, content in enrolled})
    files.update({layout.signer_path(item.key_id, revoked=True): content for item, content in revoked})
    files[layout.ALLOWED_SIGNERS] = build_allowed_signers(
        list({item.key_id: item for item, _ in enrolled}.values()), [item for item, _ in revoked]
    )
    files.update({path: content for token in tokens for path, content in _token_files(token).items()})
    files.update({layout.introduction_path(item.key_id): item.envelope for item in introductions})
    files.update({layout.introducer_path(item.key_id): item.introducer for item in introductions})
    files.update({layout.attestation_path(item.key_id): item.document for item in attestations})
    files.update({layout.EVIDENCE + sha256_hex(content): content for content in evidence})
    files.update({layout.VERDICTS + sha256_hex(content): content for content in verdicts})
    files[layout.SNAPSHOT], files[layout.REQUEST] = snapshot, request
    files[layout.POLICY_DOCUMENT], files[layout.POLICY_INPUT], files[layout.POLICY_RESULT] = policy_document, policy_input, policy_result
    files.update({**(outcome or {}), **({layout.BASELINE: baseline} if baseline is not None else {})})
    files[layout.TRUST_COPY] = build_trust(trust)
    files.update(build_root_copies(trust))
    files.update(build_words(records, files))
    files.update({path: content for given in delegations for path, content in _delegation_files(given).items()})
    for waiver in waivers:
        files[layout.waiver_envelope_path(waiver.digest)] = waiver.envelope
        files.update({layout.waiver_folder(waiver.digest) + path: content for path, content in waiver.files.items()})
    files[layout.INDEX] = layout.build_index(files)
    return files


def build_copies(*, payload: bytes, assertion: Assertion | TokenReference, key: PublicKey | None) -> dict[str, bytes]:
    """Return the files of one approval that only restate the statement and its signature in other tools' formats, by name.

    `key` is None where the person answered without one: then no other tool has a form for it, and a file says so.
    """
    ceremony = parse_human_approval(payload).ceremony
    copies = {layout.STATEMENT: payload, layout.SIGNED_BYTES: approval_signed_bytes(payload)}
    if key is None or isinstance(assertion, TokenReference):
        return {**copies, layout.HUMAN_SIGN_IN: canonical_bytes(human_sign_in(payload))}
    copies[layout.HUMAN_ENVELOPE] = canonical_bytes(human_dsse(payload, assertion))
    armor = sshsig_armor(
        key=key,
        rp_id=ceremony.rp_id,
        origin=ceremony.origin,
        namespace=NAMESPACE,
        message=approval_signed_bytes(payload),
        authenticator_data=assertion.authenticator_data,
        client_data_json=assertion.client_data_json,
        signature=assertion.signature,
    )
    if armor is not None:
        copies[layout.HUMAN_SSHSIG] = armor.encode()
    return copies


def build_allowed_signers(enrollments: Sequence[Enrollment], revocations: Sequence[Enrollment]) -> bytes:
    """Return the OpenSSH allowed_signers file of the keys that OpenSSH can check, in the order of their ids."""
    ends = {item.key_id: item.at for item in revocations}
    lines = [
        allowed_signers_line(
            principal=principal_of(item.issuer, item.subject),
            key=item.key,
            rp_id=item.rp_id,
            valid_after=item.at,
            valid_before=ends.get(item.key_id),
        )
        for item in sorted(enrollments, key=lambda item: item.key_id)
    ]
    return "".join(line for line in lines if line is not None).encode()


def build_words(records: Sequence[tuple[str, Record]], files: Collection[str]) -> dict[str, bytes]:
    """Return the files of a pack that are words for people, by path; `records` are the approvals by folder, `files` the other paths."""
    first = parse_human_approval(records[0][1].payload)
    head = _GUIDE_HEAD.format(
        archive=shlex.quote(f"{first.request.id}.pack.zip"),
        digest=first.artifacts[0].digests[0],
        environment=shlex.quote(first.environment.name),
        policy=first.policy.digest,
    )
    parts = [_guide_for(folder, record, folder + layout.HUMAN_SSHSIG in files) for folder, record in records]
    return {layout.GUIDE: "\n".join([head, *parts, _GUIDE_TAIL]).encode(), layout.TRUST_README: _README.encode()}


def build_root_copies(trust: Trust) -> dict[str, bytes]:
    """Return the documents of the trust roots, each under the beginning of its digest."""
    return {layout.root_path(root.digest): root.document for root in trust.evidence_roots}


def recorder_of(envelope_hint: str, trust: Trust) -> PublicKey:
    """Return the recorder key an envelope names, among the trusted ones only. Refuses with `record.unknown_key`."""
    for item in trust.recorder_keys:
        if item.key.key_id == envelope_hint:
            return item.key
    raise Unproven("record.unknown_key", f"the record names the key {envelope_hint[:60]!r}, expected one of the portal's recorder keys")


def _token_files(token: PackedToken) -> dict[str, bytes]:
    named = sha256_hex(token.id_token)
    return {layout.token_path(named): token.id_token, layout.token_keys_path(named): token.issuer_keys}


def _delegation_files(given: PackedDelegation) -> dict[str, bytes]:
    contents = (given.record_envelope, build_inclusion_file(given.proof), given.enrollment)
    return dict(zip(layout.delegation_paths(given.digest), contents, strict=True))


def _approval_files(packed: PackedApproval, keys: dict[str, PublicKey], trust: Trust) -> dict[str, bytes]:
    envelope = parse_envelope(packed.record_envelope)
    record = parse_record(envelope.payload)
    key = None
    if not isinstance(record.signature, TokenReference):
        key = keys.get(record.signature.key_id)
        if key is None:
            raise Unproven("signer.unknown", f"there is no enrolment of the key {record.signature.key_id} that signed")
    recorder = recorder_of(envelope.signatures[0].key_hint, trust)
    proof = InclusionProof(packed.leaf_index, packed.inclusion_path, packed.checkpoint_note)
    head_size = parse_human_approval(record.payload).ceremony.log_head.size
    return {
        **build_copies(payload=record.payload, assertion=record.signature, key=key),
        layout.RECORD_BUNDLE: build_record_bundle(envelope=packed.record_envelope, recorder=recorder, log=trust.log, proof=proof),
        layout.RECORD_PROOF: build_inclusion_file(proof),
        layout.HEAD_PROOF: build_head_file(HeadProof(head_size, packed.head_path, packed.checkpoint_note)),
    }


def _guide_for(folder: str, record: Record, with_sshsig: bool) -> str:
    approval = parse_human_approval(record.payload)
    if isinstance(record.signature, TokenReference):
        return _guide_for_sign_in(folder, approval.approver.issuer)
    principal = principal_of(approval.approver.issuer, approval.approver.subject)
    moment = record.checked_at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")
    lines = [f"## {folder.rstrip('/')}", "", "The person's signature over the statement:", ""]
    if with_sshsig:
        lines += [
            f"    ssh-keygen -Y verify -f allowed_signers -I {principal} -n {NAMESPACE} \\",
            f"      -Overify-time={moment} -s {folder}{layout.HUMAN_SSHSIG} < {folder}{layout.SIGNED_BYTES}",
        ]
    else:
        lines.append("    (not with ssh-keygen: OpenSSH has no form for this kind of passkey)")
    lines += ["", "What it is about:", "", f"    grep -o '\"subject\":\\[.*' {folder}{layout.STATEMENT}", ""]
    return "\n".join(lines)


def _guide_for_sign_in(folder: str, issuer: str) -> str:
    lines = [f"## {folder.rstrip('/')}", "", f"The person confirmed the statement by signing in at {issuer}.", ""]
    lines += [f"    (not with ssh-keygen: no key of the person's signed it; see {folder}{layout.HUMAN_SIGN_IN})"]
    lines += ["", "What it is about:", "", f"    grep -o '\"subject\":\\[.*' {folder}{layout.STATEMENT}", ""]
    return "\n".join(lines)
