"""What a project knows and a policy of it may name: suggestions for the form, nothing that is checked."""

from __future__ import annotations

from identities.grants.known_objects import list_known_types
from identities.models import Environment, EvidenceSigner, Project, RoleAssignment

MOST = 200


def list_known(project: Project) -> dict[str, list[str]]:
    """Return the words to suggest, by what they are."""
    rows = list(EvidenceSigner.objects.filter(identity__team=project.team_id, revoked_at__isnull=True)[:MOST])
    return {
        "roles": [str(role) for role in RoleAssignment.Role if str(role).startswith("approver:")],
        "environments": list(Environment.objects.filter(team=project.team_id).order_by("slug").values_list("slug", flat=True)),
        "types": list_known_types(),
        "issuers": sorted({row.certificate_issuer for row in rows if row.certificate_issuer}),
        "signers": sorted({row.certificate_identity for row in rows if row.certificate_identity}),
        "keys": sorted({row.key_id for row in rows if row.key_id}),
    }
