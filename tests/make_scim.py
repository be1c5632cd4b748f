"""A provider that provisions by SCIM, and its calls of the real views."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from identities.models import IdentityProvider, ProvisioningToken
from identities.scim.make_provisioning_token import make_provisioning_token
from tests import make_sso

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def token_of(provider: IdentityProvider | None = None) -> tuple[ProvisioningToken, str]:
    """A fresh token of a provider, and its secret."""
    now = datetime.now(UTC)
    return make_provisioning_token(provider=provider or make_sso.provider(), expires_at=now + timedelta(days=30), by=None, now=now)


class Provisioning:
    """What an identity provider does: calls with its token, and bodies as it spells them."""

    def __init__(self, provider: IdentityProvider | None = None, *, secret: str = "") -> None:
        self.secret = secret or token_of(provider)[1]
        self.client = Client()

    def call(self, method: str, path: str, body: Any = None, *, kind: str = "application/scim+json", **headers: str) -> Any:
        """Call one address below `/scim/v2`."""
        sent = {"data": body if isinstance(body, (bytes, str)) else json.dumps(body), "content_type": kind} if body is not None else {}
        said = {"Authorization": f"Bearer {self.secret}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return getattr(self.client, method)(f"/scim/v2/{path}", headers=said, **sent)

    def add_user(self, user_name: str = "erin@payments.example", **more: Any) -> dict[str, Any]:
        """Provision a person and return what came back."""
        answer = self.call("post", "Users", {"schemas": [USER], "userName": user_name, "active": True, **more})
        assert answer.status_code == 201, answer.content
        read: dict[str, Any] = answer.json()
        return read

    def add_group(self, name: str, *members: str, **more: Any) -> dict[str, Any]:
        """Provision a group with these people."""
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": member} for member in members], **more}
        answer = self.call("post", "Groups", body)
        assert answer.status_code == 201, answer.content
        read: dict[str, Any] = answer.json()
        return read

    def patch(self, path: str, *operations: Any, **headers: str) -> Any:
        """Change something."""
        return self.call("patch", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)
