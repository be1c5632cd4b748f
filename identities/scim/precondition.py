"""Whether a provider changes the version it has seen (RFC 7644 section 3.14)."""

from __future__ import annotations

from identities.models import ProvisionedGroup, ProvisionedPerson
from identities.scim.describe import version_of
from proofs.errors import Conflict


def refuse_other_version(row: ProvisionedPerson | ProvisionedGroup, if_match: str) -> None:
    """Refuse with `scim.version` unless `if_match`, the header as it came (empty for none), names the version of the row."""
    wanted = {tag.strip().removeprefix("W/") for tag in if_match.split(",") if tag.strip()}
    if wanted and "*" not in wanted and version_of(row).removeprefix("W/") not in wanted:
        raise Conflict("scim.version", f"got {if_match[:60]}, expected {version_of(row)}: somebody changed it since; read it again")
