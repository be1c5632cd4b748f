"""What version 2 pictured and told is made again byte for byte: people signed it.

`releases.json` holds signed evidence with what the code of that time made of it, `sentences.json` what it said of pictures with one, a few and many
of each thing; of those the areas that say something are written out, and the digest is that of all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofs.canonical import canonical_bytes, parse_canonical
from proofs.comparison.compare import compare_releases, list_changes
from proofs.comparison.picture import Pictured, build_picture
from proofs.digest import sha256_hex

HERE = Path(__file__).parent
RELEASES: dict[str, Any] = json.loads((HERE / "releases.json").read_text())
SENTENCES: list[dict[str, Any]] = json.loads((HERE / "sentences.json").read_text())
POLICY = {"id": "p", "version": "1", "digest": "0" * 64}
EMPTY = build_picture([], artifacts=[], policy=POLICY, subject=None, team="payments", environment="production", version=2)


def pictured_again(side: dict[str, Any]) -> dict[str, Any]:
    evidence = [RELEASES["evidence"][name] for name in side["evidence"]]
    return build_picture([Pictured(item["verdict"], item["content"].encode()) for item in evidence], version=2, **side["asked"])


@pytest.mark.parametrize("case", RELEASES["releases"], ids=lambda case: case["case"])
class TestReleases:
    def test_are_pictured_as_they_were(self, case: dict[str, Any]) -> None:
        for side in (case["before"], case["now"]):
            assert canonical_bytes(pictured_again(side)) == canonical_bytes(side["picture"])

    def test_are_told_as_they_were(self, case: dict[str, Any]) -> None:
        before, now = (parse_canonical(canonical_bytes(case[side]["picture"])) for side in ("before", "now"))
        assert canonical_bytes(compare_releases(before, now, case["context"])) == canonical_bytes(case["said"])


@pytest.mark.parametrize("case", SENTENCES, ids=lambda case: case["case"])
def test_sentences_are_what_they_were(case: dict[str, Any]) -> None:
    before, now = (None if case[side] is None else {**EMPTY, **case[side]} for side in ("before", "now"))
    again = compare_releases(before, now, case["context"])
    told = {area["area"]: area for area in again["areas"]}
    assert [told[area["area"]] for area in case["areas"]] == case["areas"]
    assert again["signals"] == case["signals"]
    assert sha256_hex(canonical_bytes(again)) == case["sha256"]


def test_every_area_and_most_signals_are_among_them() -> None:
    assert {area["area"] for case in SENTENCES for area in case["areas"]} == set(list_changes(None, EMPTY, {"tier": 3})) | {
        "agent",
        "rotation",
    }
    assert len({signal["id"] for case in SENTENCES for signal in case["signals"]}) >= 30
