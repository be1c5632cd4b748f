"""`manage.py bootstrap --file setup.yaml`: the beginning of a portal, once. `docs/decisions/0007` says why.

Reads the files the setup names, relative to it. Creates the portal's keys where they are missing.
"""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from approvals.bootstrap import Beginning, FirstEnvironment, FirstPerson, Setup, bootstrap
from approvals.policies.source import parse_yaml
from ledger.keys import create_portal_keys
from portal.management.console import DataCommand
from proofs.errors import Malformed, Refusal

EXAMPLE = """\
setup.yaml:

  team: {slug: payments, name: Payments}
  project: {slug: payments-api, name: Payments API}
  environments:
    - {slug: production, name: Production, tier: 3}
  administrator: {username: dave, name: Dave Ito, email: dave@example.com, passwordFile: dave.password}
  policyOwners:
    - {username: erin, name: Erin Okafor, email: erin@example.com}
  policy: policy.yaml
  trustRoot: {name: Sigstore public good, file: trusted_root.json}

Without a passwordFile a password is made up and printed once.
"""


class Command(DataCommand):
    help = "Register the first administrator, policy owners, project, policy and trust root, in one genesis entry. Works once."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--file", required=True, type=Path, help="the setup file (YAML)")

    def handle(self, *args: Any, **options: Any) -> None:
        self.made_up: dict[str, str] = {}
        try:
            create_portal_keys()
            beginning = bootstrap(setup=self._read_setup(options["file"]), now=timezone.now())
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.reason}") from refusal
        except OSError as error:
            raise CommandError(f"bootstrap.file: {error.filename}: {error.strerror}") from error
        self._report(beginning)

    def _read_setup(self, path: Path) -> Setup:
        value = parse_yaml(path.read_text("utf-8"))
        folder = path.parent
        try:
            profile = value["trustRoot"].get("profile")
            return Setup(
                team=(value["team"]["slug"], value["team"]["name"]),
                project=(value["project"]["slug"], value["project"]["name"]),
                environments=tuple(FirstEnvironment(item["slug"], item["name"], item.get("tier", 3)) for item in value["environments"]),
                administrator=self._person(value["administrator"], folder),
                policy_owners=tuple(self._person(item, folder) for item in value["policyOwners"]),
                policy_source=(folder / value["policy"]).read_text("utf-8"),
                trust_root_name=value["trustRoot"]["name"],
                trust_root=(folder / value["trustRoot"]["file"]).read_bytes(),
                trust_root_profile=profile,
                expectations_source=(folder / value["expectations"]).read_text("utf-8") if "expectations" in value else None,
            )
        except KeyError as error:
            raise Malformed(
                "bootstrap.incomplete", f"the setup file lacks {error}; `manage.py bootstrap --help` shows a whole one"
            ) from error
        except (TypeError, AttributeError) as error:
            raise Malformed(
                "bootstrap.incomplete", "the setup file has another shape; `manage.py bootstrap --help` shows a whole one"
            ) from error

    def _person(self, value: dict[str, Any], folder: Path) -> FirstPerson:
        username = value["username"]
        if "passwordFile" in value:
            password = (folder / value["passwordFile"]).read_text("utf-8").strip()
        else:
            password = self.made_up.setdefault(username, secrets.token_urlsafe(18))
        return FirstPerson(username=username, name=value["name"], password=password, email=value.get("email", ""))

    def _report(self, beginning: Beginning) -> None:
        self.stdout.write(f"The beginning is ledger entry {beginning.genesis.index}; its document is {beginning.genesis.ref_digest}.")
        self.stdout.write(f"Policy {beginning.policy} ({beginning.policy.digest}) is in force for {beginning.project}.")
        if len(beginning.policy_owners) == 1:
            self.stdout.write("One person owns the policies, so activations are marked 'one person'. Grant a second person that role soon.")
        for username, password in self.made_up.items():
            self.stdout.write(f"Password of {username}, shown this once: {password}")
