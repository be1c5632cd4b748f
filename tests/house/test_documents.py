"""Settings and dependencies are documented, all of them and nothing else."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEPENDENCIES = (ROOT / "docs" / "dependencies.md").read_text()
# Read before settings are, or by the tests.
OUTSIDE_SETTINGS = {"APT", "NO_INSTALL", "TEST_DATABASE_URL", "TEST_BROKER_URL", "TEST_REQUIRE_ALL", "VECTORS", "TRUST"}
OUTSIDE_SETTINGS |= {"TEST_ACT", "TEST_HISTORIES"}


def settings_read() -> set[str]:
    found = set()
    for node in ast.walk(ast.parse((ROOT / "portal" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("env_"):
            first = node.args[0]
            assert isinstance(first, ast.Constant)
            found.add(str(first.value))
    return found


def test_every_setting_is_documented_and_every_documented_one_is_read() -> None:
    documented = set(re.findall(r"^\| `COUNTERSIGN_([A-Z0-9_]+)", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
    assert documented - OUTSIDE_SETTINGS == settings_read()
    assert documented >= OUTSIDE_SETTINGS


def test_rooms_read_no_environment_of_their_own() -> None:
    for room in ("reports", "gates", "approvals", "attestations", "identities", "ledger", "proofs"):
        for path in (ROOT / room).rglob("*.py"):
            assert not re.search(r"\bos\.environ|\bgetenv\b", path.read_text()), f"{path.relative_to(ROOT)} reads the environment"


def dependency_names() -> list[str]:
    listed = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    return [re.split(r"[\[<>=~;]", line)[0].strip() for line in listed]


@pytest.mark.parametrize("name", dependency_names())
def test_every_dependency_is_argued_for_with_its_licence(name: str) -> None:
    rows = [line for line in DEPENDENCIES.splitlines() if line.lower().startswith(f"| `{name.lower()}`")]
    assert len(rows) == 1
    _, _, need, licence, why, _ = (cell.strip() for cell in rows[0].split("|"))
    assert need and licence and why
    said = metadata(name)
    declared = " ".join([said.get("License-Expression") or said.get("License") or "", *(said.get_all("Classifier") or [])])
    first_word = re.split(r"[ -]", licence)[0]
    # A few packages declare no licence in their metadata; the document says where it was read then.
    assert first_word.lower() in declared.lower() or "licence file" in licence


def test_no_dependency_is_documented_that_is_gone() -> None:
    documented = re.findall(r"^\| `([A-Za-z0-9._-]+)`", DEPENDENCIES, re.MULTILINE)
    assert {name.lower() for name in documented} == {name.lower() for name in dependency_names()}


@pytest.mark.parametrize("name", [re.split(r"[\[<>=~;]", line)[0].strip() for line in PROJECT["project"]["dependencies"]])
def test_every_dependency_is_used(name: str) -> None:
    module = {
        "djangorestframework": "rest_framework",
        "drf-spectacular": "drf_spectacular",
        "django-allauth": "allauth",
        "django-csp": "csp",
        "django-htmx": "django_htmx",
        "psycopg": "django.db.backends.postgresql",
        "pyjwt": "jwt",
        "pyyaml": "yaml",
        "python-ulid": "ulid",
        "scim2-models": "scim2_models",
        "tzdata": "zoneinfo",
    }.get(name, name)
    rooms = [PROJECT["tool"]["importlinter"]["root_packages"]][0]
    sources = "\n".join(path.read_text() for room in rooms for path in (ROOT / room).rglob("*.py"))
    assert re.search(rf"\b{re.escape(module)}\b", sources), f"nothing uses {name}"


def test_what_the_pages_say_in_the_approvers_table_they_do_say() -> None:
    sources = "\n".join(
        path.read_text() for room in ("approvals", "templates") for path in (ROOT / room).rglob("*.*") if path.suffix in (".py", ".html")
    )
    said = re.sub(r'\{% translate "([^"]*)"[^{}]*%\}', r"\1", sources)
    told = re.sub(r"\{[^{}]*\}", "…", said).lower()
    quoted = re.findall(r'^\| "([^"]+)" \|', (ROOT / "docs" / "approvers.md").read_text(), re.MULTILINE)
    assert len(quoted) > 5
    for sentence in quoted:
        for part in filter(None, sentence.lower().split("…")):
            assert part.strip(" .;") in told, f"no page says {part!r}"
    for label in (
        "Approval keys",
        "Add a key",
        "Make the key",
        "Approve and sign",
        "Request changes",
        "Show me what I sign",
        "Look at this first",
    ):
        assert label in sources and label in (ROOT / "docs" / "approvers.md").read_text()


def test_the_problem_the_integrators_read_about_has_the_form_of_all() -> None:
    from portal.errors import TITLES, problem_document

    shown = json.loads(re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "integrators.md").read_text(), re.DOTALL)[0])
    assert shown == problem_document(status=404, code=shown["code"], detail=shown["detail"], instance=shown["instance"])
    assert shown["title"] == TITLES[404]


def slug(heading: str) -> str:
    """The anchor that a heading gets: lower case, blanks as hyphens, nothing else but letters, digits, hyphens and underscores."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]), ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        file, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        aim = (path.parent / file).resolve() if file else path
        assert aim.exists(), f"{path.name} links to {target}"
        if anchor:
            assert anchor in {slug(line.lstrip("#")) for line in aim.read_text().splitlines() if line.startswith("#")}, target
