"""The pack of an approved request convinces somebody who has nothing but the pack and a trust document."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from approvals.models import Request
from approvals.packs.build import build_pack
from approvals.trust import current_trust
from attestations.trust.roots import add_trust_root, current_trust_material
from identities.keys.enrol import revoke_signing_key
from ledger.publish import publish_checkpoint
from proofs.errors import Conflict, Refusal
from proofs.pack.trust import build_trust, parse_trust
from proofs.pack.verify import verify_pack
from tests import cast
from tests import make_approvals as make
from tests.requirements import need_ssh_keygen

pytestmark = pytest.mark.django_db


def approved(*, count: int = 1) -> Request:
    stage = make.set_stage(count=count)
    make.send_provenance(stage)
    make.send_tests(stage)
    make.send_lie(stage)
    request = make.ask()
    make.approve(request, cast.alice())
    if count == 2:
        make.approve(request, cast.person("ivan", "Ivan Petrov", "approver:release"))
    return request


class TestBuildPack:
    @pytest.mark.parametrize("count", [1, 2])
    def test_verifies_offline_with_the_portals_trust_alone(self, count: int) -> None:
        request = approved(count=count)
        trust = parse_trust(build_trust(current_trust()))
        files = build_pack(request=request, now=make.NOW)
        for environment in ("production", cast.production().pk):
            verify_pack(files, trust=trust, digest=make.image(), environment=environment, at=make.NOW)
        assert len([path for path in files if path.startswith("evidence/")]) == 3
        assert len([path for path in files if path.endswith("record.sigstore.json")]) == count

    def test_verifies_in_whatever_order_overlapping_trust_roots_were_added_and_without_the_old_one(self) -> None:
        stage = make.set_stage()
        document = stage.instance.trusted_root()
        for count in range(1, 4):
            # The same log and authority in a document of another digest, so that some come before the first and some after.
            again = document + b"\n" * count
            add_trust_root(name=f"Again {count}", document=again, profile=None, by=None, now=make.NOW + timedelta(seconds=count))
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        files = build_pack(request=request, now=make.NOW)
        trust = current_trust()
        assert [root.digest for root in trust.evidence_roots] == [root.digest for root in current_trust_material().trust_roots]
        assert [root.digest for root in trust.evidence_roots] == sorted(root.digest for root in trust.evidence_roots)
        for roots in (trust.evidence_roots, trust.evidence_roots[::-1], trust.evidence_roots[1:]):
            less = replace(trust, evidence_roots=roots)
            verify_pack(files, trust=less, digest=make.image(), environment="production", at=make.NOW)

    def test_is_the_same_every_time(self) -> None:
        request = approved()
        first = build_pack(request=request, now=make.NOW)
        publish_checkpoint(now=make.NOW)
        assert build_pack(request=request, now=make.NOW + timedelta(hours=1)) == first

    @pytest.mark.parametrize(
        ("digest", "environment", "hours"),
        [(make.image("other"), "production", 0), (make.image(), "staging", 0), (make.image(), "production", 73)],
    )
    def test_proves_nothing_else(self, digest: str, environment: str, hours: int) -> None:
        files = build_pack(request=approved(), now=make.NOW)
        with pytest.raises(Refusal):
            verify_pack(files, trust=current_trust(), digest=digest, environment=environment, at=make.NOW + timedelta(hours=hours))

    def test_one_of_two_approvals_is_not_enough(self) -> None:
        stage = make.set_stage(count=2)
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        with pytest.raises(Refusal) as refused:
            verify_pack(
                build_pack(request=request, now=make.NOW), trust=current_trust(), digest=make.image(), environment="production", at=make.NOW
            )
        assert refused.value.code == "approval.insufficient"

    def test_stock_openssh_accepts_the_persons_signature(self, tmp_path: Path) -> None:
        need_ssh_keygen()
        files = build_pack(request=approved(), now=make.NOW)
        for name in ("human.sshsig", "statement.pae"):
            (tmp_path / name).write_bytes(files[f"approvals/01/{name}"])
        (tmp_path / "allowed_signers").write_bytes(files["allowed_signers"])
        principal = files["allowed_signers"].decode().split(" ")[0]
        command = [
            "ssh-keygen",
            "-Y",
            "verify",
            "-f",
            "allowed_signers",
            "-I",
            principal,
            "-n",
            "human-approval@countersign",
            "-s",
            "human.sshsig",
        ]
        command += ["-O", f"verify-time={make.NOW:%Y%m%d%H%M%S}Z"]
        done = subprocess.run(command, cwd=tmp_path, input=files["approvals/01/statement.pae"], capture_output=True)
        assert done.returncode == 0, done.stderr
        assert b'Good "human-approval@countersign" signature' in done.stdout
        done = subprocess.run(command, cwd=tmp_path, input=files["approvals/01/statement.pae"] + b" ", capture_output=True)
        assert done.returncode != 0

    def test_takes_a_revocation_along(self) -> None:
        request = approved()
        approval = request.revisions.get().approvals.get()
        later = make.NOW + timedelta(hours=1)
        revoke_signing_key(key=approval.signing_key, by=cast.alice(), reason="lost", now=later)
        assert not [path for path in build_pack(request=request, now=make.NOW) if path.endswith(".revoked.json")]
        files = build_pack(request=request, now=later)
        revocation = next(content for path, content in files.items() if path.endswith(".revoked.json"))
        assert json.loads(revocation)["payloadType"] == "application/vnd.in-toto+json"

    def test_waits_until_a_published_head_covers_every_answer(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        passkey, key = make.enrol(cast.alice())
        make.complete(make.begin(request, cast.alice(), key), passkey)
        with pytest.raises(Conflict) as refused:
            build_pack(request=request, now=make.NOW)
        assert refused.value.code == "log.pending"

    def test_refuses_without_answers_and_never_leaves_a_no_out(self) -> None:
        stage = make.set_stage(count=2)
        make.send_provenance(stage)
        request = make.ask()
        with pytest.raises(Conflict) as refused:
            build_pack(request=request, now=make.NOW)
        assert refused.value.code == "approval.missing"
        make.approve(request, cast.alice())
        ivan = cast.person("ivan", "Ivan Petrov", "approver:release")
        passkey, key = make.enrol(ivan)
        make.complete(make.begin(request, ivan, key, decision="reject", reason="The export job is not tested."), passkey)
        publish_checkpoint(now=make.NOW)
        with pytest.raises(Conflict) as refused:
            build_pack(request=request, now=make.NOW)
        assert refused.value.code == "approval.decision"
