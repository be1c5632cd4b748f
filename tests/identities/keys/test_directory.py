"""The directory of keys: what it says, who may read it, and what stock ssh-keygen makes of its two files."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from identities.keys.directory import read_directory
from identities.keys.enrol import revoke_signing_key
from identities.models import SigningKey
from ledger.models import Entry
from ledger.recorder import recorder_key
from proofs.approval.sshsig import NAMESPACE, principal_of, sshsig_armor, sshsig_message
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope, verify_envelope
from proofs.keys import load_spki
from tests import cast
from tests import make_approvals as make
from tests.make_ledger import use_own_keys
from tests.passkey import SoftPasskey

pytestmark = pytest.mark.django_db
MESSAGE = b"what was approved"


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def as_person(who: str) -> Client:
    client = Client()
    client.force_login(cast.account_of(getattr(cast, who)()))
    return client


def verify_with_ssh(folder: Path, passkey: SoftPasskey, key: SigningKey, *, krl: bool) -> bool:
    """Ask stock ssh-keygen whether the key signed MESSAGE, by the files of the directory."""
    directory = read_directory()
    (folder / "allowed_signers").write_bytes(directory.allowed_signers)
    (folder / "revoked.krl").write_bytes(directory.revoked)
    signed = passkey.sign(sshsig_message(NAMESPACE, MESSAGE))
    armor = sshsig_armor(
        key=passkey.public_key,
        rp_id=passkey.rp_id,
        origin=passkey.origin,
        namespace=NAMESPACE,
        message=MESSAGE,
        authenticator_data=signed.authenticator_data,
        client_data_json=signed.client_data_json,
        signature=signed.signature,
    )
    (folder / "signature").write_text(armor or "")
    principal = principal_of(key.identity.issuer, key.identity.subject)
    then = key.enrolled_at + timedelta(minutes=1)
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", principal, "-n", NAMESPACE, "-s", "signature"]
    command += ["-O", f"verify-time={then.astimezone(UTC):%Y%m%d%H%M%SZ}", *(["-r", "revoked.krl"] if krl else [])]
    return subprocess.run(command, cwd=folder, input=MESSAGE, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_stock_ssh_keygen_takes_a_live_key_and_rejects_a_revoked_one(tmp_path: Path) -> None:
    live, live_key = make.enrol(cast.alice())
    lost, lost_key = make.enrol(cast.bob())
    assert verify_with_ssh(tmp_path, live, live_key, krl=True), "an empty list revokes nothing"
    revoke_signing_key(key=lost_key, by=cast.bob(), reason="Lost", now=cast.NOW + timedelta(hours=1))
    assert verify_with_ssh(tmp_path, live, live_key, krl=True)
    assert verify_with_ssh(tmp_path, lost, lost_key, krl=False), "signed before it was revoked"
    assert not verify_with_ssh(tmp_path, lost, lost_key, krl=True)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_a_key_that_never_counted_has_no_line_and_is_revoked_all_the_same(tmp_path: Path) -> None:
    # Of a line that ends before it begins, ssh-keygen says that its options are bad.
    live = make.enrol(cast.alice())
    never = make.enrol(cast.bob())
    revoke_signing_key(key=never[1], by=cast.bob(), reason="Wrong device", now=cast.NOW)
    assert len(read_directory().allowed_signers.splitlines()) == 1
    assert verify_with_ssh(tmp_path, *live, krl=True)
    assert not verify_with_ssh(tmp_path, *never, krl=False)


def test_a_lost_key_ends_in_allowed_signers_when_it_was_lost() -> None:
    _, key = make.enrol(cast.alice())
    lost = cast.NOW + timedelta(hours=1)
    revoke_signing_key(key=key, by=cast.alice(), reason="Lost", now=cast.NOW + timedelta(hours=3), compromised_from=lost)
    assert b'valid-before="20260302100000Z"' in read_directory().allowed_signers


def test_every_change_is_in_the_log_with_the_digest_of_the_directory() -> None:
    _, key = make.enrol(cast.alice())
    first = sha256_hex(read_directory().payload)
    revoke_signing_key(key=key, by=cast.alice(), reason="Lost", now=cast.NOW)
    second = sha256_hex(read_directory().payload)
    logged = Entry.objects.filter(event="signer.directory").order_by("index").values_list("ref_digest", flat=True)
    assert list(logged) == [first, second]


def test_it_is_signed_and_names_each_key_and_both_files() -> None:
    _, key = make.enrol(cast.alice())
    answer = as_person("carol").get("/api/v1/signers")
    envelope = parse_envelope(answer.json())
    verify_envelope(envelope, [load_spki(recorder_key().spki)])
    said = json.loads(envelope.payload)
    (signer,) = said["predicate"]["signers"]
    assert (signer["keyId"], signer["identity"]["subject"]) == (key.key_id, cast.alice().subject)
    assert (signer["enrollment"]["sha256"], signer["purposes"]) == (key.enrollment_digest, ["human-approval"])
    files = {item["name"]: item["digest"]["sha256"] for item in said["subject"]}
    for path, name in (("/signers/allowed_signers", "allowed_signers"), ("/signers/revoked.krl", "revoked.krl")):
        assert sha256_hex(as_person("bob").get(path).content) == files[name]


@pytest.mark.parametrize("path", ["/api/v1/signers", "/signers/allowed_signers", "/signers/revoked.krl"])
def test_every_role_and_programs_that_read_may_read_it(path: str) -> None:
    assert as_person("dave").get(path).status_code == 200
    assert as_person("mallory").get(path).status_code == 403
    reads = {"Authorization": f"Bearer {cast.token_of(cast.runner(), 'read')}"}
    sends = {"Authorization": f"Bearer {cast.token_of(cast.runner(), 'attestations:write')}"}
    assert Client().get(path, headers=reads).status_code == 200
    assert Client().get(path, headers=sends).status_code == 403
    assert Client().get(path).status_code == 401


def test_whoever_watches_sees_every_key_under_their_own_name_and_no_other() -> None:
    make.enrol(cast.bob())
    _, key = make.enrol(cast.alice())
    revoke_signing_key(key=key, by=cast.alice(), reason="Lost", now=cast.NOW + timedelta(hours=1))
    rows = as_person("alice").get("/api/v1/signers/me/log").json()
    assert [(row["event"], row["keyId"]) for row in rows] == [("signer.revoked", key.key_id), ("signer.enrolled", key.key_id)]
    for row in rows:
        entry = Entry.objects.get(index=row["entry"])
        assert (entry.event, f"sha256:{entry.ref_digest}") == (row["event"], row["digest"])
    assert datetime.fromisoformat(rows[0]["at"]) == cast.NOW + timedelta(hours=1)
    refused = Client().get("/api/v1/signers/me/log", headers={"Authorization": f"Bearer {cast.token_of(cast.runner(), 'read')}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "approval.human_required")
