"""The register as a file: what goes out comes back in unchanged, a dry run keeps nothing, and one refusal keeps all of it out."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from identities.bulk.document import MAX_BYTES, GrantRow, ProgramRow, SignerRow, parse_programs, write_csv, write_json
from identities.bulk.export_programs import list_programs
from identities.bulk.import_programs import Outcome, import_programs
from identities.grants.grant_right import grant_right
from identities.lifecycle.change_status import retire_identity
from identities.models import EvidenceSigner, Grant, Identity
from ledger.models import Entry
from proofs.errors import Refusal
from tests import cast
from tests.make_attestations import make_signer, register_key

pytestmark = pytest.mark.django_db
NOW = cast.NOW
DEPLOYER = {
    "kind": "workflow",
    "name": "deployer",
    "issuer": "https://ci.example",
    "subject": "deploy",
    "owner": "bob",
    "team": "payments",
}


def row(**changes: Any) -> dict[str, Any]:
    certificate = {"certificateIssuer": "https://ci.example", "certificateIdentity": "https://git.example/deploy.yml", "anyRef": True}
    grant = {"right": "attest", "object": "https://slsa.dev/provenance/v1", "project": "payments-api"}
    return {**DEPLOYER, "signers": [certificate], "grants": [grant], **changes}


def document(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"schema": "countersign-identities/v1", "identities": list(rows)}).encode()


def take_in(content: bytes, *, is_dry_run: bool = False, by: Identity | None = None) -> Outcome:
    return import_programs(programs=parse_programs(content), is_dry_run=is_dry_run, by=by, now=NOW)


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Identity, EvidenceSigner, Grant, Entry))


@pytest.fixture(autouse=True)
def people() -> None:
    cast.bob(), cast.dave(), cast.payments_api(), cast.production()


class TestImport:
    def test_a_dry_run_says_what_would_change_and_keeps_nothing(self) -> None:
        before = counts()
        outcome = take_in(document(row()), is_dry_run=True, by=cast.dave())
        assert [line.done for line in outcome.lines] == [
            (
                "registered, in the care of Bob Ruiz",
                "signs evidence as https://git.example/deploy.yml",
                "may attest https://slsa.dev/provenance/v1 for payments-api",
            )
        ]
        assert (outcome.is_kept, counts()) == (False, before)

    def test_taken_in_it_stands_in_the_register_and_again_changes_nothing(self) -> None:
        assert take_in(document(row()), by=cast.dave()).is_kept
        deployer = Identity.objects.get(subject="deploy")
        assert (deployer.owner, deployer.registered_by, deployer.team) == (cast.bob(), cast.dave(), cast.payments())
        assert deployer.grants.get().project == cast.payments_api()
        before = counts()
        again = take_in(document(row()), by=cast.dave())
        assert (again.unchanged, again.changed, counts()) == (1, [], before)

    def test_what_differs_is_added_or_handed_over_and_nothing_is_taken_away(self) -> None:
        take_in(document(row()))
        other = {"publicKey": make_signer().pem.decode()}
        outcome = take_in(document(row(owner="carol" if cast.carol() else "", purpose="Deploys", signers=[other], grants=[])))
        assert outcome.lines[0].done[:2] == ("handed over from Bob Ruiz to Carol Idris", "its purpose is said anew")
        deployer = Identity.objects.get(subject="deploy")
        assert (deployer.owner, deployer.purpose) == (cast.carol(), "Deploys")
        assert (deployer.evidence_signers.count(), deployer.grants.count()) == (2, 1)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"kind": "person"}, "identity.kind"),
            ({"owner": "nobody"}, "person.unknown"),
            ({"team": "nowhere"}, "team.unknown"),
            ({"grants": [{"right": "fly", "object": "x"}]}, "grant.right"),
            ({"grants": [{"right": "attest", "object": "x", "project": "nowhere"}]}, "project.unknown"),
            ({"grants": [{"right": "attest", "object": "x", "environment": "nowhere"}]}, "environment.unknown"),
            ({"signers": [{"certificateIssuer": "https://ci.example"}]}, "signer.incomplete"),
            ({"signers": [{"publicKey": "junk"}]}, "key.malformed"),
        ],
    )
    def test_one_refusal_keeps_all_of_the_file_out(self, change: dict[str, Any], code: str) -> None:
        before = counts()
        outcome = take_in(document(row(subject="fine", signers=[]), row(**change)))
        assert [line.refusal.code for line in outcome.refused if line.refusal] == [code]
        assert (outcome.is_kept, counts(), len(outcome.changed)) == (False, before, 1)

    @pytest.mark.parametrize(("change", "code"), [({"kind": "bot"}, "import.kind"), ({"name": "other"}, "import.name")])
    def test_what_an_import_does_not_change_is_refused(self, change: dict[str, Any], code: str) -> None:
        take_in(document(row()))
        (line,) = take_in(document(row(**change))).refused
        assert line.refusal is not None and line.refusal.code == code

    def test_it_does_no_more_than_its_importer_may(self) -> None:
        other = cast.Team.objects.create(slug="other", name="Other")
        elsewhere = cast.person("eve", "Eve", "identity-steward", team=other)
        for by in (cast.alice(), cast.bob(), elsewhere):
            (line,) = take_in(document(row()), by=by).refused
            assert line.refusal is not None and line.refusal.code == "permission.missing"

    def test_a_retired_one_that_was_exported_is_no_reason_to_refuse(self) -> None:
        take_in(document(row()))
        retire_identity(identity=Identity.objects.get(subject="deploy"), reason="replaced", by=None, now=NOW)
        assert take_in(exported("json")).unchanged == 1


def exported(form: str) -> bytes:
    programs = list_programs(Identity.objects.all(), now=NOW + timedelta(minutes=1))
    return (write_csv(programs) if form == "csv" else write_json(programs)).encode()


class TestExport:
    @pytest.mark.parametrize("form", ["csv", "json"])
    def test_what_was_exported_stands_in_the_register_already(self, form: str) -> None:
        runner, service = cast.runner(), register_key(make_signer(), now=NOW)
        place = {"project": cast.payments_api(), "environment": cast.production(), "valid_until": NOW + timedelta(days=30)}
        grant_right(identity=runner, right="tool", object="terraform", reason="=plans, and applies", by=None, now=NOW, **place)
        Identity.objects.filter(pk=service.pk).update(purpose='Scans "all", and more')
        content = exported(form)
        outcome = take_in(content, is_dry_run=True)
        assert [(line.done, line.refusal) for line in outcome.lines] == [((), None), ((), None)]
        assert b"csk_" not in content and b"alice" not in content

    @pytest.mark.parametrize("form", ["csv", "json"])
    def test_everything_comes_back_as_it_went_out(self, form: str) -> None:
        programs = [
            ProgramRow("line 2", "bot", "=cmd|' /C calc'!A0", "https://i.example", "'s", "", "bob", "payments"),
            ProgramRow(
                "line 3",
                "agent",
                'two, "of" each',
                "https://i.example",
                "a",
                "Plans",
                "bob",
                "payments",
                signers=(
                    SignerRow("https://i.example", "x", True),
                    SignerRow(public_key="-----BEGIN PUBLIC KEY-----\nAA==", valid_until=NOW),
                ),
                grants=(GrantRow("tool", "kubectl", reason="-x"), GrantRow("secret", "kv/a", "p", "e", NOW, "+y"), GrantRow("attest", "*")),
            ),
        ]
        text = write_csv(programs) if form == "csv" else write_json(programs)
        back = [
            (each.kind, each.name, each.issuer, each.subject, each.purpose, each.signers, each.grants)
            for each in parse_programs(text.encode())
        ]
        assert back == [(each.kind, each.name, each.issuer, each.subject, each.purpose, each.signers, each.grants) for each in programs]
        if form == "csv":
            assert not any(cell.startswith(("=", "+", "-", "@")) for line in text.splitlines() for cell in line.split(","))


class TestFile:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "import.malformed"),
            (b"{}", "import.malformed"),
            (b"\xff\xfe", "import.malformed"),
            (b'{"schema":"countersign-identities/v1","identities":[],"x":1}', "import.malformed"),
            (b"kind,name\r\na,b\r\n", "import.malformed"),
            (b"kind,name,issuer,subject,owner,team\r\na,b\r\n", "import.malformed"),
            (b"kind,name,issuer,subject,owner,team,secret\r\n", "import.malformed"),
            (b'kind,name,issuer,subject,owner,team\r\n"a', "import.malformed"),
            (b"kind,name,issuer,subject,owner,team\r\nbot,b,i,s,bob,t\r\nbot,c,i,s,bob,t\r\n", "import.twice"),
            (document(row(), row()), "import.twice"),
            (b'{"schema":"a","schema":"b"}', "json.duplicate_key"),
            (b"x" * (MAX_BYTES + 1), "import.too_large"),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, content: bytes, code: str) -> None:
        with pytest.raises(Refusal) as refused:
            parse_programs(content)
        assert refused.value.code == code


class TestDoors:
    def test_the_page_shows_first_and_does_then(self, client: Client) -> None:
        cast.let_in(client, cast.dave())
        shown = client.post("/identities/import", {"file": SimpleUploadedFile("x.json", document(row(name="a<b>c")))})
        page = shown.content.decode()
        assert (shown.status_code, "a&lt;b&gt;c" in page, "a<b>c" in page) == (200, True, False)
        assert not Identity.objects.filter(subject="deploy").exists()
        done = client.post("/identities/import", {"content": b64encode(document(row())).decode()}, follow=True)
        assert "1 programs are changed" in done.content.decode()
        assert Identity.objects.get(subject="deploy").name == "deployer"

    def test_the_page_says_what_is_wrong_and_offers_no_button_then(self, client: Client) -> None:
        cast.let_in(client, cast.dave())
        for content in (document(row(owner="nobody")), b"junk"):
            answer = client.post("/identities/import", {"file": SimpleUploadedFile("x", content)})
            assert answer.status_code == 422
            assert "Take it in" not in answer.content.decode()
        assert client.post("/identities/import", {}).status_code == 422
        assert client.post("/identities/import", {"file": SimpleUploadedFile("x", b"x" * 257 * 1024)}).status_code == 422

    def test_a_csv_survives_the_way_over_the_page(self, client: Client) -> None:
        cast.let_in(client, cast.dave())
        parts = {"where": "line 2", "purpose": "", **DEPLOYER, "signers": (SignerRow(public_key=make_signer().pem.decode()),)}
        sent = write_csv([ProgramRow(**parts)])
        page = client.post("/identities/import", {"file": SimpleUploadedFile("x.csv", b"\xef\xbb\xbf" + sent.encode())})
        again = page.context["again"].initial["content"]
        assert client.post("/identities/import", {"content": again}).status_code == 302
        assert Identity.objects.get(subject="deploy").evidence_signers.get().key_id

    def test_export_is_for_readers_and_import_for_stewards(self, client: Client) -> None:
        cast.runner()
        cast.let_in(client, cast.carol())
        for form in ("csv", "json"):
            answer = client.get(f"/identities/export.{form}")
            assert (answer.status_code, "attachment" in answer["Content-Disposition"]) == (200, True)
        assert client.get("/identities/export.xml").status_code == 404
        assert client.get("/identities/import").status_code == 403
        cast.let_in(client, cast.mallory())
        assert client.get("/identities/export.csv").status_code == 403

    def test_the_commands_do_the_same(self, tmp_path: Path) -> None:
        file, out = tmp_path / "programs.json", StringIO()
        file.write_bytes(document(row()))
        call_command("import_identities", file, stdout=out)
        assert out.getvalue().endswith("1 to change, 0 unchanged, 0 refused; nothing was changed\n")
        call_command("import_identities", file, apply=True, stdout=out)
        assert out.getvalue().endswith("1 to change, 0 unchanged, 0 refused; taken in\n")
        for name in ("all.csv", "all.json"):
            call_command("export_identities", tmp_path / name, stdout=out)
            call_command("import_identities", tmp_path / name, stdout=out)
            assert out.getvalue().endswith("0 to change, 1 unchanged, 0 refused; nothing was changed\n")
        file.write_bytes(document(row(owner="nobody")))
        with pytest.raises(CommandError):
            call_command("import_identities", file, apply=True, stdout=out)
        with pytest.raises(CommandError, match=r"ends in \.csv or \.json"):
            call_command("export_identities", tmp_path / "all.xlsx", stdout=out)
