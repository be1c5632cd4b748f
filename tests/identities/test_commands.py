"""The commands about identities: each calls one act, prints what came of it, and says a refusal in one line."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from identities.models import ApiCredential, EvidenceSigner, Identity, RoleAssignment, User
from tests import cast, make_recoveries
from tests.identities.test_register import pem_of
from tests.make_ledger import use_own_keys
from tests.passkey import SoftPasskey

pytestmark = pytest.mark.django_db


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def test_a_person_a_role_and_its_end() -> None:
    cast.dave()
    printed = run("add_person", "erin", "--name", "Erin Okafor", "--team", "payments")
    password = printed.split("shown once: ")[1].strip()
    assert User.objects.get(username="erin").check_password(password)
    assert "Erin Okafor is requester in payments-api" in run(
        "grant_role", "erin", "requester", "--team", "payments", "--project", cast.payments_api().slug, "--by", "dave"
    )
    run("end_role", "erin", "requester", "--team", "payments", "--project", "payments-api", "--by", "dave")
    assert not RoleAssignment.objects.filter(identity__name="Erin Okafor", ended_at__isnull=True).exists()


def test_a_password_from_a_file_is_not_printed(tmp_path: Path) -> None:
    cast.payments()
    (tmp_path / "password").write_text(cast.PASSWORD + "\n")
    printed = run("add_person", "erin", "--name", "Erin", "--team", "payments", "--password-file", str(tmp_path / "password"))
    assert cast.PASSWORD not in printed
    assert User.objects.get(username="erin").check_password(cast.PASSWORD)


def test_a_program_its_signers_and_its_credential(tmp_path: Path) -> None:
    cast.bob()
    run(
        "add_identity",
        "deployer",
        "--kind",
        "service",
        "--issuer",
        "https://k8s.example",
        "--subject",
        "sa",
        "--owner",
        "bob",
        "--team",
        "payments",
    )
    identity = Identity.objects.get(name="deployer")
    key = tmp_path / "key.pem"
    key.write_bytes(pem_of(SoftPasskey()))
    run("add_signer", "deployer", "--public-key", str(key), "--days", "30")
    run("add_signer", identity.pk, "--certificate-issuer", "https://i.example", "--certificate-identity", "x", "--any-ref")
    assert EvidenceSigner.objects.filter(identity=identity).count() == 2
    token = run("issue_credential", "deployer", "--scope", "read", "--scope", "gates:decide", "--by", "bob").strip()
    credential = ApiCredential.objects.get()
    assert token.startswith(f"csk_{credential.pk.removeprefix('crd_')}_")
    assert credential.scopes == ["gates:decide", "read"]
    assert run("revoke_credential", credential.pk).strip() == f"revoked {credential.pk}"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["add_person", "Erin", "--name", "Erin", "--team", "payments"], "person.username"),
        (["add_person", "erin", "--name", "Erin", "--team", "nowhere"], "team.unknown"),
        (["add_person", "erin", "--name", "Erin", "--team", "payments", "--by", "bob"], "permission.missing"),
        (["grant_role", "dave", "approver:release", "--team", "payments", "--by", "dave"], "role.self_grant"),
        (["grant_role", "bob", "approver:owner", "--team", "payments", "--until", "2020-01-01T00:00:00Z"], "role.expiry"),
        (["grant_role", "nobody", "requester", "--team", "payments"], "person.unknown"),
        (["grant_role", "bob", "requester", "--team", "payments", "--project", "none"], "project.unknown"),
        (["end_role", "dave", "administrator", "--team", "payments"], "role.last_administrator"),
        (["end_role", "bob", "auditor", "--team", "payments"], "role.not_held"),
        (["issue_credential", "bob", "--scope", "read"], "credential.people"),
        (["issue_credential", "nothing", "--scope", "read"], "identity.unknown"),
        (["revoke_credential", "crd_none"], "credential.unknown"),
        (["add_signer", "bob"], "signer.not_for_people"),
        (["add_signer", "bob", "--public-key", "/does/not/exist"], "/does/not/exist"),
    ],
)
def test_a_refusal_is_one_line_with_its_code(arguments: list[str], code: str) -> None:
    cast.bob()
    cast.dave()
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    assert str(refusal.value).startswith(f"{code}:")
    assert "\n" not in str(refusal.value)


def test_a_name_that_two_carry_is_not_guessed() -> None:
    cast.person("erin", "Erin")
    cast.person("erin2", "Erin")
    with pytest.raises(CommandError, match="names several identities"):
        run("issue_credential", "Erin", "--scope", "read")


def test_the_operator_stands_in_for_an_officer(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)
    recovery = make_recoveries.opened(now=timezone.now())
    assert "agreed as the operator; 1 more must agree" in run("consent_to_recovery", recovery.pk)
    with pytest.raises(CommandError, match="recovery.unknown"):
        run("consent_to_recovery", "rec_none")
    cast.olga(), cast.omar()
    with pytest.raises(CommandError, match="recovery.officers_decide"):
        run("consent_to_recovery", recovery.pk)
