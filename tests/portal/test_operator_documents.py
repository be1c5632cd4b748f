"""The commands and the policy that docs/operators.md and docs/policies.md show bring a bare machine to a request waiting for people."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from approvals.policies.expectations import active_expectations
from approvals.policies.source import policy_document
from portal.demo.instance import Instance, build_provenance
from portal.demo.instance import Workload as Runner
from proofs.errors import Refusal
from proofs.policy.document import parse_policy
from tests import cast
from tests import make_approvals as make
from tests.live import ROOT, LivePortal, free_port

OPERATORS = (ROOT / "docs" / "operators.md").read_text("utf-8").partition("## From nothing to the first request")[2].partition("\n## ")[0]
POLICIES = (ROOT / "docs" / "policies.md").read_text("utf-8")
FOLDER = "/srv/countersign"


def block(text: str, language: str) -> str:
    """Return the one fenced block of this language, without the indentation of a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    indent, body = found[0]
    return "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))


EXAMPLE = block(POLICIES.partition("## Eight recipes")[0], "yaml")
# The document, then the rule that leaves it to the project.
EXPECTATIONS, RULE = POLICIES.partition("## Expectations of a project")[2].partition("A rule then says")[::2]


def ask(portal: LivePortal, token: str, path: str, body: bytes | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{portal.url}/api/v1/{path}", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        got: dict[str, Any] = json.load(answer)
    return got


@pytest.mark.slow
@pytest.mark.once
def test_the_commands_as_written_lead_to_a_request_that_waits_for_people(tmp_path: Path) -> None:
    setup = tmp_path / "setup"
    setup.mkdir()
    instance = Instance(datetime.now(UTC))
    (setup / "setup.yaml").write_text(block(OPERATORS, "yaml"))
    (setup / "policy.yaml").write_text(EXAMPLE)
    (setup / "trusted_root.json").write_bytes(instance.trusted_root())
    commands, last = block(OPERATORS, "sh").rstrip().rsplit("\n", 1)
    assert last == "python3 manage.py up"
    url = f"http://localhost:{free_port()}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    chosen = {"COUNTERSIGN_ORIGIN": url, "COUNTERSIGN_VAR_DIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    environment = inherited | chosen | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = "set -e\n" + commands.replace(FOLDER, str(tmp_path))
    done = subprocess.run(["sh", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    token = done.stdout.splitlines()[-1]
    portal = LivePortal(url, environment, tmp_path / "portal.log")
    try:
        portal.start()
        assert ask_for_the_release(portal, token, instance) == "ready"
    finally:
        portal.stop()


def ask_for_the_release(portal: LivePortal, token: str, instance: Instance) -> str:
    """Send provenance and ask, as docs/integrators.md does; return the request's status once it has settled."""
    repository, tag = "https://github.com/acme/payments-api", "refs/tags/v1.4.2"
    runner = Runner(f"{repository}/.github/workflows/release.yml@{tag}", repository, "c0ffee" + "0" * 34, tag)
    evidence = instance.sign_as(runner, build_provenance(runner, [("payments-api", "ab" * 32)]), at=datetime.now(UTC))
    ask(portal, token, "attestations", evidence)
    release = {
        "project": "payments-api",
        "environment": "production",
        "title": "payments-api 1.4.2",
        "artifacts": [{"digest": "sha256:" + "ab" * 32, "name": "payments-api"}],
    }
    asked = ask(portal, token, "requests", json.dumps(release).encode())
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status: str = ask(portal, token, f"requests/{asked['id']}")["status"]
        if status == "ready":
            return status
        time.sleep(0.5)
    return status


class TestPolicies:
    def test_the_example_is_a_policy(self) -> None:
        assert parse_policy(policy_document(EXAMPLE)).id == "release-production"

    @pytest.mark.django_db
    def test_the_expectations_come_into_force_by_the_command_as_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make.erin(), cast.payments_api()
        (tmp_path / "expectations.yaml").write_text(block(EXPECTATIONS, "yaml"))
        monkeypatch.chdir(tmp_path)
        words = re.findall(r"^    python3 manage.py (activate_expectations .*)$", POLICIES, re.MULTILINE)
        assert len(words) == 1
        call_command(*words[0].split(), stdout=StringIO())
        row = active_expectations(cast.payments_api())
        assert row is not None
        assert row.version == "1"

    def test_the_rule_that_leaves_it_to_them_fits_into_the_example(self) -> None:
        whole, count = re.subn(
            r"  - id: provenance\n.*?(?=  - id: release-approval)", lambda _: block(RULE, "yaml"), EXAMPLE, flags=re.DOTALL
        )
        assert count == 1
        assert parse_policy(policy_document(whole)).asks_expectations
        assert not parse_policy(policy_document(EXAMPLE)).asks_expectations

    def test_bootstraps_own_example_is_the_documents(self) -> None:
        from portal.management.commands.bootstrap import EXAMPLE as HELP

        shown = HELP.partition("setup.yaml:\n")[2].partition("\nWithout")[0]
        in_help, in_document = yaml.safe_load(shown), yaml.safe_load(block(OPERATORS, "yaml"))
        assert in_help["administrator"].pop("passwordFile")
        assert in_help == in_document

    @pytest.mark.parametrize(
        ("was", "becomes", "code"),
        [
            (r"rules:.*", "rules: []", "policy.empty"),
            (r"  - id: release-approval.*?count: 1\n", "", "policy.no_approvals"),
            (r"kind: approvals", "kind: votes", "policy.unknown_rule"),
            (r"count: 1", "count: 1\n    colour: red", "policy.malformed"),
            (r"    count: 1\n", "", "policy.malformed"),
            (r"id: four-eyes", "id: provenance", "policy.malformed"),
            (r"refs/tags/v\*", "refs/*/v1", "policy.malformed"),
            (r"\[\"https://slsa.dev/provenance/v1\"\]", "[]", "policy.malformed"),
            (r"minimumAssurance: H2", "minimumAssurance: H0", "policy.malformed"),
            (r"validityHours: 72", "validityHours: 721", "policy.malformed"),
            (r"validityHours: 72", "validityHours: 72\nvalidityHours: 71", "policy.duplicate_key"),
            (r"title: Releases", "title: [Releases", "policy.yaml"),
            (r"title: Releases.*?\n", "title: &a x\n", "policy.yaml"),
            (r"validityHours: 72", "validityHours: 7.5", "json."),
            (r'version: "1"', "version: 2026-01-01", "json."),
            (r"\Z", "# " + "x" * 65536, "policy.too_large"),
        ],
    )
    def test_what_the_document_says_refuses_does(self, was: str, becomes: str, code: str) -> None:
        changed, count = re.subn(was, lambda _: becomes, EXAMPLE, count=1, flags=re.DOTALL)
        assert count == 1
        if becomes.startswith("title: &a"):
            changed = changed.replace("title: One release approver", "title: *a")
        with pytest.raises(Refusal) as refused:
            policy_document(changed)
        assert refused.value.code.startswith(code)
        assert f"`{code}" in POLICIES
