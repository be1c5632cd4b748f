"""The operator's file and the commands: what it says is there after every start, once, and only the file changes it."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from identities.models import GroupRules, Identity, IdentityProvider
from identities.providers import active_providers, is_local_sign_in_allowed
from identities.seal import client_secret_of
from identities.sso.read_file import read_providers_file
from identities.sso.switch_local_sign_in import switch_local_sign_in
from ledger.models import Entry
from proofs.errors import Refusal
from tests import cast, make_sso

pytestmark = [pytest.mark.django_db, pytest.mark.once]
MANUAL = Path(__file__).resolve().parents[3] / "docs" / "sign-in.md"
OIDC = f"""
[[provider]]
slug = "corp"
name = "Payments Corp"
protocol = "oidc"
issuer = "{make_sso.ISSUER}"
client_id = "countersign"
client_secret_file = "secret"
admits_unregistered = true
[[provider.rule]]
group = "releasers"
team = "payments"
role = "approver:release"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "secret").write_text("s3cret\n")
    (folder / "providers.toml").write_text(text)
    return folder / "providers.toml"


def run(command: str, *arguments: str, **options: Any) -> str:
    out, err = StringIO(), StringIO()
    call_command(command, *arguments, stdout=out, stderr=err, **options)
    return out.getvalue() + err.getvalue()


class TestSync:
    def test_what_the_file_says_is_there_once(self, tmp_path: Path, settings: Any) -> None:
        cast.payments_api()
        settings.IDENTITY_PROVIDERS_FILE = write(tmp_path, OIDC)
        assert run("sync_identity_providers") == "identity providers: added corp\nidentity providers: new group rules of corp\n"
        entries = Entry.objects.count()
        assert run("sync_identity_providers") == ""
        assert Entry.objects.count() == entries
        row = active_providers()[0]
        assert (row.source, row.admits_unregistered, client_secret_of(row)) == ("file", True, "s3cret")
        assert GroupRules.objects.get().rules == [make_sso.rule("releasers", "approver:release")]

    def test_what_differs_is_changed_and_what_is_gone_removed(self, tmp_path: Path, settings: Any) -> None:
        cast.payments_api()
        settings.IDENTITY_PROVIDERS_FILE = write(tmp_path, OIDC)
        run("sync_identity_providers")
        (tmp_path / "secret").write_text("another")
        (tmp_path / "providers.toml").write_text(OIDC.replace("approver:release", "requester"))
        assert run("sync_identity_providers") == "identity providers: changed corp\nidentity providers: new group rules of corp\n"
        assert client_secret_of(active_providers()[0]) == "another"
        by_page = make_sso.provider("page", issuer="https://other.example")
        (tmp_path / "providers.toml").write_text("")
        assert run("sync_identity_providers") == "identity providers: removed corp\n"
        assert active_providers() == [by_page]

    def test_rules_of_a_team_that_is_not_there_yet_wait(self, tmp_path: Path, settings: Any) -> None:
        settings.IDENTITY_PROVIDERS_FILE = write(tmp_path, OIDC)
        assert "rules of corp wait: got the team 'payments'" in run("sync_identity_providers")
        cast.payments_api()
        assert run("sync_identity_providers") == "identity providers: new group rules of corp\n"

    def test_all_or_nothing(self, tmp_path: Path, settings: Any) -> None:
        second = OIDC.split("[[provider.rule]]")[0].replace('"corp"', '"two"')
        settings.IDENTITY_PROVIDERS_FILE = write(tmp_path, OIDC + second)
        with pytest.raises(CommandError, match=r"sso\.already_added"):
            run("sync_identity_providers")
        assert active_providers() == []

    def test_refuses_to_take_over_what_a_page_added(self, tmp_path: Path, settings: Any) -> None:
        make_sso.provider()
        settings.IDENTITY_PROVIDERS_FILE = write(tmp_path, OIDC)
        with pytest.raises(CommandError, match=r"sso\.slug_taken"):
            run("sync_identity_providers")

    def test_says_when_there_is_no_file(self, tmp_path: Path, settings: Any) -> None:
        with pytest.raises(CommandError, match="names no file"):
            run("sync_identity_providers")
        settings.IDENTITY_PROVIDERS_FILE = tmp_path / "missing.toml"
        with pytest.raises(CommandError, match=r"sso\.file"):
            run("sync_identity_providers")

    def test_a_start_reads_it(self, tmp_path: Path, settings: Any) -> None:
        settings.IDENTITY_PROVIDERS_FILE = write(tmp_path, OIDC.split("[[provider.rule]]")[0])
        settings.DEBUG = True  # Tests run with stand-ins, and nothing else starts with them.
        assert "added corp" in run("prepare", skip_static=True)


class TestReadFile:
    def test_saml_by_metadata_or_in_parts(self, tmp_path: Path) -> None:
        pem = make_sso.certificate()
        (tmp_path / "idp.xml").write_text(make_sso.metadata(pem))
        (tmp_path / "idp.pem").write_text(pem)
        head = '[[provider]]\nprotocol = "saml"\nname = "S"\n'
        parts = f'issuer = "{make_sso.ISSUER}"\nsso_url = "{make_sso.ISSUER}/sso"\ncertificates_file = "idp.pem"\n'
        text = f'{head}slug = "a"\nmetadata_file = "idp.xml"\n{head}slug = "b"\n{parts}'
        first, second = read_providers_file(write(tmp_path, text))
        assert first.said == second.said
        assert (first.said.sso_url, len(first.said.certificates), first.rules) == (f"{make_sso.ISSUER}/sso", 1, None)

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("[[provider", "sso.file"), ("other = 1", "sso.file"), ("provider = 1", "sso.file"), (OIDC + OIDC, "sso.file"),
            (OIDC.replace("oidc", "ldap"), "sso.file"), (OIDC.replace("client_id", "client"), "sso.file"), (OIDC.replace("true", "1"), "sso.file"),
            (OIDC.replace('"secret"', '"missing"'), "sso.file"), (OIDC.replace('"corp"', '"Corp"'), "sso.slug"),
            (OIDC.replace("group =", "grup ="), "sso.rules"), ('[[provider]]\nslug = "a"\nname = "S"\nprotocol = "saml"\nmetadata_file = "secret"', "sso.metadata"),
            ('[[provider]]\nslug = "a"\nname = "S"\nprotocol = "saml"\nmetadata_file = "secret"\nissuer = "x"', "sso.file"),
        ],
    )  # fmt: skip
    def test_refuses_what_it_cannot_read(self, tmp_path: Path, text: str, code: str) -> None:
        with pytest.raises(Refusal) as refusal:
            read_providers_file(write(tmp_path, text))
        assert refusal.value.code == code

    def test_reads_the_example_operators_read(self, tmp_path: Path) -> None:
        (tmp_path / "corp-secret").write_text("s3cret")
        (tmp_path / "partner.xml").write_text(make_sso.metadata(make_sso.certificate()))
        example = re.findall(r"```toml\n(.*?)```", MANUAL.read_text(), re.DOTALL)[0].replace("/run/secrets/", "")
        corp, partner = read_providers_file(write(tmp_path, example))
        assert (corp.said.protocol, partner.said.protocol) == ("oidc", "saml")
        assert corp.rules is not None
        assert len(corp.rules) == 2


class TestCommands:
    def test_add_rules_and_remove(self, tmp_path: Path) -> None:
        cast.payments_api()
        write(tmp_path, "")
        secret = ("--client-secret-file", str(tmp_path / "secret"))
        said = ("corp", "--name", "Corp", "--protocol", "oidc", "--issuer", make_sso.ISSUER, "--client-id", "c", *secret)
        assert "people may sign in at Corp" in run("add_identity_provider", *said)
        (tmp_path / "rules.toml").write_text('[[rule]]\ngroup = "a"\nteam = "payments"\nrole = "requester"\n')
        assert "version 1" in run("set_group_rules", "corp", str(tmp_path / "rules.toml"))
        assert "count already" in run("set_group_rules", "corp", str(tmp_path / "rules.toml"))
        assert "removed Corp; roles ended: 0" in run("remove_identity_provider", "corp")
        with pytest.raises(CommandError, match=r"sso\.provider_unknown"):
            run("remove_identity_provider", "corp")

    def test_adds_a_saml_provider_by_its_metadata(self, tmp_path: Path) -> None:
        (tmp_path / "idp.xml").write_text(make_sso.metadata(make_sso.certificate()))
        run("add_identity_provider", "s", "--name", "S", "--protocol", "saml", "--metadata", str(tmp_path / "idp.xml"))
        assert IdentityProvider.objects.get().issuer == make_sso.ISSUER
        with pytest.raises(CommandError, match=r"sso\.certificate"):
            run("add_identity_provider", "t", "--name", "T", "--protocol", "saml")

    def test_the_way_back_in_always_works(self) -> None:
        make_sso.administrator_came_in(now=cast.NOW)
        switch_local_sign_in(allowed=False, by=None, now=cast.NOW)
        Identity.objects.update(status="suspended")
        assert run("allow_local_sign_in") == "people may sign in with accounts of this portal\n"
        assert is_local_sign_in_allowed()
        assert "as before" in run("allow_local_sign_in")
