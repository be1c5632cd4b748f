"""What is shown is what was verified; nothing is fetched; and no key or proof that the evidence brings along is trusted."""

from __future__ import annotations

import base64
import json
import socket
from typing import Any, NoReturn

import pytest

from portal.demo.instance import Lie
from proofs.assess import claimed_subjects
from proofs.canonical import canonical_bytes, parse_json
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from proofs.evidence import TrustMaterial, verify_evidence
from proofs.keys import RegisteredKey, load_spki
from proofs.pack import layout
from proofs.sigstore.trust_root import parse_trust_root
from proofs.statement import parse_statement
from tests.proofs.advisories.asked import FORMATS, KINDS, VERIFIED, code, judge, make, material, refused_alone
from tests.proofs.factory import KEY_TRUST, NOON, STATEMENT, TRUST, assess, bundle, changed, entry_of, key_signed
from tests.proofs.formats import Formats, b64
from tests.proofs.pack.lies import GENUINE, WORLD, check

ENVELOPES = [name for name, kind in KINDS.items() if kind.content == "envelope"]


class TestOtherBytesShownThanVerified:
    """CVE-2026-44309 (gitsign): the signature was checked over one form of the data, and another form was shown or acted on."""

    @pytest.mark.parametrize("name", ENVELOPES)
    def test_facts_are_read_from_the_very_bytes_that_were_signed(self, name: str) -> None:
        raw = make(name)
        payload = parse_json(raw)["dsseEnvelope"]["payload"]
        statement = parse_statement(base64.b64decode(payload))
        facts = judge(raw, name).facts
        assert facts is not None
        assert facts["predicateType"] == statement.predicate_type
        assert [subject["digests"] for subject in facts["subjects"]] == [
            [str(digest) for digest in subject.digests] for subject in statement.subjects
        ]

    @pytest.mark.parametrize("name", ENVELOPES)
    def test_the_same_statement_written_in_another_way_is_not_what_was_signed(self, name: str) -> None:
        def respell(value: dict[str, Any]) -> None:
            value["dsseEnvelope"]["payload"] = b64(canonical_bytes(STATEMENT))

        assert canonical_bytes(STATEMENT) != json.dumps(STATEMENT).encode()
        # Who signed with a key is found by the signature, who signed with a certificate by its log entry, where there is one.
        kind = KINDS[name]
        wanted = "key.unknown" if kind.signer == "key" else "tlog.entry_mismatch" if kind.entry else "tsa.imprint"
        assert code(make(name), name) == VERIFIED
        found = code(changed(make(name), respell), name)
        assert found == (wanted if kind.entry or kind.signer == "key" else "dsse.signature")

    def test_a_key_given_twice_has_no_reading_at_all(self) -> None:
        once = json.dumps(STATEMENT)
        twice = once.replace('"predicateType":', '"predicateType": "https://example.com/evil", "predicateType":')
        assert assess(key_signed(once.encode()), trust=KEY_TRUST).code == VERIFIED
        assert assess(key_signed(twice.encode()), trust=KEY_TRUST).code == "json.duplicate_key"

    def test_a_pack_holds_the_very_bytes_and_another_spelling_of_them_is_found_out(self) -> None:
        path = next(path for path in GENUINE if path.startswith(layout.EVIDENCE))
        assert sha256_hex(GENUINE[path]) == path.rpartition("/")[2]
        assert GENUINE[path] in WORLD.evidence
        assert check(GENUINE).steps
        respelled = GENUINE | {path: json.dumps(json.loads(GENUINE[path]), indent=1).encode()}
        with pytest.raises(Refusal) as refused:
            check(respelled)
        assert refused.value.code == "evidence.altered"

    def test_what_refused_evidence_claims_is_marked_as_a_claim(self) -> None:
        raw = bundle(lies=[Lie.SIGNED_BY_ANOTHER_KEY])
        assert assess(raw).facts is None
        assert assess(raw).claimed_subjects == claimed_subjects(raw) == assess(bundle()).claimed_subjects


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away every way to open a connection or to look up a name."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("something asked the network")

    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname", "socketpair", "fromfd"):
        monkeypatch.setattr(socket, name, refuse)
    with pytest.raises(AssertionError):
        socket.create_connection(("localhost", 1))


@pytest.mark.usefixtures("no_network")
class TestNoNetwork:
    """CVE-2026-24137 (sigstore), CVE-2026-24686 (go-tuf), CVE-2021-41131 (python-tuf), CVE-2023-47122 (gitsign, the log's key from the
    log's API), CVE-2026-48501 (gh): whoever asks while verifying can be answered by anybody, and tells strangers what is verified.
    """

    @pytest.mark.parametrize("name", KINDS)
    def test_every_kind_is_verified_and_refused_without_a_socket(self, name: str) -> None:
        assert code(make(name), name) == VERIFIED
        assert code(make(name, by=Formats(NOON)), name) != VERIFIED

    @pytest.mark.parametrize("lie", list(Lie))
    def test_no_lie_makes_it_ask_somebody(self, lie: Lie) -> None:
        assert assess(bundle()).result == "verified"
        assert assess(bundle(lies=[lie])).result == "rejected"

    def test_neither_does_a_key_nor_a_pack(self) -> None:
        assert assess(key_signed(), trust=KEY_TRUST).code == VERIFIED
        assert check(GENUINE).steps

    def test_addresses_in_a_trust_root_are_names_and_paths_lead_nowhere(self) -> None:
        def redirect(value: dict[str, Any]) -> None:
            value["certificateAuthorities"][0]["uri"] = "file:///../../etc/passwd"
            value["timestampAuthorities"][0]["uri"] = "https://mallory.example/../../trust"

        raw = make("envelope-v2")
        elsewhere = parse_trust_root(changed(FORMATS.document(), redirect))
        assert code(raw, trust=TrustMaterial((elsewhere,))) == VERIFIED


class TestKeysTheEvidenceBrings:
    """CVE-2023-47122 (gitsign) once more: a key that arrives with what it signs proves nothing, wherever in it it stands."""

    def test_a_logs_key_in_its_own_entry(self) -> None:
        raw = bundle(lies=[Lie.LOG_OF_A_STRANGER])
        assert assess(bundle()).code == VERIFIED
        assert assess(raw).code == "tlog.unknown_log"
        assert assess(changed(raw, lambda value: entry_of(value).update(publicKey="x"))).code == "tlog.malformed"

    def test_a_registered_key_is_chosen_by_its_signature_and_never_by_the_hint(self) -> None:
        stranger = Formats(NOON)
        known, unknown = (RegisteredKey(load_spki(each.spki()), each.born_at) for each in (FORMATS, stranger))
        raw = make("key-file-v1")
        hinted = changed(raw, lambda value: material(value)["publicKey"].update(hint=unknown.key.key_id))
        assert code(hinted, "key-file-v1") == VERIFIED
        trusted = TrustMaterial(FORMATS.trust().trust_roots, (unknown,))
        assert code(hinted, "key-file-v1", trust=trusted) == "key.unknown"
        assert verify_evidence(hinted, trust=FORMATS.trust(), received_at=NOON).key.key_id == known.key.key_id

    def test_a_certificate_of_the_senders_own_authority(self) -> None:
        refused_alone(
            make("envelope-v2"),
            lambda value: material(value).update(certificate=material(json.loads(make("envelope-v2", by=Formats(NOON))))["certificate"]),
            "envelope-v2",
            wanted="certificate.untrusted",
        )
        assert assess(bundle(), trust=TRUST).code == VERIFIED
