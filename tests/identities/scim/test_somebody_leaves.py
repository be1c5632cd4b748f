"""Somebody leaves: their identity provider says so in one call, and from then on nothing of theirs has power but what was used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from approvals.models import ApprovalEnd
from gates.decide import decide
from identities.models import Identity, SigningKey
from tests import cast, make_sso
from tests import make_approvals as make
from tests.make_ledger import use_own_keys
from tests.make_scim import Provisioning

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("was_used", [False, True], ids=["unused", "used"])
def test_by_one_call_of_their_provider(was_used: bool, client: Client, settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)
    now = datetime.now(UTC).replace(microsecond=0)
    make.send_provenance(make.set_stage())
    # A SAML provider: its word binds no key, so the portal's own is enough to enrol one.
    make_sso.provider(protocol="saml")
    make_sso.rules(make_sso.rule("release managers", "approver:release"))
    provider = Provisioning()
    nora = provider.add_user("nora", displayName="Nora Quist", externalId="00u1")
    provider.add_group("release managers", nora["id"])
    person = Identity.objects.get(issuer=make_sso.ISSUER, subject="00u1")
    client.force_login(cast.account_of(person))
    request = make.ask()
    approval = make.approve(request, person, now=now - timedelta(minutes=1))
    question = {"digest": make.image(), "environment_slug": "production", "by": cast.runner()}
    if was_used:
        assert decide(**question, now=now).outcome == "allow"
    assert client.get("/queue").status_code == 200

    answer = provider.patch(f"Users/{nora['id']}", {"op": "Replace", "path": "active", "value": "False"})

    assert (answer.status_code, answer.json()["active"]) == (200, False)
    assert client.get("/queue").status_code == 302
    assert not person.roles.filter(ended_at__isnull=True).exists()
    assert SigningKey.objects.get(identity=person).revoked_at is not None
    decision = decide(**question, now=datetime.now(UTC) + timedelta(seconds=1))
    codes = [reason["code"] for reason in decision.reasons]
    assert (decision.outcome, codes) == (("allow", []) if was_used else ("deny", ["approval.ended"]))
    assert ApprovalEnd.objects.filter(approval=approval).exists() is not was_used
    client.force_login(cast.account_of(cast.carol()))
    assert "Nora Quist" in client.get(f"/requests/{request.pk}").content.decode()
    assert "Nora Quist" in client.get(f"/records/{approval.record.digest}").content.decode()
