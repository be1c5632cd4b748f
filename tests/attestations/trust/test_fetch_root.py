"""Trust roots by TUF, from a repository with real keys on this machine: what is signed and current comes through, and nothing else."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.core.management import CommandError, call_command
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp  # type: ignore[attr-defined]

from attestations.models import TrustProposal, TrustRoot
from attestations.trust.fetch_root import PUBLIC_GOOD, embedded_trust_root, embedded_tuf_root, fetch_trust_root, folder_of
from attestations.trust.follow_root import find_earlier
from portal.demo.instance import Instance
from proofs.errors import Refusal
from proofs.sigstore.trust_root import parse_trust_root
from tests import cast

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
ROLES = ("root", "timestamp", "snapshot", "targets")


class Mirror:
    """A TUF repository in a folder, served on loopback; every role has a key of its own."""

    def __init__(self, folder: Path, document: bytes) -> None:
        self.folder, self.version = folder, 1
        self.keys = {role: CryptoSigner(ed25519.Ed25519PrivateKey.generate()) for role in ROLES}
        self.root = Metadata(Root(version=1, expires=SOON, consistent_snapshot=True))
        for role, key in self.keys.items():
            self.root.signed.add_key(key.public_key, role)
        self.root.sign(self.keys["root"])
        self.first = self.root.to_bytes()
        (folder / "targets").mkdir(parents=True)
        self.publish(document)

    def publish(self, document: bytes, *, expires: datetime = SOON, forged: str = "", name: str = "trusted_root.json") -> None:
        targets = Targets(version=self.version, expires=SOON, targets={name: TargetFile.from_data(name, document, ["sha256"])})
        (self.folder / "targets" / f"{sha256(document).hexdigest()}.{name}").write_bytes(document)
        snapshot = Snapshot(version=self.version, expires=SOON, meta={"targets.json": MetaFile(self.version)})
        timestamp = Timestamp(version=self.version, expires=expires, snapshot_meta=MetaFile(self.version))
        for role, signed in (("targets", targets), ("snapshot", snapshot), ("timestamp", timestamp)):
            metadata: Metadata[Any] = Metadata(signed)
            metadata.sign(CryptoSigner(ed25519.Ed25519PrivateKey.generate()) if forged == role else self.keys[role])
            if forged == role:
                metadata.signatures = {self.keys[role].public_key.keyid: next(iter(metadata.signatures.values()))}
            path = "timestamp.json" if role == "timestamp" else f"{self.version}.{role}.json"
            (self.folder / path).write_bytes(metadata.to_bytes())
        self.version += 1


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[Mirror, str]]:
    found = Mirror(tmp_path / "mirror", Instance(datetime(2026, 3, 2, tzinfo=UTC)).trusted_root())
    handler = partial(_Quiet, directory=str(found.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def fetch(served: tuple[Mirror, str], folder: Path) -> bytes:
    return fetch_trust_root(mirror=served[1], tuf_root=served[0].first, folder=folder)


def code_of(served: tuple[Mirror, str], folder: Path) -> str:
    with pytest.raises(Refusal) as refused:
        fetch(served, folder)
    return refused.value.code


def test_brings_what_the_holders_of_the_keys_signed(mirror: tuple[Mirror, str], tmp_path: Path) -> None:
    assert parse_trust_root(fetch(mirror, tmp_path / "seen")).authorities
    newer = Instance(datetime(2026, 3, 2, tzinfo=UTC)).trusted_root()
    mirror[0].publish(newer)
    assert fetch(mirror, tmp_path / "seen") == newer


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp"])
def test_a_role_signed_by_another_key(mirror: tuple[Mirror, str], tmp_path: Path, role: str) -> None:
    mirror[0].publish(b"{}", forged=role)
    assert code_of(mirror, tmp_path / "seen") == "trust.update"


def test_a_mirror_that_stands_still(mirror: tuple[Mirror, str], tmp_path: Path) -> None:
    mirror[0].publish(b"{}", expires=datetime.now(UTC).replace(microsecond=0) - timedelta(days=1))
    assert code_of(mirror, tmp_path / "seen") == "trust.update"


def test_a_mirror_that_goes_back(mirror: tuple[Mirror, str], tmp_path: Path) -> None:
    old = (mirror[0].folder / "timestamp.json").read_bytes()
    mirror[0].publish(b"{}")
    fetch(mirror, tmp_path / "seen")
    (mirror[0].folder / "timestamp.json").write_bytes(old)
    assert code_of(mirror, tmp_path / "seen") == "trust.update"


def test_a_target_that_was_changed_on_the_way(mirror: tuple[Mirror, str], tmp_path: Path) -> None:
    (path,) = (mirror[0].folder / "targets").iterdir()
    path.write_bytes(path.read_bytes() + b"\n")
    assert code_of(mirror, tmp_path / "seen") in ("trust.update", "trust.unreachable")


def test_a_mirror_without_a_trusted_root(mirror: tuple[Mirror, str], tmp_path: Path) -> None:
    mirror[0].publish(b"{}", name="other.json")
    assert code_of(mirror, tmp_path / "seen") == "trust.no_target"


def test_a_mirror_that_is_not_there(mirror: tuple[Mirror, str], tmp_path: Path) -> None:
    assert code_of((mirror[0], "http://127.0.0.1:1"), tmp_path / "seen") == "trust.unreachable"


@pytest.mark.parametrize("address", ["http://mirror.example", "ftp://mirror.example", "file:///etc", ""])
def test_an_address_without_transport_security(mirror: tuple[Mirror, str], tmp_path: Path, address: str) -> None:
    assert code_of((mirror[0], address), tmp_path / "seen") == "trust.mirror"


def test_what_sigstore_carries_is_a_trust_root_and_a_beginning() -> None:
    assert len(parse_trust_root(embedded_trust_root()).logs) >= 2
    assert Metadata[Root].from_bytes(embedded_tuf_root()).signed.type == "root"


@pytest.mark.django_db
class TestCommands:
    def test_fetches_and_stores(self, mirror: tuple[Mirror, str], tmp_path: Path, settings: Any) -> None:
        settings.VAR_DIR = tmp_path
        (tmp_path / "root.json").write_bytes(mirror[0].first)
        out = StringIO()
        call_command("fetch_trust_root", "--name", "Ours", "--mirror", mirror[1], "--tuf-root", str(tmp_path / "root.json"), stdout=out)
        row = TrustRoot.objects.get()
        assert out.getvalue() == f"Ours: sha256:{row.digest}\nEvidence can be verified under it from now on.\n"
        assert folder_of(mirror[1], under=tmp_path).is_dir()
        call_command("fetch_trust_root", "--name", "Ours", "--mirror", mirror[1], "--tuf-root", str(tmp_path / "root.json"), stdout=out)
        assert TrustRoot.objects.count() == 1
        assert out.getvalue().endswith("It is trusted already.\n")

    def test_another_root_of_a_mirror_of_ours_waits_for_two_officers(
        self, mirror: tuple[Mirror, str], tmp_path: Path, settings: Any
    ) -> None:
        settings.VAR_DIR = tmp_path
        (tmp_path / "root.json").write_bytes(mirror[0].first)
        words = ("fetch_trust_root", "--name", "Ours", "--mirror", mirror[1], "--tuf-root", str(tmp_path / "root.json"))
        call_command(*words, stdout=StringIO())
        cast.olga(), cast.omar()
        mirror[0].version += 1
        mirror[0].publish(Instance(datetime.now(UTC)).trusted_root())
        out = StringIO()
        call_command(*words, stdout=out)
        assert f"Two officers decide about it on the page Trust, as {TrustProposal.objects.get().pk}." in out.getvalue()
        assert TrustRoot.objects.count() == 1

    def test_needs_a_beginning_for_another_mirror(self) -> None:
        with pytest.raises(CommandError, match="--tuf-root"):
            call_command("fetch_trust_root", "--mirror", "https://mirror.example")

    def test_adds_the_public_root_without_a_file(self) -> None:
        call_command("add_trust_root", "--public-good", "--name", "Sigstore public good", stdout=StringIO())
        row = TrustRoot.objects.get()
        assert row.name == "Sigstore public good"
        assert find_earlier(name="Sigstore public good", mirror=PUBLIC_GOOD, than="") == row

    def test_refuses_a_file_and_the_public_root_at_once(self, tmp_path: Path) -> None:
        for words in ((), (str(tmp_path / "x.json"), "--public-good")):
            with pytest.raises(CommandError, match="exactly one"):
                call_command("add_trust_root", *words, "--name", "x")
