"""Every row of the published vectors comes out right, and the command that says so cannot say it of what is wrong."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from portal.vectors.judge import JUDGES, judge_row
from portal.vectors.manifest import Row, read_manifest
from portal.vectors.reasons import REASONS
from proofs.errors import Refusal
from tests.proofs.published import ABSENT, FOLDER, NOW, row_named, rows
from tests.requirements import skip_or_fail

pytestmark = pytest.mark.once

FORMATS = (*JUDGES, "cyclonedx-1.6", "spdx-2.3", "openvex-0.2.0")


@pytest.mark.parametrize("row", rows(*FORMATS))
def test_every_row_comes_out_as_it_must(row: dict[str, Any]) -> None:
    judged = judge_row(as_row(row), now=NOW)
    assert judged.complaint == ""
    # Nothing that can be verified is answered "unsupported".
    assert row["expected"]["verdict"] != "verified" or judged.outcome.verdict == "verified"


def test_every_format_of_the_vectors_is_known() -> None:
    if not FOLDER.is_dir():
        skip_or_fail(ABSENT)
    assert {row.format for row in read_manifest(FOLDER / "manifest.json")} <= set(FORMATS)


class TestItCannotPraiseWhatIsWrong:
    """A true row made false, in each way there is, is a complaint."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda row: row["expected"].update(verdict="rejected", reason="malformed"),
            lambda row: row["expected"]["facts"].update(source_commit="0" * 40),
            lambda row: row["expected"]["facts"]["subjects"].append({"name": "x", "digest": {}}),
            lambda row: row["expected"]["facts"]["tlog"][0].update(log_index=1),
            lambda row: row["expected"]["facts"].update(rfc3161_timestamps=1),
            lambda row: row["inputs"].update(source_branch="other"),
            lambda row: row["inputs"].update(builder_id="https://github.com/other/builder"),
            lambda row: row["inputs"].update(artifact_digest={"sha256": "0" * 64}),
            lambda row: row["inputs"].update(issuer="https://token.actions.githubusercontent.com/"),
            lambda row: row["files"].update(trusted_root="trust/sigstore-staging.json"),
            lambda row: row["files"].update(evidence="../manifest.json"),
            lambda row: row["files"].update(evidence="no/such/file"),
            lambda row: row.update(format="something-new"),
            lambda row: row.update(format="something-new", expected={"verdict": "rejected", "reason": "malformed"}),
            lambda row: row.update(format=[]),
            lambda row: row.update(expected={}),
            lambda row: row["expected"].update(verdict="rejectd"),
            lambda row: row["expected"].update(facts=None),
            lambda row: row["inputs"].update(workflow_inputs={"a": "b"}),
            lambda row: row["inputs"].update(artifact_digest="sha256:" + "0" * 64),
            lambda row: row["inputs"].update(artifact_digest=[]),
        ],
    )
    def test_a_true_row_made_false(self, change: Any) -> None:
        row = json.loads(json.dumps(row_named("slsa/gha-go-v2.1.0-workflow_dispatch")))
        assert judge_row(as_row(row), now=NOW).complaint == ""
        change(row)
        assert judge_row(as_row(row), now=NOW).complaint != ""

    def test_a_rejection_for_another_reason(self) -> None:
        row = json.loads(json.dumps(row_named("slsa/gha-generic-v2.1.0-push-v14.2-wrong-versioned-tag")))
        row["expected"]["reason"] = "sct_invalid"
        assert "ref" in judge_row(as_row(row), now=NOW).complaint

    def test_a_crash_is_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        row = json.loads(json.dumps(row_named("dsse/archivista-build")))
        monkeypatch.setitem(JUDGES, "dsse", (lambda row, now: 1 // 0, *JUDGES["dsse"][1:]))
        assert "crashed" in judge_row(as_row(row), now=NOW).complaint

    @pytest.mark.parametrize(("name", "value"), [("threshold", 2), ("package_name", "x"), ("unheard_of", True), ("identity", None)])
    @pytest.mark.parametrize("verdict", ["verified", "rejected"])
    def test_what_nobody_would_look_at_is_not_judged_whatever_is_expected(self, name: str, value: object, verdict: str) -> None:
        row = json.loads(json.dumps(row_named("slsa/gha-generic-v2.1.0-push-v14.2")))
        row["inputs"][name] = value
        row["expected"]["verdict"] = verdict
        judged = judge_row(as_row(row), now=NOW)
        assert (judged.outcome.code, judged.complaint.startswith("not judged")) == ("vectors.input", True)

    def test_a_form_that_is_not_read_is_a_rejection_with_a_reason_of_its_own(self) -> None:
        row = json.loads(json.dumps(row_named("sigstore-conformance/bundle-unknown-version")))
        judged = judge_row(as_row(row), now=NOW)
        assert (judged.outcome.verdict, judged.outcome.code, judged.complaint) == (
            "rejected",
            "evidence.unsupported_bundle_version",
            "",
        )
        row["expected"] |= {"reason": "signature_invalid", "reason_also_ok": []}
        assert judge_row(as_row(row), now=NOW).complaint.startswith("rejected for evidence.unsupported_bundle_version")

    @pytest.mark.parametrize("threshold", [0, -1, 1.9, True, "1"])
    def test_a_threshold_that_is_none(self, threshold: object) -> None:
        row = json.loads(json.dumps(row_named("dsse/archivista-build")))
        row["inputs"]["threshold"] = threshold
        assert judge_row(as_row(row), now=NOW).complaint != ""

    @pytest.mark.parametrize("cut", [0, 1, 10, 150])
    def test_a_registration_cut_short_is_refused_and_crashes_nothing(self, cut: int, tmp_path: Path) -> None:
        row = json.loads(json.dumps(row_named("webauthn/w3c-none-es256-registration")))
        value = json.loads((FOLDER / row["files"]["evidence"]).read_bytes())
        response = value["registration"]["credential"]["response"]
        response["attestationObject"] = response["attestationObject"][:cut]
        (tmp_path / "cut.json").write_text(json.dumps(value))
        row["files"]["evidence"] = "cut.json"
        judged = judge_row(Row(row["id"], row["format"], row["files"], row["inputs"], row["expected"], [], tmp_path), now=NOW)
        assert judged.outcome.verdict == "rejected", judged.outcome

    def test_a_suite_whose_file_is_missing(self) -> None:
        row = json.loads(json.dumps(row_named("merkle/inclusion-a")))
        row["cases"].append({"file": "merkle/no-such-file.json", "expected": {"verdict": "rejected"}})
        assert judge_row(as_row(row), now=NOW).complaint != ""

    def test_a_suite_with_one_false_case(self) -> None:
        row = json.loads(json.dumps(row_named("merkle/inclusion-a")))
        row["cases"][0]["expected"] = (
            {"verdict": "verified"} if row["cases"][0]["expected"]["verdict"] == "rejected" else {"verdict": "rejected"}
        )
        assert judge_row(as_row(row), now=NOW).complaint != ""


class TestCommand:
    def run(self, manifest: Path) -> tuple[list[str], int]:
        out = StringIO()
        try:
            call_command("check_vectors", str(manifest), stdout=out, stderr=out)
        except SystemExit as ended:
            return out.getvalue().splitlines(), int(str(ended.code))
        return out.getvalue().splitlines(), 0

    def test_prints_a_line_a_row_and_a_total(self) -> None:
        if not FOLDER.is_dir():
            skip_or_fail(ABSENT)
        lines, code = self.run(FOLDER / "manifest.json")
        assert len(lines) == len(read_manifest(FOLDER / "manifest.json")) + 1
        assert (code, lines[-1].rsplit(";", 1)[1]) == (0, " 0 wrong")

    def test_says_what_is_wrong_and_fails(self, tmp_path: Path) -> None:
        (tmp_path / "noise.json").write_text("{")
        row = {"id": "noise", "format": "sigstore-bundle", "files": {"evidence": "noise.json"}, "expected": {"verdict": "verified"}}
        (tmp_path / "manifest.json").write_text(json.dumps({"rows": [row]}))
        lines, code = self.run(tmp_path / "manifest.json")
        assert code == 1
        assert lines[0].startswith("wrong noise  rejected  json.invalid")
        assert lines[-1] == "1 rows: 0 verified, 1 rejected, 0 unsupported; 1 wrong"

    def test_prints_one_line_for_a_row_whatever_it_says(self, tmp_path: Path) -> None:
        odd = [{"id": "a\nb\ud800\x1b[2J", "format": "dsse\n\udfff", "expected": {"verdict": "verified"}}]
        shapes: list[Any] = [None, 5, "x", [], ["x"], True, {"verdict": None}, {"verdict": "verified", "facts": 5}]
        odd += [{"id": f"{number}", "format": "dsse", "expected": shape} for number, shape in enumerate(shapes)]
        odd += [{"id": name, "format": "dsse", "expected": {"verdict": "rejected"}, name: 5} for name in ("files", "inputs", "cases")]
        odd += [{"id": "format", "format": {}, "expected": {"verdict": "rejected"}}, {"id": None, "format": "dsse", "expected": {}}]
        (tmp_path / "manifest.json").write_text(json.dumps({"rows": odd}))
        lines, code = self.run(tmp_path / "manifest.json")
        assert (len(lines), code) == (len(odd) + 1, 1)
        assert all(line.startswith("wrong ") and "vectors.crash" not in line and line.isprintable() for line in lines[:-1])
        assert lines[-1].endswith(f"; {len(odd)} wrong")

    @pytest.mark.parametrize("content", ["[" * 100_000, "", "[]", "{}", '{"rows": []}', '{"rows": [{"id": "x"}]}'])
    def test_what_is_no_manifest_is_refused(self, content: str, tmp_path: Path) -> None:
        (tmp_path / "manifest.json").write_text(content)
        lines, code = self.run(tmp_path / "manifest.json")
        assert code == 2
        assert lines[0].startswith("vectors.manifest: ")

    def test_files_outside_of_the_set_are_not_read(self, tmp_path: Path) -> None:
        row = Row("x", "dsse", {"evidence": "../secret"}, {}, {}, [], tmp_path)
        with pytest.raises(Refusal) as refused:
            row.read("evidence")
        assert refused.value.code == "vectors.file"


def test_every_reason_is_a_word_of_the_manifest() -> None:
    if not FOLDER.is_dir():
        skip_or_fail(ABSENT)
    known = set(json.loads((FOLDER / "manifest.json").read_bytes())["reasons"])
    assert {reason for reasons in REASONS.values() for reason in reasons} <= known


def as_row(row: dict[str, Any]) -> Row:
    return Row(row["id"], row["format"], row["files"], row["inputs"], row["expected"], row.get("cases", []), FOLDER)
