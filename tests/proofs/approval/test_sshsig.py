"""What stock `ssh-keygen` says about our signatures, and where it says yes and we say no."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from proofs.approval.cose import EDDSA, ES256, RS256
from proofs.approval.human_approval import approval_signed_bytes
from proofs.approval.sshsig import NAMESPACE, allowed_signers_line, principal_of, sshsig_armor, sshsig_message
from proofs.pack import layout
from tests.forge import FIRST
from tests.passkey import PRESENT, TRUTH, Lie, SoftPasskey
from tests.proofs.pack.world import NOON, World, alice

MESSAGE = approval_signed_bytes(b'{"a":1}')
ORIGIN = "http://localhost:8000"

needs_ssh_keygen = pytest.mark.usefixtures("ssh_keygen")


@dataclass
class Desk:
    """A folder with what somebody who has only OpenSSH would be given."""

    folder: Path
    principal: str = "alice@localhost"
    when: str = "20260504120100Z"

    def verify(self, message: bytes, armor: str | bytes, allowed: str | bytes, *, namespace: str = NAMESPACE, principal: str = "") -> bool:
        (self.folder / "signature").write_bytes(armor if isinstance(armor, bytes) else armor.encode())
        (self.folder / "allowed").write_bytes(allowed if isinstance(allowed, bytes) else allowed.encode())
        command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", principal or self.principal, "-n", namespace]
        command += ["-s", "signature", f"-Overify-time={self.when}"]
        return subprocess.run(command, input=message, cwd=self.folder, capture_output=True, check=False).returncode == 0


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def armor_of(passkey: SoftPasskey, lie: Lie = TRUTH, message: bytes = MESSAGE, origin: str = ORIGIN) -> str | None:
    assertion = passkey.sign(sshsig_message(NAMESPACE, message), lie)
    return sshsig_armor(
        key=passkey.public_key,
        rp_id="localhost",
        origin=origin,
        namespace=NAMESPACE,
        message=message,
        authenticator_data=assertion.authenticator_data,
        client_data_json=assertion.client_data_json,
        signature=assertion.signature,
    )


def allowed(passkey: SoftPasskey, principal: str = "alice@localhost") -> str:
    line = allowed_signers_line(principal=principal, key=passkey.public_key, rp_id="localhost", valid_after=NOON)
    assert line is not None
    return line


def genuine(passkey: SoftPasskey, lie: Lie = TRUTH) -> str:
    armor = armor_of(passkey, lie)
    assert armor is not None
    return armor


@needs_ssh_keygen
class TestStockSshKeygen:
    def test_accepts_the_genuine_signature(self, desk: Desk) -> None:
        passkey = SoftPasskey()
        assert desk.verify(MESSAGE, genuine(passkey), allowed(passkey))

    def test_accepts_a_synced_passkey_and_one_with_extensions(self, desk: Desk) -> None:
        passkey = SoftPasskey(synced=True)
        assert desk.verify(MESSAGE, genuine(passkey, Lie(extensions=b"\xa0")), allowed(passkey))

    def test_refuses_another_message(self, desk: Desk) -> None:
        passkey = SoftPasskey()
        assert not desk.verify(MESSAGE + b" ", genuine(passkey), allowed(passkey))

    def test_refuses_another_person_namespace_key_or_time(self, desk: Desk) -> None:
        passkey = SoftPasskey()
        armor, line = genuine(passkey), allowed(passkey)
        assert not desk.verify(MESSAGE, armor, line, principal="mallory@localhost")
        assert not desk.verify(MESSAGE, armor, line, namespace="file")
        assert not desk.verify(MESSAGE, armor, allowed(SoftPasskey()))
        desk.when = "20250101Z"
        assert not desk.verify(MESSAGE, armor, line)

    def test_refuses_a_tampered_signature(self, desk: Desk) -> None:
        passkey = SoftPasskey()
        assert not desk.verify(MESSAGE, genuine(passkey, Lie(tamper_signature=True)), allowed(passkey))

    def test_does_not_check_user_verification_which_is_why_we_do(self, desk: Desk) -> None:
        passkey = SoftPasskey()
        assert desk.verify(MESSAGE, genuine(passkey, Lie(flags=PRESENT)), allowed(passkey))

    def test_accepts_the_person_s_signature_from_a_pack_and_refuses_a_tampered_statement(self, desk: Desk) -> None:
        files = World().pack()
        principal = principal_of(ORIGIN, "01ALICE")
        armor, signers, statement = files[FIRST + layout.HUMAN_SSHSIG], files[layout.ALLOWED_SIGNERS], files[FIRST + layout.SIGNED_BYTES]
        assert desk.verify(statement, armor, signers, principal=principal)
        assert not desk.verify(statement.replace(b'"approve"', b'"abprove"'), armor, signers, principal=principal)
        assert not desk.verify(statement.replace(b"production", b"playground"), armor, signers, principal=principal)

    def test_a_key_revoked_later_still_verifies_at_the_time_of_signing_only(self, desk: Desk) -> None:
        files = World().pack(alice(revoked_at=NOON.replace(hour=18)))
        principal = principal_of(ORIGIN, "01ALICE")
        armor, signers, statement = files[FIRST + layout.HUMAN_SSHSIG], files[layout.ALLOWED_SIGNERS], files[FIRST + layout.SIGNED_BYTES]
        assert desk.verify(statement, armor, signers, principal=principal)
        desk.when = "20260505120000Z"
        assert not desk.verify(statement, armor, signers, principal=principal)


def test_the_challenge_is_the_signed_data_of_protocol_sshsig() -> None:
    challenge = sshsig_message("n", b"m")
    assert challenge[:6] == b"SSHSIG"
    assert challenge[6:11] == b"\x00\x00\x00\x01n"
    assert challenge[11:15] == b"\x00\x00\x00\x00"
    assert challenge[15:25] == b"\x00\x00\x00\x06sha512"
    assert len(challenge) == 25 + 4 + 64


@pytest.mark.parametrize("algorithm", [EDDSA, RS256])
def test_there_is_no_openssh_form_for_other_keys(algorithm: int) -> None:
    passkey = SoftPasskey(algorithm=algorithm)
    assert armor_of(passkey) is None
    assert allowed_signers_line(principal="a", key=passkey.public_key, rp_id="localhost", valid_after=NOON) is None


def test_there_is_no_openssh_form_for_members_in_another_order() -> None:
    passkey = SoftPasskey()
    assert passkey.algorithm == ES256
    reordered = passkey.sign(sshsig_message(NAMESPACE, MESSAGE)).client_data_json.replace(
        b'{"type":"webauthn.get",', b'{"more":1,"type":"webauthn.get",'
    )
    assert armor_of(passkey, Lie(client_data_json=reordered)) is None
    assert armor_of(passkey, origin='http://localhost:8000"') is None


@pytest.mark.parametrize(
    ("issuer", "subject", "principal"),
    [
        ("http://localhost:8000", "01ALICE", "01ALICE@localhost:8000"),
        ("https://idp.example/tenant", "a b,c*?!", "a%20b%2Cc%2A%3F%21@idp.example"),
        ("idp", 'x"y', "x%22y@idp"),
    ],
)
def test_a_principal_cannot_hold_what_openssh_would_read_as_a_pattern(issuer: str, subject: str, principal: str) -> None:
    assert principal_of(issuer, subject) == principal
