"""What a browser does to a file, how much the page takes, and that a dry run holds nobody up."""

from __future__ import annotations

import re
from base64 import b64encode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identities.bulk.document import ProgramRow, SignerRow, write_csv
from identities.bulk.forms import MAX_PAGE_BYTES
from identities.models import EvidenceSigner, Identity
from tests import cast
from tests.identities.bulk.test_bulk import DEPLOYER, counts, document, row, take_in
from tests.make_attestations import make_signer

pytestmark = pytest.mark.django_db
HEADER = "kind,name,issuer,subject,owner,team"


@pytest.fixture(autouse=True)
def people(client: Client) -> None:
    cast.bob(), cast.payments_api(), cast.production()
    cast.let_in(client, cast.dave())


def as_a_browser_sends(text: str) -> str:
    return re.sub(r"\r\n|\r|\n", "\r\n", text)


def bots(number: int) -> bytes:
    return "\n".join([HEADER, *(f"bot,a,i,{n},bob,payments" for n in range(number))]).encode()


class TestPage:
    def test_a_key_in_a_csv_comes_through_a_browser(self, client: Client) -> None:
        key = make_signer().pem.decode()
        sent = write_csv([ProgramRow(**{"where": "", "purpose": "", **DEPLOYER, "signers": (SignerRow(public_key=key),)})])
        shown = client.post("/identities/import", {"file": SimpleUploadedFile("x.csv", sent.encode())})
        (again,) = re.findall(r'name="content" value="([^"]*)"', shown.content.decode())
        assert client.post("/identities/import", {"content": as_a_browser_sends(again)}).status_code == 302
        assert EvidenceSigner.objects.get(identity__subject="deploy").key_id

    def test_a_key_with_other_line_ends_is_the_same_key(self) -> None:
        key = make_signer().pem.decode()
        assert take_in(document(row(signers=[{"publicKey": key.replace("\n", "\r\n")}]))).is_kept
        assert take_in(document(row(signers=[{"publicKey": key}]))).unchanged == 1

    @pytest.mark.parametrize("content", ["junk", "e30", " e30=", "e30=\r\n", document(row()).decode()])
    def test_what_is_sent_again_is_read_strictly(self, client: Client, content: str) -> None:
        answer = client.post("/identities/import", {"content": content})
        assert (answer.status_code, answer.context["refusal"].code) == (422, "import.malformed")
        assert not Identity.objects.filter(subject="deploy").exists()

    def test_what_is_sent_again_is_no_larger_than_a_file(self, client: Client) -> None:
        answer = client.post("/identities/import", {"content": b64encode(b"x" * (MAX_PAGE_BYTES + 1)).decode()})
        assert (answer.status_code, answer.context["refusal"].code) == (422, "import.too_large")

    @pytest.mark.parametrize("is_told", [False, True])
    def test_more_than_it_takes_is_sent_to_the_command(self, client: Client, is_told: bool) -> None:
        grants = [{"right": "tool", "object": f"t{n}"} for n in range(200)]
        for content in (bots(201), document(*(row(subject=str(n), signers=[], grants=grants) for n in range(6)))):
            file = SimpleUploadedFile("x", content)
            answer = client.post("/identities/import", {"content": b64encode(content).decode()} if is_told else {"file": file})
            assert (answer.status_code, answer.context["refusal"].code) == (422, "import.too_many")
            assert "manage.py import_identities" in answer.context["refusal"].reason
        assert client.post("/identities/import", {"file": SimpleUploadedFile("x", bots(200))}).status_code == 200


class TestDryRun:
    def test_asks_for_no_entry_and_no_lock_of_the_ledger(self) -> None:
        before = counts()
        with CaptureQueriesContext(connection) as asked:
            outcome = take_in(document(row(), row(subject="b", signers=[])), is_dry_run=True, by=cast.dave())
        assert (len(outcome.changed), counts()) == (2, before)
        assert not [query["sql"] for query in asked if "ledger_" in query["sql"]]

    def test_of_what_stands_there_already_costs_as_much_for_many_as_for_few(self) -> None:
        take_in(bots(40))

        def cost(number: int) -> int:
            with CaptureQueriesContext(connection) as asked:
                assert take_in(bots(number), is_dry_run=True).unchanged == number
            return len([query for query in asked if "SAVEPOINT" not in query["sql"]])

        assert cost(1) == cost(40) < 12

    def test_sees_two_programs_of_one_file_that_sign_as_the_same(self) -> None:
        (line,) = take_in(document(row(), row(subject="other")), is_dry_run=True).refused
        assert line.refusal is not None and line.refusal.code == "import.twice"
