"""What went out comes in as it is, however old it is: ends, spaces, hidden letters, what was revoked meanwhile, and cells that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from identities.bulk.document import MAX_PROGRAMS, GrantRow, ProgramRow, SignerRow, parse_programs, write_csv, write_json
from identities.grants.grant_right import grant_right
from identities.lifecycle.change_purpose import change_purpose
from identities.lifecycle.rotate_signer import rotate_signer
from identities.models import EvidenceSigner, Grant, Identity
from identities.register import register_nonhuman
from identities.revoke_signer import revoke_signer
from proofs.errors import Malformed
from tests import cast
from tests.identities.bulk.test_bulk import NOW, counts, document, exported, row, take_in
from tests.make_attestations import make_signer, register_key

pytestmark = pytest.mark.django_db
BOTH = pytest.mark.parametrize("form", ["csv", "json"])


@pytest.fixture(autouse=True)
def people() -> None:
    cast.bob(), cast.dave(), cast.payments_api(), cast.production()


def program(**changes: Any) -> ProgramRow:
    return ProgramRow(**{"where": "line 2", **row(), "purpose": "", "signers": (), "grants": (), **changes})


def registered_long_ago(**changes: str) -> Identity:
    """Register a program as was possible before texts were looked at."""
    texts = {**{name: row()[name] for name in ("kind", "name", "issuer", "subject")}, **changes}
    return Identity.objects.create(**texts, owner=cast.bob(), team=cast.payments(), created_at=NOW)


def codes(content: bytes) -> list[str]:
    return [line.refusal.code for line in take_in(content).lines if line.refusal]


class TestSpaces:
    @pytest.mark.parametrize("name", ["issuer", "subject", "name", "purpose"])
    @BOTH
    def test_around_a_text_make_no_second_program_and_no_change(self, form: str, name: str) -> None:
        spaced = program(**{"purpose": "deploys", name: f" {row(purpose='deploys')[name]} "})
        content = (write_csv if form == "csv" else write_json)([spaced]).encode()
        assert take_in(content).is_kept
        before = counts()
        for again in (content, document(row(purpose="deploys", signers=[], grants=[])), exported("csv"), exported("json")):
            assert (take_in(again).unchanged, counts()) == (1, before)

    @BOTH
    def test_that_were_registered_once_are_found_again(self, form: str) -> None:
        registered_long_ago(issuer=" https://ci.example", name="deployer ", subject="deploy ")
        assert (take_in(exported(form)).unchanged, take_in(document(row(signers=[], grants=[]))).unchanged) == (1, 1)

    def test_are_no_part_of_what_is_registered(self) -> None:
        texts = {"kind": "bot", "name": " n ", "issuer": " i", "subject": "s ", "purpose": " p"}
        identity = register_nonhuman(**texts, owner=cast.bob(), team=cast.payments(), by=None, now=NOW)
        assert (identity.name, identity.issuer, identity.subject, identity.purpose) == ("n", "i", "s", "p")


class TestHiddenLetters:
    @pytest.mark.parametrize("hidden", ["Cafe\u0301", "a\u200bb", "evil\u202egnp", "a\nb", ""])
    @pytest.mark.parametrize("name", ["name", "issuer", "subject", "purpose"])
    def test_are_refused_where_a_program_is_registered(self, name: str, hidden: str) -> None:
        texts = {"kind": "bot", "name": "n", "issuer": "i", "subject": "s", "purpose": "", name: hidden or "x" * 301}
        with pytest.raises(Malformed, match=rf"identity\.{name}, expected a text") as refused:
            register_nonhuman(**texts, owner=cast.bob(), team=cast.payments(), by=None, now=NOW)
        assert refused.value.code == "identity.name"

    def test_are_refused_in_a_reason_to_grant_and_in_a_new_purpose(self) -> None:
        with pytest.raises(Malformed) as refused:
            grant_right(identity=cast.runner(), right="tool", object="x", reason="a\u202eb", by=None, now=NOW)
        assert refused.value.code == "identity.reason"
        with pytest.raises(Malformed) as refused:
            change_purpose(identity=cast.runner(), purpose="a\u202eb", reason="x", by=None, now=NOW)
        assert refused.value.code == "identity.purpose"

    @BOTH
    def test_of_an_older_register_refuse_that_program_alone_and_by_name(self, form: str) -> None:
        take_in(document(row(subject="fine", name="fine")))
        identity = registered_long_ago(name="evil\u202egnp")
        Grant.objects.create(identity=identity, right="tool", object="x", reason="line one\nline two", granted_at=NOW)
        outcome = take_in(exported(form))
        (line,) = outcome.refused
        assert line.refusal is not None and (line.refusal.code, outcome.unchanged) == ("import.malformed", 1)
        assert (line.program.name, line.program.subject) == ("evil\\u202egnp", "deploy")
        assert "U+" in line.refusal.reason and line.program.where in line.refusal.reason

    @pytest.mark.parametrize("change", [{"name": "a\u202eb"}, {"password": "x"}, {"name": 7}, {"grants": [{"right": "tool"}]}])
    def test_and_whatever_else_cannot_be_read_keep_the_file_out(self, change: dict[str, Any]) -> None:
        before = counts()
        assert (codes(document(row(**change), row(subject="fine", signers=[]))), counts()) == (["import.malformed"], before)

    def test_in_one_line_of_a_program_refuse_the_program_once(self) -> None:
        header = "kind,name,issuer,subject,owner,team,right,object,reason\n"
        lines = [f"bot,b,i,s,bob,payments,tool,{name},{reason}\n" for name, reason in (("a", "ok"), ("b", "x\u200by"), ("c", "x\u200by"))]
        assert codes((header + "".join(lines)).encode()) == ["import.malformed"]


class TestEnds:
    @BOTH
    def test_of_a_grant_are_compared_in_whole_seconds(self, form: str) -> None:
        ends = NOW + timedelta(days=3, microseconds=5)
        grant_right(identity=cast.runner(), right="tool", object="deploy", reason="one", by=None, now=NOW, valid_until=ends)
        assert take_in(exported(form)).unchanged == 1

    @BOTH
    def test_of_a_signer_go_out_and_come_in(self, form: str) -> None:
        identity = register_key(make_signer(), now=NOW)
        old = EvidenceSigner.objects.get(identity=identity)
        rotate_signer(
            identity=identity,
            signer=old,
            overlap_days=7,
            reason="x",
            by=None,
            now=NOW,
            public_key_pem=make_signer().pem,
            certificate_identity="",
        )
        content = exported(form)
        assert take_in(content).unchanged == 1
        ends = [signer.valid_until for program in parse_programs(content) for signer in program.signers]
        assert ends == [NOW + timedelta(days=7), None]
        written = [
            program(subject="new", signers=(SignerRow("https://i.example", "https://git.example/x", valid_until=NOW + timedelta(days=7)),))
        ]
        assert take_in((write_csv if form == "csv" else write_json)(written).encode()).is_kept
        assert EvidenceSigner.objects.get(identity__subject="new").valid_until == NOW + timedelta(days=7)

    def test_of_a_signer_are_not_changed(self) -> None:
        take_in(document(row()))
        signer = {**row()["signers"][0], "validUntil": "2027-01-01T00:00:00Z"}
        assert codes(document(row(signers=[signer]))) == ["import.signer_end"]


class TestRevoked:
    def test_signers_do_not_come_back_with_an_old_file(self) -> None:
        take_in(document(row(signers=[*row()["signers"], {"publicKey": make_signer().pem.decode()}])))
        old = exported("json")
        for signer in EvidenceSigner.objects.filter(identity__subject="deploy"):
            revoke_signer(signer=signer, revoked_from=NOW, reason="stolen", by=None, now=NOW)
        before = counts()
        assert (codes(old), counts()) == (["import.revoked"], before)
        (exact,) = row()["signers"]
        assert codes(document(row(signers=[{**exact, "anyRef": False}]))) == ["import.revoked"]


class TestMany:
    def test_more_programs_than_a_page_takes_come_back(self) -> None:
        bots = [
            Identity(kind="bot", issuer="i", subject=str(n), name="b", owner=cast.bob(), team=cast.payments(), created_at=NOW)
            for n in range(5001)
        ]
        Identity.objects.bulk_create(bots)
        assert [take_in(exported(form), is_dry_run=True).unchanged for form in ("csv", "json")] == [5001, 5001]

    def test_too_many_are_refused(self) -> None:
        lines = "".join(f"bot,a,i,{n},bob,payments\n" for n in range(MAX_PROGRAMS + 1))
        with pytest.raises(Malformed) as refused:
            parse_programs(f"kind,name,issuer,subject,owner,team\n{lines}".encode())
        assert refused.value.code == "import.too_many"


class TestCells:
    CELL = r"""x;=cmd|' /C calc'!A0"""

    @pytest.mark.parametrize(
        "cell",
        [CELL, "=a", "a;-b", "a; +b", "'=a", "''=a", "'s", ";=;=", "a\t@b", "a;'=b", "\uff1da", "-1;-2", "it's; fine", "a;b", "a,=b", "'"],
    )
    def test_come_back_and_are_run_by_no_spreadsheet(self, cell: str) -> None:
        sent = program(name=cell, purpose=cell, grants=(GrantRow("tool", "x", reason=cell),))
        text = write_csv([sent])
        for delimiter in ";\t,":
            cells = [each for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for each in line]
            assert not [each for each in cells if each.lstrip(' "')[:1] in ("=", "+", "-", "@", "\uff1d") and each.lstrip(' "')]
        (back,) = parse_programs(text.encode())
        if "\t" in cell:
            assert back.flaw is not None
        else:
            assert (back.name, back.purpose, back.grants[0].reason) == (cell, cell, cell)

    def test_are_all_in_quotes(self) -> None:
        assert all(line.startswith('"') and line.endswith('"') for line in write_csv([program()]).splitlines())

    def test_of_a_key_keep_its_lines(self) -> None:
        pem = make_signer().pem.decode()
        (back,) = parse_programs(write_csv([program(signers=(SignerRow(public_key=pem),))]).encode())
        assert back.signers == (SignerRow(public_key=pem.strip()),)


def test_an_end_stands_in_json_as_other_times_do() -> None:
    (written,) = json.loads(write_json([program(signers=(SignerRow("i", "n", valid_until=NOW),))]))["identities"]
    assert written["signers"][0]["validUntil"].endswith("Z")
