"""No statement of SQLite's pushes a row out of an append-only table, whatever the connection's settings are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

from approvals.conversation.add_comment import add_comment
from approvals.dry_run.ask import ask_dry_run
from approvals.models import (
    Approval,
    ApprovalInStead,
    ApprovalUse,
    AutomaticRevocation,
    BreakGlass,
    BreakGlassEnd,
    BreakGlassReview,
    BreakGlassUse,
    Ceremony,
    ChangesAnswered,
    CommentWithdrawal,
    Delegation,
    DelegationEnd,
    DryRun,
    Execution,
    KeptApproval,
    NamedPerson,
    PolicyDraft,
    Promotion,
    Reminder,
    Request,
    RequestExpiry,
    RequestSubmission,
    Revision,
    SignedStatement,
    StatementCeremony,
    Supersession,
    TurnPassed,
    Waiver,
    WaiverEnd,
    Withdrawal,
)
from approvals.policies.drafts import begin_draft
from attestations.collection.receive import receive_collection
from attestations.models import Artifact, Attestation, Blob, Collection, CollectionItem, Observation, Place, Submission, TrustRoot
from gates.decide import decide
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
    Recertification,
    RoleAssignment,
    SignInEvent,
    SigningKey,
    TokenIssuer,
    WorkloadBinding,
)
from identities.sign_in.events import record_sign_in
from identities.workload.exchange import exchange_token
from ledger.append_only import AppendOnly
from ledger.guard_rows import key_taken
from ledger.models import Entry
from tests import cast, make_providers, make_statements, make_tokens
from tests import make_approvals as make
from tests.make_ledger import use_own_keys
from tests.make_observations import observe, said
from tests.make_trust import change_trust

pytestmark = pytest.mark.django_db

# Filled with INSERT OR IGNORE, so the DELETE trigger alone guards them, on connections with recursive_triggers.
TAKEN_IN = {Artifact, Attestation, Blob, Collection, CollectionItem, Observation, Place, Submission}
LIVING = {
    ApiCredential,
    BlockedSigner,
    BoundSignIn,
    Ceremony,
    DryRun,
    EvidenceSigner,
    Grant,
    Identity,
    IdentityProvider,
    KeyRecovery,
    PolicyDraft,
    LinkedAccount,
    ProvisioningToken,
    RoleAssignment,
    SignInEvent,
    SigningKey,
    StatementCeremony,
    TokenIssuer,
    TrustRoot,
    WorkloadBinding,
}
MODELS = sorted({model for model in apps.get_models() if issubclass(model, AppendOnly)} | LIVING, key=lambda model: model._meta.label)
on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only SQLite has INSERT OR REPLACE")


@pytest.fixture
def whole_story(settings: Any, tmp_path: Path) -> None:
    """A release, from evidence to the gate's answer: every table has a row."""
    use_own_keys(settings, tmp_path)
    stage = make.set_stage()
    make.send_provenance(stage)
    receive_collection(content=b"{}", name="", by=cast.runner(), now=make.NOW)
    make.approve(make.ask(), cast.alice())
    observe(said())
    make.expect()
    decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=make.NOW)
    cast.token_of(cast.runner())
    change_trust(cast.olga(), cast.omar(), now=make.NOW)
    make_tokens.binding()
    exchange_token(unverified_token=make_tokens.sign(make_tokens.claims(make.NOW)), audience=make_tokens.PORTAL, now=make.NOW)
    LinkedAccount.objects.create(identity=cast.runner(), provider="github", account="7", linked_at=make.NOW)
    BlockedSigner.objects.create(name="key", team=cast.payments(), reason="Nobody knows it", blocked_at=make.NOW)
    Recertification.objects.create(identity=cast.runner(), note="Still needed", grants=[], reviewed_at=make.NOW)
    make_providers.all_that_ends()
    draft = begin_draft(project=cast.payments_api(), source=make.ANYTHING_GOES, by=make.erin(), now=make.NOW)
    ask_dry_run(draft=draft, environment=cast.production(), days=30, by=make.erin(), now=make.NOW)
    approval = Approval.objects.get()
    who = {"because": "committer", "provider": "git", "account": "x", "source": "stated"}
    NamedPerson.objects.create(request=Request.objects.get(), **who)
    make_statements.revoke(approval, cast.alice())
    talk_about(Request.objects.get())
    live_through(Request.objects.get())
    KeptApproval.objects.create(approval=approval, roles=["approver:release"], kept_at=make.NOW)
    record_sign_in(username="alice", outcome="failed", address="", identity=None, now=make.NOW)


def talk_about(request: Request) -> None:
    """A comment that names somebody and is taken back, a turn left to others, a reminder."""
    carol = cast.carol()
    comment = add_comment(request=request, text="What do you think, @carol?", by=cast.alice(), now=make.NOW).comment
    entries = iter(Entry.objects.order_by("pk"))
    revision = Revision.objects.earliest("pk")
    CommentWithdrawal.objects.create(comment=comment, entry=next(entries), withdrawn_at=make.NOW)
    TurnPassed.objects.create(revision=revision, identity=carol, reason="On leave", entry=next(entries), passed_at=make.NOW)
    waited = {"due_at": make.NOW, "entry": next(entries), "reminded_at": make.NOW}
    Reminder.objects.create(request=request, revision=revision, stage=Reminder.Stage.REMINDED, **waited)


def live_through(request: Request) -> None:
    """Everything that can happen to a request, at once, which the acts would not allow."""
    entries = iter(Entry.objects.order_by("-pk"))
    RequestSubmission.objects.create(request=request, by=request.requester, entry=next(entries), submitted_at=make.NOW)
    Withdrawal.objects.create(request=request, by=request.requester, reason="Not needed", entry=next(entries), withdrawn_at=make.NOW)
    Supersession.objects.create(request=request, by_request=request, entry=next(entries), superseded_at=make.NOW)
    RequestExpiry.objects.create(request=request, entry=next(entries), expired_at=make.NOW)
    # The gate of the story let it through, which may have written this already.
    if not Promotion.objects.exists():
        Promotion.objects.create(request=request, entry=next(entries), promoted_at=make.NOW)
    revision = Revision.objects.earliest("pk")
    used = {"n": 1, "by": request.requester, "decision_id": "dec_1", "entry": next(entries), "claimed_at": make.NOW}
    ApprovalUse.objects.create(request=request, revision=revision, **used)
    execution = {"outcome": "failed", "is_reported": True, "envelope": b"{}", "entry": next(entries), "at": make.NOW}
    Execution.objects.create(use=ApprovalUse.objects.get(), **execution)
    answered = {"by": request.requester, "note": "Changed", "entry": next(entries), "answered_at": make.NOW}
    ChangesAnswered.objects.create(revision=revision, **answered)
    terms = {"policy_id": "p", "rule_id": "r", "project": request.project, "environment": request.environment, "owner": request.requester}
    waiver = Waiver.objects.create(
        digest="0" * 64, request=request, until=make.NOW, agreed_under="0" * 64, document=revision.document, statement=b"{}",
        entry=next(entries), granted_at=make.NOW, **terms,
    )  # fmt: skip
    WaiverEnd.objects.create(waiver=waiver, by=request.requester, reason="Over", entry=next(entries), ended_at=make.NOW)
    _break_the_glass(request, revision)
    _stand_in(request, revision)
    said = {"reason": "key_compromise", "envelope": b"{}", "digest": "0" * 64, "entry": next(entries), "signed_at": make.NOW}
    AutomaticRevocation.objects.create(approval=Approval.objects.get(), **said)


def _break_the_glass(request: Request, revision: Revision) -> None:
    entries = iter(Entry.objects.order_by("pk"))
    artifact = request.artifacts.values_list("artifact_id", flat=True)[0]
    where = {"project": request.project, "environment": request.environment, "artifact_id": artifact, "policy_id": revision.policy_id}
    row = BreakGlass.objects.create(
        signed=SignedStatement.objects.get(), review=request, incident="INC-7", max_uses=1, until=make.NOW, review_due_at=make.NOW,
        entry=next(entries), declared_at=make.NOW, **where,
    )  # fmt: skip
    BreakGlassUse.objects.create(break_glass=row, n=1, decision="dec_x", entry=next(entries), used_at=make.NOW)
    BreakGlassEnd.objects.create(break_glass=row, by=request.requester, reason="Over", entry=next(entries), ended_at=make.NOW)
    BreakGlassReview.objects.create(break_glass=row, verdict="right", entry=next(entries), concluded_at=make.NOW)


def _stand_in(request: Request, revision: Revision) -> None:
    entries = iter(Entry.objects.order_by("pk"))
    row = Delegation.objects.create(
        signed=SignedStatement.objects.get(), project=request.project, delegator=cast.alice(), delegate=cast.carol(), roles=[],
        environments=[], starts_at=make.NOW, until=make.NOW, entry=next(entries), given_at=make.NOW,
    )  # fmt: skip
    DelegationEnd.objects.create(delegation=row, code="x", reason="Over", entry=next(entries), ended_at=make.NOW)
    ApprovalInStead.objects.create(approval=Approval.objects.get(), revision=revision, delegation=row, person=cast.alice())


def replace_all(table: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'INSERT OR REPLACE INTO "{table}" SELECT * FROM "{table}"')


@on_sqlite
def test_no_row_is_replaced(whole_story: None) -> None:
    allowed = []
    for model in MODELS:
        assert model._default_manager.exists(), f"no row of {model._meta.label} to try it on"
        try:
            replace_all(model._meta.db_table)
        except DatabaseError:
            continue
        allowed.append(model._meta.label)
    assert allowed == []


@on_sqlite
def test_nor_on_a_connection_that_somebody_else_opened(whole_story: None) -> None:
    allowed = []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers=OFF")
    try:
        for model in set(MODELS) - TAKEN_IN:
            try:
                replace_all(model._meta.db_table)
            except DatabaseError:
                continue
            allowed.append(model._meta.label)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA recursive_triggers=ON")
    assert allowed == []


@on_sqlite
@pytest.mark.parametrize("model", [model for model in MODELS if model not in TAKEN_IN], ids=lambda model: model._meta.label)
def test_every_unique_index_is_guarded(model: type[models.Model]) -> None:
    """An index that came later would let REPLACE in by another door."""
    meta = model._meta
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = %s", [f"{meta.db_table}_no_replace"])
        found = cursor.fetchone()
    assert found is not None
    assert key_taken(connection, meta.db_table, str(meta.pk.column)) in found[0]
