"""Log entries: about this very evidence, really in the log, and the only source of the log's time is its promise."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.proofs.advisories.asked import (
    KINDS,
    LOGGED,
    OTHER_STATEMENT,
    PROMISED,
    VERIFIED,
    code,
    flip,
    make,
    material,
    proof,
    refused_alone,
    signature_of,
    tokens,
)
from tests.proofs.factory import DAY, NOON, STATEMENT, WORKLOAD, changed, entry_of
from tests.proofs.formats import Formats


class TestAnyEntryWillDo:
    """CVE-2022-36056 and CVE-2026-22703 (cosign), CVE-2024-51746 (gitsign), CVE-2024-53267 (sigstore-java).

    A verifier that finds a valid entry and does not ask what it is about accepts what was never logged.
    """

    @pytest.mark.parametrize("name", LOGGED)
    def test_entries_swapped_between_two_true_bundles_of_one_signer(self, name: str) -> None:
        other = json.loads(make(name, statement=OTHER_STATEMENT, file=b"another file"))
        assert code(json.dumps(other).encode(), name) == VERIFIED
        refused_alone(
            make(name),
            lambda value: material(value).update(tlogEntries=material(other)["tlogEntries"]),
            name,
            wanted="tlog.entry_mismatch",
        )

    @pytest.mark.parametrize("name", LOGGED)
    def test_entries_of_two_signatures_over_the_very_same_content(self, name: str) -> None:
        other = json.loads(make(name))
        refused_alone(
            make(name),
            lambda value: material(value).update(tlogEntries=material(other)["tlogEntries"]),
            name,
            wanted="tlog.entry_mismatch",
        )

    @pytest.mark.parametrize("name", LOGGED)
    def test_only_the_body_swapped_is_not_in_the_tree(self, name: str) -> None:
        body = entry_of(json.loads(make(name, statement=OTHER_STATEMENT, file=b"another file")))["canonicalizedBody"]
        wanted = "tlog.promise" if name in PROMISED else "tlog.inclusion"
        refused_alone(make(name), lambda value: entry_of(value).update(canonicalizedBody=body), name, wanted=wanted)


class TestInTheLogWithoutProof:
    """CVE-2022-23649 (cosign), CVE-2024-54140 (sigstore-java): what is said to be in the log must be shown to be, by the log's key."""

    @pytest.mark.parametrize("name", PROMISED)
    def test_a_promise_that_was_not_signed(self, name: str) -> None:
        def spoil(value: dict[str, Any]) -> None:
            promise = entry_of(value)["inclusionPromise"]
            promise["signedEntryTimestamp"] = flip(promise["signedEntryTimestamp"], -1)

        refused_alone(make(name), spoil, name, wanted="tlog.promise")

    @pytest.mark.parametrize("name", LOGGED)
    def test_another_root_hash(self, name: str) -> None:
        make(name)
        refused_alone(make(name), lambda value: proof(value).update(rootHash=flip(proof(value)["rootHash"])), name, wanted="tlog.inclusion")

    @pytest.mark.parametrize("name", LOGGED)
    def test_another_hash_on_the_way(self, name: str) -> None:
        for _ in range(2):
            raw = make(name)
            if proof(json.loads(raw))["hashes"]:
                break

        def spoil(value: dict[str, Any]) -> None:
            proof(value)["hashes"][0] = flip(proof(value)["hashes"][0])

        refused_alone(raw, spoil, name, wanted="tlog.inclusion")

    @pytest.mark.parametrize("name", LOGGED)
    def test_a_checkpoint_whose_signature_is_another(self, name: str) -> None:
        refused_alone(make(name), lambda value: _edit_note(value, position=-1), name, wanted="tlog.checkpoint_signature")

    @pytest.mark.parametrize("name", LOGGED)
    def test_a_checkpoint_whose_key_hint_is_another(self, name: str) -> None:
        refused_alone(make(name), lambda value: _edit_note(value, position=0), name, wanted="tlog.checkpoint_unsigned")

    @pytest.mark.parametrize("name", LOGGED)
    def test_a_checkpoint_of_another_origin(self, name: str) -> None:
        def rename(value: dict[str, Any]) -> None:
            checkpoint = proof(value)["checkpoint"]
            checkpoint["envelope"] = "another" + checkpoint["envelope"]

        refused_alone(make(name), rename, name, wanted="tlog.checkpoint_unsigned")

    @pytest.mark.parametrize("name", LOGGED)
    def test_a_checkpoint_of_another_size_or_root(self, name: str) -> None:
        def grow(value: dict[str, Any]) -> None:
            checkpoint = proof(value)["checkpoint"]
            origin, size, rest = checkpoint["envelope"].split("\n", 2)
            checkpoint["envelope"] = f"{origin}\n{int(size) + 1}\n{rest}"

        refused_alone(make(name), grow, name, wanted="tlog.checkpoint_signature")

    def test_a_true_checkpoint_of_another_tree_head(self) -> None:
        older = proof(json.loads(make("envelope-v2")))["checkpoint"]
        refused_alone(
            make("envelope-v2"), lambda value: proof(value).update(checkpoint=older), "envelope-v2", wanted="tlog.checkpoint_mismatch"
        )


def _edit_note(value: dict[str, Any], *, position: int) -> None:
    """Flip a bit in the log's own signature line: in the hint (0) or at the end of the signature (-1)."""
    checkpoint = proof(value)["checkpoint"]
    head, _, last = checkpoint["envelope"].rstrip("\n").rpartition(" ")
    checkpoint["envelope"] = f"{head} {flip(last, position)}\n"


class TestTimeWithoutPromise:
    """CVE-2024-55655 (sigstore-python), CVE-2026-48816 (sigstore-js): `integratedTime` is signed by the promise and by nothing else."""

    @pytest.mark.parametrize("name", [name for name in PROMISED if not KINDS[name].stamps])
    def test_an_integrated_time_without_its_promise_proves_nothing(self, name: str) -> None:
        refused_alone(make(name), lambda value: entry_of(value).pop("inclusionPromise"), name, wanted="bundle.missing_material")

    @pytest.mark.parametrize("name", ["file-v1-stamped", "envelope-dsse-stamped"])
    def test_an_integrated_time_in_the_certificates_life_does_not_save_one_that_was_used_later(self, name: str) -> None:
        late = Formats(NOON)
        # The certificate's life has ended when it is stamped; only the unsigned time of the log says otherwise.
        raw = late.make(KINDS[name], STATEMENT, WORKLOAD, NOON)
        assert code(raw, name, trust=late.trust()) == VERIFIED
        token = late.stamper.token(signature_of(raw), NOON + DAY)

        def use_later(value: dict[str, Any]) -> None:
            entry_of(value).pop("inclusionPromise")
            assert entry_of(value)["integratedTime"] == str(int(NOON.timestamp()))
            tokens(value)[0]["signedTimestamp"] = base64.b64encode(token).decode()

        assert code(changed(raw, use_later), name, trust=late.trust(), received_at=NOON + 2 * DAY) == "certificate.time"

    def test_rekor_v2_tells_no_time_whatever_stands_there(self) -> None:
        def untimed(value: dict[str, Any]) -> None:
            material(value).pop("timestampVerificationData")
            entry_of(value)["integratedTime"] = str(int(NOON.timestamp()))

        refused_alone(make("envelope-v2"), untimed, "envelope-v2", wanted="bundle.missing_material")

    def test_a_promise_in_rekor_v2_is_no_promise(self) -> None:
        promise = entry_of(json.loads(make("file-v1")))["inclusionPromise"]
        refused_alone(make("file-v2"), lambda value: entry_of(value).update(inclusionPromise=promise), "file-v2", wanted="tlog.malformed")


def test_the_kinds_are_all_four_that_logs_know() -> None:
    assert {KINDS[name].entry for name in LOGGED} == {
        ("hashedrekord", "0.0.1"),
        ("hashedrekord", "0.0.2"),
        ("dsse", "0.0.1"),
        ("intoto", "0.0.2"),
    }
