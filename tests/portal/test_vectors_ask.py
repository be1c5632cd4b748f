"""No row counts as right whose question was not asked: each test makes a true row ask what used to be passed over in silence."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.vectors.judge import judge_row
from portal.vectors.manifest import Row, read_manifest
from tests.proofs.published import FOLDER, NOW, row_named

pytestmark = pytest.mark.once

PYPI, PROVENANCE, BUNDLE = (
    "pypi/pypi-attestation-models-0.0.4a2",
    "pypi/sampleproject-4.0.0-provenance",
    "slsa/gha-go-v2.1.0-workflow_dispatch",
)
BUILD, SUMMARY, ENVELOPE = "gcb/v1.0-github-single", "vsa/gke", "dsse/archivista-build"
INCLUSION, CONSISTENCY, TILES = "merkle/inclusion-a", "merkle/consistency-a", "tlog-tiles/log-1-8"
PASSKEY, CHECKPOINT, BOM = "webauthn/w3c-none-es256", "checkpoint/java-valid", "cyclonedx/valid-bom-1.6"
Change = Callable[[dict[str, Any], Path], Any]


def asks(**inputs: object) -> Change:
    """Change inputs."""
    return lambda row, folder: row["inputs"].update(inputs)


def lacks(name: str) -> Change:
    """Take an input away."""
    return lambda row, folder: row["inputs"].pop(name)


def change_schema(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | fields))


def asks_of(name: str, **parts: object) -> Change:
    """Change parts of one input."""
    return lambda row, folder: row["inputs"][name].update(parts)


def gives(name: str, content: str = "garbage", **inputs: object) -> Change:
    """Give another file under a name."""

    def change(row: dict[str, Any], folder: Path) -> None:
        (folder / "given").write_text(content)
        row["files"][name] = "given"
        row["inputs"] |= inputs

    return change


def says(**fields: object) -> Change:
    """Change fields of the row."""
    return lambda row, folder: row.update(fields)


def case_expects(**expected: object) -> Change:
    """Change what the first rejected case expects."""
    return lambda row, folder: next(case for case in row["cases"] if case["expected"]["verdict"] == "rejected")["expected"].update(expected)


def case_says(**fields: object) -> Change:
    return lambda row, folder: row["cases"][0].update(fields)


def case_gives(**fields: Any) -> Change:
    """Change the file of the first case that verifies; a function changes what is there."""

    def change(row: dict[str, Any], folder: Path) -> None:
        path = folder / next(case for case in row["cases"] if case["expected"]["verdict"] == "verified")["file"]
        given = json.loads(path.read_bytes())
        path.write_text(json.dumps(given | {name: value(given[name]) if callable(value) else value for name, value in fields.items()}))

    return change


def given(folder: Path, content: str) -> str:
    """Return the path of a file with this content."""
    (folder / "given").write_text(content)
    return "given"


INPUT, ARTIFACT = "vectors.input", "expectation.artifact"
GITHUB = {"kind": "GitHub", "repository": "trailofbits/pypi-attestation-models"}
# What the statement of the envelope is about.
SIGNED = {"sha256": "423da4cff198bbffbe3220ed9510d32ba96698e4b1f654552521d1f541abb6dc"}
OTHER = {"sha256": "0" * 64}
LIES: list[tuple[str, str, Change, str]] = [
    *(
        (f"{name}-{row.partition('/')[2][:5]}-{number}", row, asks(**{name: value}), INPUT)
        for row in (PYPI, PROVENANCE)
        for name, values in {
            "distribution": ("x", ["x"], {}, {"name": "x"}, {"name": "x", "sha256": "0" * 64, "size": "1"}, {"name": "x", "sha256": "0"}),
            "publisher": ("x", ["x"], {}, {**GITHUB, "kind": ""}, {**GITHUB, "kind": "Other"}, GITHUB, {**GITHUB, "workflow": 1}),
        }.items()
        for number, value in enumerate(values)
    ),
    ("publisher-unknown-field", PYPI, asks_of("publisher", enviroment="release"), INPUT),
    ("publisher-environment-nobody-names", PYPI, asks_of("publisher", environment="release"), INPUT),
    ("digest-beside-distribution", PYPI, asks(artifact_digest=OTHER), ARTIFACT),
    ("digest-beside-distribution-provenance", PROVENANCE, asks(artifact_digest=OTHER), ARTIFACT),
    ("file-beside-distribution", PYPI, gives("artifact"), ARTIFACT),
    ("file-beside-digest", BUNDLE, gives("artifact"), ARTIFACT),
    ("file-beside-digest-build", BUILD, gives("artifact"), ARTIFACT),
    ("file-beside-digest-package", "npm-attestations", gives("artifact"), ARTIFACT),
    ("file-of-a-bare-signature", "sigstore-java/ecdsa-p384-sha384", gives("artifact"), ARTIFACT),
    ("digest-of-another-file", "sigstore-python/bundle-v3-github-wheel", gives("artifact"), ARTIFACT),
    ("file-beside-digest-envelope", ENVELOPE, gives("artifact", artifact_digest=SIGNED), ARTIFACT),
    ("file-beside-subject-summary", SUMMARY, gives("artifact"), ARTIFACT),
    ("file-that-is-not-there", BUNDLE, asks(artifact_file=True), INPUT),
    ("file-that-is-there", BUNDLE, gives("artifact", artifact_file=False), INPUT),
    ("unknown-file", BUNDLE, gives("artifacts"), INPUT),
    ("unknown-file-in-a-suite", INCLUSION, gives("artifacts"), INPUT),
    ("trust-root-beside-keys", ENVELOPE, gives("trusted_root"), INPUT),
    ("file-of-another-type", ENVELOPE, lambda row, folder: row["files"].update(public_keys="keys"), INPUT),
    ("cases-outside-a-suite", BUNDLE, says(cases=[{"file": "x", "expected": {"verdict": "verified"}}]), INPUT),
    ("unknown-expectation", BUNDLE, lambda row, folder: row["expected"].update(fact={}), INPUT),
    *((f"case-reason-{row}", row, case_expects(reason="sct_invalid"), "vectors.case") for row in (INCLUSION, CONSISTENCY)),
    ("case-without-reason", INCLUSION, case_expects(reason=None), "vectors.case"),
    ("case-unknown-field", INCLUSION, case_says(inputs={"root": "x"}), INPUT),
    ("case-unknown-expectation", INCLUSION, case_expects(fact={}), INPUT),
    ("case-file-unknown-field", INCLUSION, case_gives(treeHash="x"), INPUT),
    ("case-file-expects-otherwise", INCLUSION, case_gives(wantErr=True), INPUT),
    ("case-size-of-another-type", INCLUSION, case_gives(treeSize=str), INPUT),
    ("case-base64-inclusion", INCLUSION, case_gives(root=lambda text: f"!{text}\n"), INPUT),
    ("case-base64-consistency", CONSISTENCY, case_gives(root1=lambda text: f"!{text}\n"), INPUT),
    ("tile-of-hashes", TILES, gives("hash_tile"), INPUT),
    ("build-branch-none", "gcb/v0.3-github", asks(source_branch="None"), "expectation.ref"),
    ("build-builder-empty", BUILD, asks(builder_id=""), INPUT),
    ("summary-levels-text", SUMMARY, asks(verified_levels=""), INPUT),
    ("summary-levels-empty", SUMMARY, asks(verified_levels=[]), INPUT),
    ("summary-subject-empty", SUMMARY, asks(subject_digest={}), INPUT),
    ("summary-digest-empty", SUMMARY, asks(artifact_digest={}), INPUT),
    ("flag-as-text", BUNDLE, asks(allow_no_sct="false"), INPUT),
    ("format-of-another-document", BOM, says(format="openvex-9"), INPUT),
    ("format-of-another-version", BOM, says(format="cyclonedx-1.5"), INPUT),
    ("ceremony", PASSKEY, asks(ceremony="registration"), INPUT),
    ("another-predicate", BUNDLE, asks(predicate_type="https://slsa.dev/provenance/v1"), "expectation.predicate"),
    ("another-ref", BUNDLE, asks(source_ref="refs/heads/other"), "expectation.ref"),
    ("another-commit", BUNDLE, asks(source_commit="0" * 40), "expectation.source"),
    ("another-runner", BUNDLE, asks(runner_environment="self-hosted"), "expectation.runner"),
    ("another-trigger", BUNDLE, asks(build_trigger="push"), "expectation.source"),
    ("another-origin", CHECKPOINT, asks(origin="other"), "log.origin"),
    ("facts-that-are-no-object", BUNDLE, lambda row, folder: row["expected"].update(facts=[]), INPUT),
    ("reason-that-is-no-text", BUNDLE, lambda row, folder: row["expected"].update(reason=[]), INPUT),
    ("reasons-that-are-no-list", BUNDLE, lambda row, folder: row["expected"].update(reason_also_ok="malformed"), INPUT),
    ("case-that-is-no-object", INCLUSION, says(cases=[5]), INPUT),
    ("case-without-expectation", INCLUSION, says(cases=[{"file": "x"}]), INPUT),
    ("case-without-file", INCLUSION, says(cases=[{"expected": {"verdict": "verified"}}]), "vectors.file"),
    ("case-file-that-is-no-object", INCLUSION, lambda row, folder: row["cases"][0].update(file=given(folder, "5")), INPUT),
    ("case-file-that-is-no-json", INCLUSION, lambda row, folder: row["cases"][0].update(file=given(folder, "{")), INPUT),
    ("case-root-that-is-null", INCLUSION, case_gives(root=None), "vectors.case"),
    *((f"no-{name}", PASSKEY, lacks(name), INPUT) for name in ("challenge", "origin", "rp_id", "credential_public_key")),
    ("no-log-id", CHECKPOINT, lacks("log_id"), INPUT),
    ("no-keys", BUILD, lambda row, folder: row["files"].pop("keys_by_keyid"), INPUT),
    ("no-evidence", BUNDLE, lambda row, folder: row["files"].pop("evidence"), "vectors.file"),
    ("schema-of-a-strange-type", BOM, lambda row, folder: change_schema(folder / row["files"]["schema"], type=[None]), INPUT),
    ("schema-that-refers-elsewhere", BOM, lambda row, folder: change_schema(folder / row["files"]["schema"], **{"$ref": "x.json"}), INPUT),
    ("schema-that-is-a-list", BOM, gives("schema", "[]"), INPUT),
    ("schema-that-is-no-json", BOM, gives("schema", "{"), INPUT),
    ("counter-as-text", PASSKEY, asks(sign_count="0"), INPUT),
]
# What a row gives a verifier, unreadable: no answer about the evidence, though a refusal of it says "malformed".
UNREADABLE: list[tuple[str, str, Change]] = [
    ("trusted-root", BUNDLE, gives("trusted_root")),
    ("trusted-root-checkpoint", CHECKPOINT, gives("trusted_root")),
    ("trusted-root-metadata", "tuf-root-update", gives("trusted_root_metadata")),
    ("npm-keys", "npm-attestations", gives("npm_keys")),
    ("build-key", BUILD, gives("keys_by_keyid")),
    ("public-key", SUMMARY, gives("public_key")),
    ("public-keys", ENVELOPE, lambda row, folder: row["files"].update(public_keys=[row["files"]["evidence"]])),
    ("note-key", TILES, gives("vkey")),
    ("log-id", CHECKPOINT, asks(log_id="?")),
    ("digest-sha1", BUNDLE, asks(artifact_digest={"sha1": "0" * 40})),
    ("digest-sha1-envelope", ENVELOPE, asks(artifact_digest="sha1:" + "0" * 40)),
    ("challenge", PASSKEY, asks(challenge="?")),
    ("challenge-registration", "webauthn/w3c-none-es256-registration", asks(challenge="?")),
    ("passkey", PASSKEY, asks(credential_public_key="AA")),
    ("schema", BOM, gives("schema", "{}")),
]


@pytest.mark.parametrize(("row", "change", "code"), [pytest.param(*lie, id=name) for name, *lie in LIES])
def test_a_row_that_asks_what_nobody_asked(row: str, change: Change, code: str, tmp_path: Path) -> None:
    true = copied(row, tmp_path)
    assert complaint_and_code(true, tmp_path)[0] == ""
    change(true, tmp_path)
    complaint, got = complaint_and_code(true, tmp_path)
    assert (complaint != "", got) == (True, code), complaint


@pytest.mark.parametrize(("row", "change"), [pytest.param(*lie, id=name) for name, *lie in UNREADABLE])
def test_what_a_row_gives_and_nobody_can_read_is_not_judged(row: str, change: Change, tmp_path: Path) -> None:
    changed = copied(row, tmp_path)
    change(changed, tmp_path)
    if "keys_by_keyid" in changed["files"]:
        changed["files"]["keys_by_keyid"] = {"key": "given"}
    changed["expected"] = {"verdict": "rejected", "reason": "malformed", "reason_also_ok": ["key_unknown", "artifact_mismatch"]}
    complaint, code = complaint_and_code(changed, tmp_path)
    assert (complaint.startswith("not judged"), code) == (True, INPUT), complaint


@pytest.mark.parametrize(
    ("row", "inputs"),
    [
        (
            BUNDLE,
            {"predicate_type": "https://slsa.dev/provenance/v0.2", "source_ref": "refs/heads/main", "runner_environment": "github-hosted"},
        ),
        (BUNDLE, {"build_trigger": "workflow_dispatch"}),
        (PYPI, {"publisher": {**GITHUB, "workflow": "release.yml", "environment": None}}),
        (CHECKPOINT, {"origin": "rekor.sigstore.dev - 2605736670972794746"}),
        ("statement/buildkit-provenance-unsigned", {"artifact_digest": "sha256:" + "0" * 64}),
    ],
)
def test_what_a_row_may_ask_as_well_is_asked_and_holds(row: str, inputs: dict[str, Any], tmp_path: Path) -> None:
    true = copied(row, tmp_path)
    true["inputs"] |= inputs
    assert complaint_and_code(true, tmp_path)[0] == ""


def test_the_file_in_hand_answers_for_every_digest_of_it(tmp_path: Path) -> None:
    """The file itself, beside its digests: the signer named one of them, the row two."""
    row = copied("sigstore-java/ecdsa-p384-sha384", tmp_path)
    content = (tmp_path / row["files"]["artifact"]).read_bytes()
    row["inputs"]["artifact_digest"] = {name: hashlib.new(name, content).hexdigest() for name in ("sha256", "sha384")}
    assert complaint_and_code(row, tmp_path)[0] == ""


def copied(name: str, folder: Path) -> dict[str, Any]:
    """Return a row by its id, or the first of a format that verifies, its files copied into the folder."""
    row: dict[str, Any] = json.loads(json.dumps(row_named(name if "/" in name else first_of(name))))
    for path in {*paths_in({**row["files"], "suite": ""}), *(case["file"] for case in row.get("cases", []))}:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / path, folder / path)
    for path in FOLDER.glob("schemas/*/*.json") if "schema" in row["files"] else ():
        (folder / path.relative_to(FOLDER)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.relative_to(FOLDER))
    return row


def first_of(form: str) -> str:
    """Return the id of the first verified row of a format."""
    if not FOLDER.is_dir():
        return "no row"
    return next(row.id for row in read_manifest(FOLDER / "manifest.json") if row.format == form and row.expected["verdict"] == "verified")


def paths_in(value: object) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from paths_in(part)


def complaint_and_code(row: dict[str, Any], folder: Path) -> tuple[str, str]:
    judged = judge_row(Row(row["id"], row["format"], row["files"], row["inputs"], row["expected"], row.get("cases", []), folder), now=NOW)
    return judged.complaint, judged.outcome.code
