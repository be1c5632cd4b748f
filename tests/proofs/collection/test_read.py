"""Files of many pieces of evidence: every kind cut into its items, byte for byte, and every hostile one refused by its limit."""

from __future__ import annotations

import gzip
import io
import json
import random
import stat
import tarfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.collection.documents import read_documents
from proofs.collection.item import Collection, Limits
from proofs.collection.read import read_collection
from proofs.errors import Refusal
from tests.proofs.collection.archives import tar_of, tar_with, tgz_of, zip_of, zip_with
from tests.proofs.factory import bundle, key_signed

BUNDLE, ENVELOPE = bundle(), key_signed()
FILES = [("a.json", BUNDLE), ("deep/b.json", ENVELOPE)]
SMALL = Limits(collection_bytes=300_000, item_bytes=20_000, total_bytes=100_000, items=20)


def read(content: bytes, limits: Limits = Limits()) -> Collection:  # noqa: B008 - frozen
    return read_collection(content, limits=limits)


def contents(collection: Collection) -> list[tuple[str, bytes]]:
    return [(item.name, item.content) for item in collection.items]


def code_of(content: bytes, limits: Limits = SMALL) -> str:
    with pytest.raises(Refusal) as refusal:
        read(content, limits)
    return refusal.value.code


def item_codes(content: bytes, limits: Limits = SMALL) -> list[str]:
    return [item.refusal.code if item.refusal else "" for item in read(content, limits).items]


class Counted(bytes):
    """Bytes that count how often the end of a line was looked for in them."""

    searches = 0

    def find(self, *arguments: Any) -> int:
        self.searches += 1
        return super().find(*arguments)


class TestLines:
    def test_each_line_is_an_item_with_its_exact_bytes(self) -> None:
        spaced = b'  {"payload": "",\t"a":1} '
        found = read(BUNDLE + b"\n\n" + spaced + b"\r\n" + ENVELOPE)
        assert found.kind == "json-lines"
        assert contents(found) == [("line 1", BUNDLE), ("line 3", spaced), ("line 4", ENVELOPE)]

    @pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \n", b"\t\r\n"])
    def test_a_run_of_blank_lines_is_one_step(self, blank: bytes) -> None:
        content = Counted(b"{}\n" + blank * 1000 + b'  {"a":1}\n' + blank * 1000)
        assert [(item.name, item.content) for item in read_documents(content)[1]] == [("line 1", b"{}"), ("line 1002", b'  {"a":1}')]
        assert content.searches < 10

    def test_a_line_that_is_broken_takes_no_other_along(self) -> None:
        assert [content for _, content in contents(read(BUNDLE + b"\n{broken\n" + ENVELOPE + b"\n"))] == [BUNDLE, b"{broken", ENVELOPE]
        assert [content for _, content in contents(read(b"{broken\n" + ENVELOPE))] == [b"{broken", ENVELOPE]

    @pytest.mark.parametrize("content", [BUNDLE, BUNDLE + b"\n", b"\n " + json.dumps(json.loads(BUNDLE), indent=2).encode() + b"\n\n"])
    def test_one_document_is_one_item_to_the_last_byte(self, content: bytes) -> None:
        assert contents(read(content)) == [("document", content)]

    def test_4_at_most_so_many(self) -> None:
        assert len(read(b"{}\n" * 1000).items) == 1000
        assert code_of(b"{}\n" * 10_000, Limits()) == "collection.too_many_items"

    def test_4_a_line_over_the_limit_answers_for_itself(self) -> None:
        long = b'{"a":"' + b"x" * 20_000 + b'"}'
        assert item_codes(b"{}\n" + long + b"\n{}") == ["", "collection.item_too_large", ""]
        assert item_codes(long) == ["collection.item_too_large"]

    def test_depth_costs_nothing(self) -> None:
        assert len(read(b"[" * 200_000).items) == 1
        assert len(read(b'{"a":' * 20_000 + b"\n" + b'{"a":' * 20_000).items) == 2


class TestResponses:
    def test_the_bundles_of_npm_keep_bytes_and_label(self, vectors: Path) -> None:
        raw = (vectors / "npm" / "npm-att-mismatch-prov-predicatetype.intoto.sigstore").read_bytes()
        found, value = read(raw), json.loads(raw)
        assert found.kind == "attestation-response"
        assert [item.label for item in found.items] == [entry["predicateType"] for entry in value["attestations"]]
        for item, entry in zip(found.items, value["attestations"], strict=True):
            assert item.content in raw
            assert json.loads(item.content) == entry["bundle"]

    def test_the_attestations_of_a_provenance_object(self, vectors: Path) -> None:
        raw = (vectors / "pypi" / "sampleproject-4.0.0.tar.gz.provenance").read_bytes()
        found = read(raw)
        assert found.kind == "pep740-provenance"
        assert [json.loads(item.content) for item in found.items] == json.loads(raw)["attestation_bundles"][0]["attestations"]
        assert found.items[0].content in raw

    def test_slices_keep_blanks_escapes_and_letters_of_many_bytes(self) -> None:
        inner = '{ "é" : ["\\u00e9\\"}" , 1.50,\r\n {} ] }'.encode()
        raw = b'\n{ "other": "}]", "attestations" :\t[ {"x":1, "bundle" : ' + inner + b' } , {"bundle":{}, "predicateType":"b"}] }'
        assert [(item.name, item.content, item.label) for item in read(raw).items] == [
            ("attestation 1", inner, ""),
            ("attestation 2", b"{}", "b"),
        ]

    @pytest.mark.parametrize(
        "entry", ["1", "[]", "{}", '{"bundle": 1}', '{"bundle": {}, "predicateType": 1}', '{"bundle": {}, "predicateType": "a\\u202eb"}']
    )
    def test_an_entry_that_is_none_answers_for_itself(self, entry: str) -> None:
        raw = f'{{"attestations": [{{"bundle": {{}}}}, {entry}]}}'.encode()
        assert item_codes(raw) == ["", "collection.entry_malformed"]

    @pytest.mark.parametrize("entry", ["1", "{}", '{"attestations": []}', '{"attestations": {}}'])
    def test_so_does_a_bundle_of_attestations(self, entry: str) -> None:
        raw = f'{{"version": 1, "attestation_bundles": [{entry}, {{"attestations": [{{}}, 2]}}]}}'.encode()
        assert item_codes(raw) == ["collection.entry_malformed", "", ""]

    def test_a_key_given_twice_makes_it_a_document_nobody_takes_apart(self) -> None:
        raw = b'{"attestations": [{"bundle": {}}], "attestations": [{"bundle": {}}, {"bundle": {}}]}'
        assert [content for _, content in contents(read(raw))] == [raw]


class TestArchives:
    @pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    def test_tar_in_every_form(self, form: int) -> None:
        long = "folder/" * 20 + "evidence-é.json" if form != tarfile.USTAR_FORMAT else "folder/" * 14 + "evidence.json"
        files = [*FILES, (long, b"{}"), ("./dotted.json", b"{}")]
        found = read(tar_of(files, form=form))
        assert (found.kind, contents(found)) == ("tar", [(name.removeprefix("./"), content) for name, content in files])

    def test_tar_with_gzip_and_zip_stored_and_deflated(self) -> None:
        for raw, kind in (
            (tgz_of(FILES), "tar"),
            (zip_of(FILES), "zip"),
            (zip_of(FILES, method=zipfile.ZIP_STORED), "zip"),
        ):
            found = read(raw)
            assert (found.kind, contents(found)) == (kind, FILES)

    def test_folders_hold_nothing(self) -> None:
        assert contents(read(zip_of([("deep/", b""), *FILES]))) == FILES
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w") as archive:
            folder = tarfile.TarInfo("./")
            folder.type = tarfile.DIRTYPE
            archive.addfile(folder)
            archive.addfile(tarfile.TarInfo("./empty.json"))
        assert contents(read(written.getvalue())) == [("empty.json", b"")]

    def test_3_a_file_of_lines_or_of_bundles_is_cut_up_too(self) -> None:
        response = b'{"attestations":[{"predicateType":"a","bundle":{"b":1}}]}'
        found = read(tgz_of([("two.jsonl", BUNDLE + b"\n" + ENVELOPE + b"\n"), ("npm.json", response), ("notes.txt", b"hello")]))
        assert contents(found) == [
            ("two.jsonl, line 1", BUNDLE),
            ("two.jsonl, line 2", ENVELOPE),
            ("npm.json, attestation 1", b'{"b":1}'),
            ("notes.txt", b"hello"),
        ]
        assert found.items[2].label == "a"

    @pytest.mark.parametrize("inner", [zip_of(FILES), tar_of(FILES), tgz_of(FILES), gzip.compress(b"{}", mtime=0)])
    def test_3_an_archive_in_an_archive_answers_for_itself(self, inner: bytes) -> None:
        for pack in (zip_of, tar_of, tgz_of):
            assert item_codes(pack([("a.json", b"{}"), ("inner", inner)]), Limits()) == ["", "collection.nested"]


class TestHostileNames:
    @pytest.mark.parametrize(
        "name",
        ["/etc/passwd", "../up", "a/../../b", "a//b", "a/./b", "..", "C:/x", "a\\b", "x" * 201, "line\nbreak", "invoice\u202efdp"],
    )
    def test_2_refuse_the_whole(self, name: str) -> None:
        files = [("ok.json", b"{}"), (name, b"{}")]
        assert code_of(zip_of(files)) == "collection.bad_name"
        assert code_of(tar_of(files, form=tarfile.PAX_FORMAT)) == "collection.bad_name"

    def test_2_a_nul_in_the_name_of_a_zip_member(self) -> None:
        assert code_of(zip_of([("nulX.json", b"{}")]).replace(b"nulX", b"nul\0")) == "collection.bad_name"

    def test_2_names_that_are_not_text(self) -> None:
        assert code_of(tar_of([("a\udcff", b"{}")])) == "collection.bad_name"

    def test_2_a_name_twice(self) -> None:
        assert code_of(tar_of([("a", b"{}"), ("a", b"{ }")])) == "collection.duplicate_name"
        assert code_of(tar_of([("a", b"{}"), ("./a", b"{ }")])) == "collection.duplicate_name"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert code_of(zip_of([("a", b"{}"), ("a", b"{ }")])) == "collection.duplicate_name"


class TestHostileArchives:
    @pytest.mark.parametrize(
        "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE, b"S", b"V", b"M"]
    )
    def test_2_links_devices_and_sparse_files_in_tar(self, kind: bytes) -> None:
        assert code_of(tar_with(kind)) == "collection.link"

    @pytest.mark.parametrize("header", [{"GNU.sparse.major": "1"}, {"linkpath": "/etc"}, {"size": "9"}])
    def test_2_what_pax_headers_may_not_say(self, header: dict[str, str]) -> None:
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
            member = tarfile.TarInfo("a")
            member.pax_headers = header
            archive.addfile(member)
        assert code_of(written.getvalue()) == "collection.link"

    def test_2_links_and_encryption_in_zip(self) -> None:
        assert code_of(zip_with(mode=stat.S_IFLNK | 0o777)) == "collection.link"
        assert code_of(zip_with(mode=stat.S_IFCHR)) == "collection.link"
        assert code_of(zip_with(flags=1)) == "collection.encrypted"

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_2_other_ways_to_pack(self, method: int) -> None:
        assert code_of(zip_of(FILES, method=method)) == "collection.bad_entry"

    def test_4_a_zip_bomb_is_unpacked_no_further_than_the_limit_of_an_item(self) -> None:
        assert item_codes(zip_of([("bomb", b"\0" * 50_000_000), ("a", b"{}")])) == ["collection.item_too_large", ""]

    def test_2_a_zip_whose_members_are_many_small_bombs(self) -> None:
        assert code_of(zip_of([(f"bomb-{number}", b" " * 15_000) for number in range(10)])) == "collection.too_large"

    def test_2_a_zip_that_states_less_than_it_holds(self) -> None:
        raw = zip_of([("a", b" " * 10_000)])
        lying = raw.replace((10_000).to_bytes(4, "little"), (5).to_bytes(4, "little"))
        assert lying != raw
        assert code_of(lying) == "collection.unreadable"

    def test_2_a_gzip_bomb(self) -> None:
        bomb = gzip.compress(tar_of([("a", b"\0" * 20_000_000)]))
        assert len(bomb) < SMALL.collection_bytes
        assert code_of(bomb) == "collection.too_large"

    def test_4_more_members_than_the_limit(self) -> None:
        many = [(f"{number}", b"") for number in range(21)]
        for pack in (zip_of, tar_of, tgz_of):
            assert code_of(pack(many)) == "collection.too_many_items"
        assert code_of(zip_of([(f"{number}/", b"") for number in range(21)])) == "collection.too_many_items"

    @pytest.mark.parametrize("keep", [1, 30, 200, -1, -9])
    def test_2_a_gzip_that_ends_early(self, keep: int) -> None:
        assert code_of(tgz_of(FILES)[:keep] or b"\x1f\x8b") in ("collection.unreadable", "collection.unknown_format")

    def test_2_a_tar_that_ends_early_or_goes_on(self) -> None:
        whole = tar_of([("a", b"{}" * 500), ("b", b"{}")])
        for cut in (700, 1024, 1536, 2048, 2560):
            assert code_of(whole[:cut]) == "collection.unreadable", cut
        assert code_of(whole + whole) == "collection.unreadable"
        assert code_of(gzip.compress(whole, mtime=0) + gzip.compress(whole)) == "collection.unreadable"

    def test_2_a_damaged_header_in_the_middle_hides_nothing(self) -> None:
        whole = bytearray(tar_of([("a", b"{}"), ("b", b"{}"), ("c", b"{}")]))
        whole[1024 + 3] ^= 1
        assert code_of(bytes(whole)) == "collection.unreadable"

    def test_2_a_zip_behind_something_else(self) -> None:
        other = zip_of([("other", b"[]")])
        assert code_of(other + zip_of(FILES)) == "collection.unreadable"
        assert code_of(zip_of(FILES)[:-30]) == "collection.unreadable"


class TestTheWhole:
    @pytest.mark.parametrize("content", [b"", b" \n\t", zip_of([]), zip_of([("folder/", b"")])])
    def test_1_without_an_item(self, content: bytes) -> None:
        assert code_of(content) == "collection.empty"

    @pytest.mark.parametrize(
        "content", [b"\x7fELF", b"BZh91AY", b"\xfd7zXZ\x00", b"hello", b"\xef\xbb\xbf{}", gzip.compress(b"{}\n{}", mtime=0)]
    )
    def test_1_of_another_kind(self, content: bytes) -> None:
        assert code_of(content) == "collection.unknown_format"

    def test_1_one_byte_too_many(self) -> None:
        exact = b" " * (SMALL.collection_bytes - 2) + b"{}"
        assert item_codes(exact) == ["collection.item_too_large"]
        assert code_of(exact + b" ") == "collection.too_large"

    @settings(max_examples=300, deadline=None)
    @given(data=st.data())
    def test_whatever_is_changed_it_is_read_or_refused(self, data: st.DataObject) -> None:
        raw = bytearray(data.draw(st.sampled_from([tar_of(FILES), tgz_of(FILES), zip_of(FILES), RESPONSE])))
        for _ in range(data.draw(st.integers(1, 4))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        self.read_or_refused(bytes(raw))

    def test_and_so_is_any_part_of_it(self) -> None:
        chosen = random.Random(3)
        for raw in (tar_of(FILES), tgz_of(FILES), zip_of(FILES), RESPONSE):
            for _ in range(200):
                start = chosen.randrange(len(raw))
                self.read_or_refused(raw[: chosen.randrange(len(raw))] + raw[start:])

    @staticmethod
    def read_or_refused(raw: bytes) -> None:
        code = "collection.read"
        try:
            read(raw)
        except Refusal as refusal:
            code = refusal.code
        assert code.startswith("collection.")


RESPONSE = b'{"attestations": [{"predicateType": "x", "bundle": ' + ENVELOPE + b'}, {"bundle": {"a": "\\u00e9"}}]}'
