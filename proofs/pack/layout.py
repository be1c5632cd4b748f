"""The files of a pack: which names there may be, the index that names every file with its digest, and the check of both.

The index protects against accidents and plain edits. It is not signed: what makes a pack believable is inside the files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from proofs.approval.enrollment import key_file_name
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Malformed, TooLarge, Unproven
from proofs.fields import Fields

PACK_SCHEMA = "countersign-pack/v1"
INDEX = "pack.json"
STATEMENT, SIGNED_BYTES, HUMAN_ENVELOPE, HUMAN_SSHSIG = "statement.json", "statement.pae", "human.dsse.json", "human.sshsig"
HUMAN_SIGN_IN = "human.sign-in.json"
RECORD_BUNDLE, RECORD_PROOF, HEAD_PROOF = "record.sigstore.json", "record.tlog-proof", "head.proof"
ALLOWED_SIGNERS, SNAPSHOT, REQUEST, GUIDE = "allowed_signers", "snapshot.json", "request.json", "VERIFY.md"
POLICY_DOCUMENT, POLICY_INPUT, POLICY_RESULT = "policy/document.json", "policy/input.json", "policy/result.json"
TRUST_README, TRUST_COPY = "trust/README", "trust/trust.json"
BASELINE = "comparison/baseline.json"
OUTCOME_SIMPLE, OUTCOME_SUMMARY = "outcome/svr.dsse.json", "outcome/vsa.dsse.json"
TRUST_ROOTS = "trust/trusted_root-"
EVIDENCE, VERDICTS, TOKENS, WAIVERS, DELEGATIONS = "evidence/", "verdicts/", "tokens/", "waivers/", "delegations/"

MAX_FILES = 20_000
MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_TOTAL_BYTES = 512 * 1024 * 1024

_PER_APPROVAL = (STATEMENT, SIGNED_BYTES, RECORD_BUNDLE, RECORD_PROOF, HEAD_PROOF)
_REQUIRED = (ALLOWED_SIGNERS, SNAPSHOT, REQUEST, GUIDE, POLICY_DOCUMENT, POLICY_INPUT, POLICY_RESULT, TRUST_README, TRUST_COPY)
_OWN_NAMES = (
    r"approvals/[0-9]{2}/(statement\.json|statement\.pae|human\.dsse\.json|human\.sign-in\.json|human\.sshsig|record\.sigstore\.json|record\.tlog-proof|head\.proof)"
    r"|signers/[A-Za-z0-9_-]{43}((\.revoked|\.introduction|\.introducer)?\.json|\.attestation)"
    r"|(evidence|verdicts)/[0-9a-f]{64}"
    r"|tokens/[0-9a-f]{64}\.(jwt|keys)"
    r"|delegations/[0-9a-f]{64}\.(record\.dsse\.json|tlog-proof|key\.json)"
    r"|policy/(document|input|result)\.json"
    r"|comparison/baseline\.json"
    r"|outcome/(svr|vsa)\.dsse\.json"
    r"|trust/(README|trust\.json|trusted_root-[0-9a-f]{12}\.json)"
    r"|allowed_signers|snapshot\.json|request\.json|VERIFY\.md"
)
# A waiver brings the whole pack of its exception, which brings no further one.
_NAMES = re.compile(rf"{_OWN_NAMES}|waivers/[0-9a-f]{{64}}(\.dsse\.json|/(pack\.json|{_OWN_NAMES}))")


def build_index(files: Mapping[str, bytes]) -> bytes:
    """Return the bytes of `pack.json` for all other files."""
    listed = [
        {"path": path, "sha256": sha256_hex(content), "size": len(content)} for path, content in sorted(files.items()) if path != INDEX
    ]
    return canonical_bytes({"schema": PACK_SCHEMA, "files": listed})


def approval_folder(number: int) -> str:
    """Return the folder of approval `number`, counted from 1."""
    return f"approvals/{number:02d}/"


def signer_path(key_id: str, *, revoked: bool = False) -> str:
    """Return the path of the enrolment of a key, or of its revocation."""
    return f"signers/{key_file_name(key_id)}{'.revoked' if revoked else ''}.json"


def introduction_path(key_id: str) -> str:
    """Return the path of the envelope with which an older key signed for this one."""
    return f"signers/{key_file_name(key_id)}.introduction.json"


def introducer_path(key_id: str) -> str:
    """Return the path of the enrolment of the older key that signed for this one."""
    return f"signers/{key_file_name(key_id)}.introducer.json"


def attestation_path(key_id: str) -> str:
    """Return the path of what the authenticator of a key attests. Such files are private: only packs for auditors hold them."""
    return f"signers/{key_file_name(key_id)}.attestation"


def token_path(digest: str) -> str:
    """Return the path of an identity provider's token, by its SHA-256 (hex). Such files are private: only packs for auditors hold them."""
    return f"{TOKENS}{digest}.jwt"


def token_keys_path(digest: str) -> str:
    """Return the path of the provider's keys that the token of this SHA-256 (hex) was verified with."""
    return f"{TOKENS}{digest}.keys"


def waiver_envelope_path(digest: str) -> str:
    """Return the path of what the portal signed about the waiver of this SHA-256 (hex)."""
    return f"{WAIVERS}{digest}.dsse.json"


def waiver_folder(digest: str) -> str:
    """Return the folder of the pack of the exception that led to the waiver of this SHA-256 (hex)."""
    return f"{WAIVERS}{digest}/"


def waiver_digests(files: Mapping[str, bytes]) -> frozenset[str]:
    """Return the digests of the waivers that a pack has any file of."""
    return frozenset(path[len(WAIVERS) :][:64] for path in files if path.startswith(WAIVERS))


def waiver_files(files: Mapping[str, bytes], digest: str) -> dict[str, bytes]:
    """Return the files of the pack of an exception, by their paths in it."""
    folder = waiver_folder(digest)
    return {path[len(folder) :]: content for path, content in files.items() if path.startswith(folder)}


def delegation_paths(digest: str) -> tuple[str, str, str]:
    """Return the paths of the record of the delegation of this SHA-256 (hex), of its proof from the log, and of its signer's enrolment."""
    base = DELEGATIONS + digest
    return f"{base}.record.dsse.json", f"{base}.tlog-proof", f"{base}.key.json"


def root_path(digest: str) -> str:
    """Return the path of the copy of a trust root, by the SHA-256 (hex) of its document."""
    return f"{TRUST_ROOTS}{digest[:12]}.json"


def check_layout(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the folders of the approvals when every file is listed with its digest and nothing else is there.

    Refuses with `pack.malformed`, `pack.too_large`, `pack.unknown_file`, `pack.unlisted_file`, `pack.missing_file`,
    `pack.file_altered`; for evidence and verdicts with `evidence.unlisted`, `evidence.missing`, `evidence.altered`.
    """
    _refuse_sizes(files)
    listed = _read_index(files)
    for path in files:
        if path != INDEX and path not in listed:
            raise Unproven(_code(path, "unlisted"), f"the pack holds {path}, which its index does not list")
    for path, (digest, size) in listed.items():
        if path not in files:
            raise Unproven(_code(path, "missing"), f"the pack's index lists {path}, which is not there")
        if len(files[path]) != size or sha256_hex(files[path]) != digest:
            raise Unproven(_code(path, "altered"), f"{path} is not the file that the pack's index lists: its digest differs")
    return _approval_folders(files)


def _refuse_sizes(files: Mapping[str, bytes]) -> None:
    if len(files) > MAX_FILES or sum(len(content) for content in files.values()) > MAX_TOTAL_BYTES:
        raise TooLarge("pack.too_large", f"got {len(files)} files, expected at most {MAX_FILES} of {MAX_TOTAL_BYTES} bytes together")
    for path, content in files.items():
        if len(content) > MAX_FILE_BYTES:
            raise TooLarge("pack.too_large", f"{path[:120]} has {len(content)} bytes, expected at most {MAX_FILE_BYTES}")


def _read_index(files: Mapping[str, bytes]) -> dict[str, tuple[str, int]]:
    if INDEX not in files:
        raise Malformed("pack.missing_file", f"got no {INDEX}, expected a pack exported by the portal")
    index = Fields(parse_canonical(files[INDEX]), path=INDEX, code="pack.malformed").only("schema", "files")
    index.choice("schema", (PACK_SCHEMA,))
    listed: dict[str, tuple[str, int]] = {}
    for item in index.each("files", high=MAX_FILES):
        item.only("path", "sha256", "size")
        path = item.text("path", limit=200)
        if path in listed:
            item.refuse("path", "every path once")
        if not _NAMES.fullmatch(path):
            raise Malformed("pack.unknown_file", f"the pack's index lists {path[:120]}, a name no pack has")
        listed[path] = (item.hex_sha256("sha256"), item.integer("size", low=0))
    if list(listed) != sorted(listed):
        index.refuse("files", "the paths in order")
    return listed


def _approval_folders(files: Mapping[str, bytes]) -> tuple[str, ...]:
    for path in _REQUIRED:
        if path not in files:
            raise Malformed("pack.missing_file", f"got no {path}, expected it in every pack")
    numbers = sorted({path[len("approvals/") :][:2] for path in files if path.startswith("approvals/")})
    folders = tuple(approval_folder(number + 1) for number in range(len(numbers)))
    if not folders or folders[-1] != f"approvals/{numbers[-1]}/":
        raise Malformed("pack.missing_file", "expected the approvals to be numbered 01, 02 and so on, at least one")
    for folder in folders:
        for name in _PER_APPROVAL:
            if folder + name not in files:
                raise Malformed("pack.missing_file", f"got no {folder}{name}, expected it with every approval")
        if folder + HUMAN_ENVELOPE not in files and folder + HUMAN_SIGN_IN not in files:
            raise Malformed("pack.missing_file", f"got no {folder}{HUMAN_ENVELOPE}, expected it with every approval that a key signed")
    return folders


def _code(path: str, what: str) -> str:
    if path.startswith((EVIDENCE, VERDICTS)):
        return f"evidence.{what}"
    return {"unlisted": "pack.unlisted_file", "missing": "pack.missing_file", "altered": "pack.file_altered"}[what]
