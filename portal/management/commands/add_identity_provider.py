"""`manage.py add_identity_provider SLUG …`: let people sign in at an OpenID or SAML provider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.sso.add_provider import add_provider
from identities.sso.described import NAME_ID_FORMATS, Described, read_certificates
from identities.sso.saml_metadata import SamlMetadata, read_metadata
from identities.workload.fetch_keys import speak_to
from portal.management.console import IdentityCommand
from proofs.errors import Malformed, Unavailable


class Command(IdentityCommand):
    help = "Add an identity provider: OpenID with --issuer and --client-id, or SAML with --metadata, or --issuer, --sso-url and --certificates."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="a short name for addresses, such as corp; it stays")
        parser.add_argument("--name", required=True, help="what people read on the sign-in page")
        parser.add_argument("--protocol", required=True, choices=("oidc", "saml"))
        parser.add_argument("--issuer", default="", help="the OpenID issuer or the SAML entity id, to the letter")
        parser.add_argument("--client-id", default="")
        parser.add_argument("--client-secret-file", type=Path, metavar="FILE", help="holds the client secret; none for a public client")
        parser.add_argument("--scope", nargs="*", default=[], metavar="WORD")
        parser.add_argument("--may-be-private", action="store_true", help="it may be at an address that is not public")
        parser.add_argument("--metadata", metavar="FILE_OR_URL", help="the SAML provider's metadata")
        parser.add_argument("--sso-url", default="", help="where people sign in by SAML (HTTP-Redirect)")
        parser.add_argument("--certificates", type=Path, metavar="FILE", help="the SAML provider's certificates, in PEM")
        parser.add_argument("--name-id-format", default="", choices=("", *NAME_ID_FORMATS))
        parser.add_argument("--groups-claim", default="groups", help="the claim or attribute that holds a person's groups")
        parser.add_argument("--admits-unregistered", action="store_true", help="whoever a group rule gives a role comes in unregistered")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        said = Described(
            name=options["name"],
            protocol=options["protocol"],
            groups_claim=options["groups_claim"],
            admits_unregistered=options["admits_unregistered"],
            **(_oidc(options) if options["protocol"] == "oidc" else _saml(options)),
        )
        provider = add_provider(slug=options["slug"], said=said, by=by, now=timezone.now())
        self.stdout.write(f"people may sign in at {provider} ({provider.issuer}); say with set_group_rules which roles its groups carry")


def _oidc(options: dict[str, Any]) -> dict[str, Any]:
    file: Path | None = options["client_secret_file"]
    return {
        "issuer": options["issuer"],
        "client_id": options["client_id"],
        "client_secret": file.read_text(encoding="utf-8").strip() if file else "",
        "scope": tuple(options["scope"]),
        "may_be_private": options["may_be_private"],
    }


def _saml(options: dict[str, Any]) -> dict[str, Any]:
    form = {"name_id_format": options["name_id_format"]}
    if options["metadata"]:
        read = _metadata(options["metadata"], may_be_private=options["may_be_private"])
        return {"issuer": read.entity_id, "sso_url": read.sso_url, "certificates": read.certificates, **form}
    file: Path | None = options["certificates"]
    if file is None:
        raise Malformed("sso.certificate", "got neither --metadata nor --certificates, expected one of them")
    certificates = read_certificates(file.read_text(encoding="utf-8"))
    return {"issuer": options["issuer"], "sso_url": options["sso_url"], "certificates": certificates, **form}


def _metadata(where: str, *, may_be_private: bool) -> SamlMetadata:
    if "://" not in where:
        return read_metadata(Path(where).read_text(encoding="utf-8"))
    status, content = speak_to(where, may_be_private=may_be_private)
    if status != 200:
        raise Unavailable("sso.metadata_unreachable", f"{where} answered {status}, expected 200; redirects are not followed")
    return read_metadata(content.decode("utf-8", errors="replace"))
