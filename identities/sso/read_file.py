"""Read the operator's file of identity providers (TOML). The files it names are read too; nothing is changed.

Not checked here: what only the register knows, such as whether a team exists.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from identities.sso.compare_roles import GroupRule, parse_rules
from identities.sso.described import ATTRIBUTES, Described, check_slug, read_certificates
from identities.sso.saml_metadata import read_metadata
from proofs.errors import Malformed
from proofs.fields import Fields

MAX_PROVIDERS = 20
_CODE = "sso.file"
_BOTH = ("slug", "name", "protocol", "issuer", "groups_claim", "admits_unregistered", "rule")
_OIDC = ("client_id", "client_secret_file", "scope", "may_be_private", "second_factor")
_SAML = ("metadata_file", "sso_url", "certificates_file", "attributes", "name_id_format")


@dataclass(frozen=True, slots=True)
class FromFile:
    """One provider of the file. `rules` is None where the file says nothing of groups, which leaves them to the pages' history."""

    slug: str
    said: Described
    rules: tuple[GroupRule, ...] | None


def read_providers_file(path: Path) -> list[FromFile]:
    """Return the providers of a file, in its order. Refuses with `sso.file`, or with the code of what is wrong in one of them."""
    try:
        document = tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        raise Malformed(_CODE, f"got {path}, which is no TOML: {error}") from error
    listed = Fields(document, path="file", code=_CODE).only("provider").raw("provider")
    if listed is None:
        return []
    if not isinstance(listed, list) or len(listed) > MAX_PROVIDERS:
        raise Malformed(_CODE, f"got {path}, expected up to {MAX_PROVIDERS} tables [[provider]]")
    found = [_provider(item, f"provider[{number}]", path.parent) for number, item in enumerate(listed)]
    if len({provider.slug for provider in found}) != len(found):
        raise Malformed(_CODE, f"got {path} with one slug twice, expected each once")
    return found


def _provider(item: object, where: str, folder: Path) -> FromFile:
    fields = Fields(item, path=where, code=_CODE)
    protocol = fields.choice("protocol", ("oidc", "saml"))
    fields.only(*_BOTH, *(_OIDC if protocol == "oidc" else _SAML))
    own = _oidc(fields, folder) if protocol == "oidc" else _saml(fields, folder)
    said = Described(
        name=fields.text("name", limit=80),
        protocol=protocol,
        groups_claim=fields.optional_text("groups_claim", limit=120) or "groups",
        admits_unregistered=_yes(fields, "admits_unregistered"),
        **own,
    )
    rules = parse_rules(fields.raw("rule")) if fields.has("rule") else None
    return FromFile(check_slug(fields.text("slug", limit=60)), said, rules)


def _oidc(fields: Fields, folder: Path) -> dict[str, Any]:
    secret_file = fields.optional_text("client_secret_file")
    return {
        "issuer": fields.text("issuer", limit=300),
        "client_id": fields.text("client_id", limit=300),
        "client_secret": _read(folder / secret_file).strip() if secret_file else "",
        "scope": fields.texts("scope") if fields.has("scope") else (),
        "may_be_private": _yes(fields, "may_be_private"),
        "second_factor": fields.texts("second_factor") if fields.has("second_factor") else (),
    }


def _saml(fields: Fields, folder: Path) -> dict[str, Any]:
    attributes = Fields(fields.raw("attributes") or {}, path="attributes", code=_CODE).only(*ATTRIBUTES)
    names = {name: attributes.text(name, limit=300) for name in attributes.value}
    both = {"attributes": names, "name_id_format": fields.optional_text("name_id_format") or ""}
    metadata_file = fields.optional_text("metadata_file")
    if metadata_file is None:
        certificates = read_certificates(_read(folder / fields.text("certificates_file")))
        issuer, sso_url = fields.text("issuer", limit=300), fields.text("sso_url", limit=500)
        return {"issuer": issuer, "sso_url": sso_url, "certificates": certificates, **both}
    for name in ("issuer", "sso_url", "certificates_file"):
        if fields.has(name):
            fields.refuse(name, "nothing beside metadata_file, which says it")
    read = read_metadata(_read(folder / metadata_file))
    return {"issuer": read.entity_id, "sso_url": read.sso_url, "certificates": read.certificates, **both}


def _yes(fields: Fields, name: str) -> bool:
    value = fields.raw(name)
    if value is not None and not isinstance(value, bool):
        fields.refuse(name, "true or false")
    return value is True


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(_CODE, f"got {path}, which cannot be read as text: {error}") from error
