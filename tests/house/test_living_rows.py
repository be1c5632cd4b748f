"""Rows that live change only in what may change, whoever writes the SQL: what names them stays, what ended them stays, they stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from approvals.dry_run.ask import ask_dry_run
from approvals.models import Ceremony, DryRun, PolicyDraft, StatementCeremony
from approvals.policies.drafts import begin_draft
from attestations.models import TrustRoot
from identities.issue import revoke_credential
from identities.keys.enrol import revoke_signing_key
from identities.models import (
    ApiCredential,
    BlockedSigner,
    BoundSignIn,
    EvidenceSigner,
    Grant,
    Identity,
    IdentityProvider,
    KeyRecovery,
    LinkedAccount,
    ProvisioningToken,
    RoleAssignment,
    SigningKey,
    TokenIssuer,
    WorkloadBinding,
)
from identities.people.roles import end_role
from tests import cast, make_providers, make_statements, make_tokens
from tests import make_approvals as make
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db

# What may change is named; a column that comes later is frozen or breaks the test.
MAY_CHANGE: dict[type, set[str]] = {
    ApiCredential: {"last_used_at", "revoked_at"},
    BlockedSigner: {"lifted_at"},
    BoundSignIn: {"answered_at", "id_token", "issuer_keys", "used_at", "refused_code"},
    Ceremony: {"consumed_at", "refused_code"},
    DryRun: {"state", "attempts", "lease_until", "done", "outcomes", "last_error", "ended_at"},
    EvidenceSigner: {"valid_until", "revoked_at"},
    Grant: {"ended_at"},
    Identity: {
        "name",
        "purpose",
        "owner_id",
        "team_id",
        "status",
        "suspended_at",
        "retired_at",
        "compromised_from",
        "deactivated_at",
        "review_every_days",
        "reviewed_at",
    },
    IdentityProvider: {
        "name",
        "issuer",
        "client_id",
        "sealed_secret",
        "config",
        "groups_claim",
        "admits_unregistered",
        "changed_at",
        "removed_at",
    },
    KeyRecovery: {"ended_at", "ended_by_id", "operator_consented_at", "used_at"},
    PolicyDraft: {"policy_id", "source", "number", "edited_by_id", "edited_at", "stored_id"},
    LinkedAccount: {"ended_at"},
    ProvisioningToken: {"last_used_at", "revoked_at"},
    RoleAssignment: {"ended_at"},
    SigningKey: {"label", "transports", "sign_count", "revocation", "revoked_at", "revoked_reason", "compromised_from"},
    StatementCeremony: {"consumed_at", "refused_code"},
    TokenIssuer: {"keys", "fetched_at", "tried_at", "removed_at"},
    TrustRoot: {"name", "removed_at"},
    WorkloadBinding: {"revoked_at"},
}
SET_ONCE = {
    ApiCredential: ["revoked_at"],
    BlockedSigner: ["lifted_at"],
    BoundSignIn: ["answered_at", "id_token", "issuer_keys", "used_at", "refused_code"],
    Ceremony: ["consumed_at", "refused_code"],
    DryRun: ["ended_at"],
    EvidenceSigner: ["valid_until", "revoked_at"],
    Grant: ["ended_at"],
    Identity: ["retired_at"],
    IdentityProvider: ["removed_at"],
    KeyRecovery: ["ended_at", "ended_by_id", "operator_consented_at", "used_at"],
    LinkedAccount: ["ended_at"],
    ProvisioningToken: ["revoked_at"],
    RoleAssignment: ["ended_at"],
    SigningKey: ["revocation", "revoked_at", "revoked_reason"],
    StatementCeremony: ["consumed_at", "refused_code"],
    TokenIssuer: ["removed_at"],
    TrustRoot: ["removed_at"],
    WorkloadBinding: ["revoked_at"],
}
OTHER = {
    "BooleanField": "NOT {column}",
    "JSONField": "'[\"other\"]'",
    "DateTimeField": "'2099-01-01 00:00:00+00:00'",
    "BinaryField": "{blob}",
    "SmallIntegerField": "{column} + 1",
    "PositiveIntegerField": "{column} + 1",
    "PositiveSmallIntegerField": "{column} + 1",
    "BigAutoField": "{column} + 1000",
}


@pytest.fixture(autouse=True)
def whole_story(settings: Any, tmp_path: Path) -> None:
    """An approval; then key, role and credential end, by the acts that end them. Some columns are filled in by SQL, once."""
    use_own_keys(settings, tmp_path)
    stage = make.set_stage()
    make.send_provenance(stage)
    make_statements.revoke(make.approve(make.ask(), cast.alice()), cast.alice())
    StatementCeremony.objects.update(refused_code="webauthn.signature")
    cast.token_of(cast.runner())
    revoke_credential(credential=ApiCredential.objects.get(), by=None, now=make.NOW)
    revoke_signing_key(key=SigningKey.objects.get(), by=cast.alice(), reason="Lost", now=make.NOW)
    end_role(assignment=RoleAssignment.objects.get(identity=cast.alice()), by=None, now=make.NOW)
    first = EvidenceSigner.objects.get()
    key = {"method": "public_key", "key_id": "k", "spki": b"k", "valid_from": make.NOW}
    EvidenceSigner.objects.create(identity=first.identity, replaces=first, **key)
    LinkedAccount.objects.create(identity=first.identity, provider="github", account="7", linked_at=make.NOW, ended_at=make.NOW)
    Grant.objects.update(ended_at=make.NOW)
    BlockedSigner.objects.create(name="key", team=cast.payments(), reason="Nobody knows it", blocked_at=make.NOW, lifted_at=make.NOW)
    EvidenceSigner.objects.update(revoked_at=make.NOW, valid_until=make.NOW)
    TrustRoot.objects.update(removed_at=make.NOW)
    Identity.objects.update(retired_at=make.NOW)
    make_tokens.binding()
    TokenIssuer.objects.update(removed_at=make.NOW)
    WorkloadBinding.objects.update(revoked_at=make.NOW)
    Ceremony.objects.update(refused_code="webauthn.signature")
    make_providers.all_that_ends()
    draft = begin_draft(project=cast.payments_api(), source=make.ANYTHING_GOES, by=make.erin(), now=make.NOW)
    ask_dry_run(draft=draft, environment=cast.production(), days=30, by=make.erin(), now=make.NOW)
    DryRun.objects.update(ended_at=make.NOW)


def is_refused(sql: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # TRUNCATE wants no foreign key left to check.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(sql)
            assert cursor.rowcount != 0, f"nothing to try it on: {sql}"
            transaction.set_rollback(True)
    except DatabaseError as error:
        # Refused by our triggers, not by a constraint that happened to be in the way.
        return any(words in str(error) for words in ("append-only", "never changes", "filled in stays", "rows are kept"))
    return False


@pytest.mark.parametrize("model", list(MAY_CHANGE), ids=lambda model: model.__name__)
def test_what_names_a_row_never_changes(model: Any) -> None:
    blob = "'\\x00'::bytea" if connection.vendor == "postgresql" else "x'00'"
    loose = set()
    for field in model._meta.concrete_fields:
        kind = field.target_field if field.is_relation else field
        other = OTHER.get(kind.get_internal_type(), "'other'").format(column=f'"{field.column}"', blob=blob)
        if not is_refused(f'UPDATE "{model._meta.db_table}" SET "{field.column}" = {other}'):
            loose.add(field.column)
    assert loose == MAY_CHANGE[model] - set(SET_ONCE.get(model, []))


@pytest.mark.parametrize(("model", "column"), [(model, column) for model, columns in SET_ONCE.items() for column in columns])
def test_what_ended_stays_ended(model: Any, column: str) -> None:
    field = model._meta.get_field(column)
    ended = f'"{column}" IS NOT NULL' if field.null else f"\"{column}\" <> ''"
    cleared = "NULL" if field.null else "''"
    assert is_refused(f'UPDATE "{model._meta.db_table}" SET "{column}" = {cleared} WHERE {ended}')


@pytest.mark.parametrize("model", list(MAY_CHANGE), ids=lambda model: model.__name__)
def test_no_row_is_removed(model: Any) -> None:
    assert is_refused(f'DELETE FROM "{model._meta.db_table}"')


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL has TRUNCATE")
@pytest.mark.parametrize("model", list(MAY_CHANGE), ids=lambda model: model.__name__)
def test_nor_all_of_them(model: Any) -> None:
    assert is_refused(f'TRUNCATE "{model._meta.db_table}" CASCADE')


def test_an_account_does_not_become_somebody_else() -> None:
    assert is_refused("UPDATE identities_user SET identity_id = NULL WHERE username = 'alice'")
