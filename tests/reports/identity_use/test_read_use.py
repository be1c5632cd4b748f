"""What is read of an identity's use: real certificates and keys, real grants, credentials and tokens, through the real acts."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attestations.trust.roots import add_trust_root
from gates.decide import decide
from identities.grants.grant_right import end_grant, grant_right
from identities.issue import issue_credential, note_use
from identities.lifecycle.change_status import retire_identity
from identities.models import ApiCredential, Grant, Identity
from identities.register import register_signer
from identities.revoke_signer import revoke_signer
from identities.workload.exchange import exchange_token
from proofs.keys import key_id_of
from reports.identity_use import observed
from reports.identity_use.check_use import check_use
from reports.identity_use.observed import read_use
from reports.identity_use.observed_signatures import NO_TYPE
from reports.identity_use.report import build_report
from reports.identity_use.use import Deed, Use, Window
from tests import cast, make_tokens
from tests import make_approvals as make
from tests.make_attestations import make_signer, make_statement, register_key, runner_workload
from tests.make_observations import observe, runs, watcher
from tests.proofs.formats import KINDS, Formats

pytestmark = pytest.mark.django_db

NOW = make.NOW
WINDOW = Window(NOW - timedelta(days=1), NOW + timedelta(days=1))


def read(identity: Identity, window: Window = WINDOW) -> Use:
    return read_use(Identity.objects.get(pk=identity.pk), window)


def signed(use: Use) -> list[Deed]:
    return [deed for deed in use.deeds if deed.right == "attest"]


def outcome(use: Use, code: str) -> str:
    return next(finding.outcome for finding in check_use(use) if finding.code == code)


def test_evidence_it_signed_and_sent_is_a_deed_each_with_its_record() -> None:
    stage = make.set_stage()
    sent = make.send_provenance(stage, now=NOW)
    use = read(cast.runner())
    attested, submitted = signed(use)[0], next(deed for deed in use.deeds if deed.right == "api")
    assert (attested.object, attested.source, attested.record.id) == (make.SLSA, make.REPOSITORY, sent.pk)
    assert attested.record.url == f"/attestations/{sent.pk}"
    assert attested.signer == cast.WORKFLOW
    assert (submitted.object, submitted.record.kind) == ("attestations:write", "submission")
    assert outcome(use, "use.wildcard_grant") == "fail"


def test_what_it_signed_without_a_grant_is_found_by_its_name() -> None:
    stage = make.set_stage()
    runner = cast.runner()
    end_grant(grant=Grant.objects.get(identity=runner), reason="Not needed", by=None, now=NOW)
    later = NOW + timedelta(hours=1)
    sent = make.send_provenance(stage, now=later)
    assert sent.verdicts.latest("number").signer is None
    use = read(runner)
    assert [deed.record.id for deed in signed(use)] == [sent.pk]
    assert outcome(use, "use.outside_grant") == "fail"


def test_what_it_signed_after_it_retired_is_found() -> None:
    stage = make.set_stage()
    runner = cast.runner()
    retire_identity(identity=runner, reason="Replaced", by=None, now=NOW)
    sent = make.send_provenance(stage, now=NOW + timedelta(hours=1), by=make.other_teams_bot())
    use = read(runner)
    assert [deed.record.id for deed in signed(use)] == [sent.pk]
    assert outcome(use, "use.outside_grant") == "fail"


def test_what_a_stranger_signed_in_its_name_is_no_deed_of_its_own() -> None:
    stage = make.set_stage()
    make.send_lie(stage)
    assert signed(read(cast.runner())) == []


def test_a_key_that_signs_is_found_by_its_id_and_says_no_source() -> None:
    signer = make_signer()
    scanner = register_key(signer)
    make.send(signer.sign(make_statement()), now=NOW)
    use = read(scanner)
    assert [(deed.named, deed.source) for deed in signed(use)] == [("", "")]
    assert outcome(use, "use.shared_key") == "indeterminate"


def test_what_it_signed_after_its_name_was_revoked_is_found() -> None:
    stage = make.set_stage()
    runner = cast.runner()
    revoke_signer(signer=runner.evidence_signers.get(), revoked_from=NOW, reason="Stolen", by=None, now=NOW)
    sent = make.send_provenance(stage, now=NOW + timedelta(hours=1))
    use = read(runner)
    assert [(deed.record.id, deed.ended) for deed in signed(use)] == [(sent.pk, True)]
    assert outcome(use, "use.outside_grant") == "fail"


def test_what_another_signed_under_a_name_it_took_over_is_no_deed_of_the_first() -> None:
    stage = make.set_stage()
    runner, other = cast.runner(), make.other_teams_bot()
    revoke_signer(signer=runner.evidence_signers.get(), revoked_from=NOW, reason="Moved", by=None, now=NOW)
    register_signer(
        identity=other, certificate_issuer=cast.GITHUB_ISSUER, certificate_identity=cast.WORKFLOW, any_ref=True, by=None, now=NOW
    )
    make.send_provenance(stage, now=NOW + timedelta(hours=1))
    # Without a grant nobody answers for it, and still it is the other's, whose name it was by then.
    assert signed(read(runner)) == []
    assert len(signed(read(other))) == 1


def split_off(*, when: timedelta = timedelta()) -> Identity:
    """A program of its own for one ref of the runner's workflow, without any grant."""
    exact = cast.register_nonhuman(
        kind="workflow", name="tag 1.4.2", issuer="x", subject="exact", owner=cast.bob(), team=cast.payments(), by=None, now=NOW
    )
    name = f"{cast.WORKFLOW}@refs/tags/v1.4.2"
    register_signer(identity=exact, certificate_issuer=cast.GITHUB_ISSUER, certificate_identity=name, by=None, now=NOW + when)
    return exact


@pytest.mark.parametrize("revoked", [False, True])
def test_what_the_very_name_signed_is_no_deed_of_whoever_has_all_names_of_the_workflow(revoked: bool) -> None:
    stage = make.set_stage()
    runner, exact = cast.runner(), split_off()
    if revoked:
        revoke_signer(signer=exact.evidence_signers.get(), revoked_from=NOW, reason="Stolen", by=None, now=NOW)
    sent = make.send_provenance(stage, now=NOW + timedelta(hours=1))
    assert sent.verdicts.latest("number").signer is None
    assert signed(read(runner)) == []
    assert [(deed.record.id, deed.ended) for deed in signed(read(exact))] == [(sent.pk, revoked)]
    assert outcome(read(exact), "use.outside_grant") == "fail"
    assert outcome(read(runner), "use.outside_grant") != "fail"


def test_what_was_signed_before_the_very_name_was_registered_stays_with_all_names_of_the_workflow() -> None:
    stage = make.set_stage()
    runner = cast.runner()
    end_grant(grant=Grant.objects.get(identity=runner), reason="Not needed", by=None, now=NOW)
    sent = make.send_provenance(stage, now=NOW + timedelta(hours=1))
    exact = split_off(when=timedelta(hours=2))
    assert [deed.record.id for deed in signed(read(runner))] == [sent.pk]
    assert signed(read(exact)) == []


def test_a_signed_file_after_others_is_nothing_new() -> None:
    instance = Formats(NOW - timedelta(days=200))
    add_trust_root(name="files", document=instance.document(), profile=None, by=None, now=NOW - timedelta(days=190))
    runner = cast.runner(now=NOW - timedelta(days=180))
    for days in (30, 0):
        at = NOW - timedelta(days=days)
        make.send(instance.make(KINDS["file-v1"], {}, runner_workload(), at, file=b"file of %d" % days), now=at)
    use = read(runner)
    assert [deed.object for deed in signed(use)] == [NO_TYPE]
    assert outcome(use, "use.first_time") == "pass"


def test_evidence_sent_again_leaves_no_record_and_so_no_scope_is_called_unused() -> None:
    stage = make.set_stage(now=NOW)
    runner, later = cast.runner(), NOW + timedelta(days=150)
    credential, _ = issue_credential(
        identity=runner, scopes=("attestations:write",), expires_at=NOW + timedelta(days=300), by=None, now=NOW
    )
    sent = make.send_provenance(stage, now=NOW)
    window = Window(later - timedelta(days=1), later + timedelta(days=1))
    assert scopes_unused(read(runner, window)) == ["attestations:write"]
    make.send(bytes(sent.blob.content), now=later)
    note_use(credential=credential, now=later)
    assert read(runner, window).deeds == ()
    assert scopes_unused(read(runner, window)) == []


def test_of_a_binding_the_last_use_of_what_it_was_exchanged_for_is_known() -> None:
    runner = cast.runner()
    make_tokens.binding()
    exchange_token(unverified_token=make_tokens.sign(make_tokens.claims(NOW)), audience=make_tokens.PORTAL, now=NOW)
    assert {held.last_called for held in read(runner).held if held.right == "api"} == {None}
    note_use(credential=ApiCredential.objects.get(identity=runner), now=NOW + timedelta(minutes=1))
    assert {held.last_called for held in read(runner).held if held.right == "api"} == {NOW + timedelta(minutes=1)}
    assert {held.last_called for held in read(runner).held if held.right == "token"} == {NOW}


def scopes_unused(use: Use) -> list[str]:
    found = next(finding for finding in check_use(use) if finding.code == "use.unused_grant")
    kept = {record.id for record in found.records if found.outcome == "fail"}
    return [held.object for held in use.held if held.right == "api" and held.record.id in kept]


def test_a_co_signature_is_a_deed_of_the_co_signer() -> None:
    first, second = make_signer(), make_signer()
    register_key(first)
    co_signer = register_key(second, name="second service")
    envelope = json.loads(first.sign(make_statement()))
    envelope["signatures"] += json.loads(second.sign(make_statement()))["signatures"]
    make.send(json.dumps(envelope).encode(), now=NOW)
    deeds = signed(read(co_signer))
    assert [deed.signer for deed in deeds] == [key_id_of(second.spki)]
    assert outcome(read(co_signer), "use.outside_grant") == "pass"


def test_evidence_signed_for_two_repositories_under_one_name_is_shared() -> None:
    stage = make.set_stage()
    make.send_provenance(stage, now=NOW)
    make.send_provenance(stage, tag="1.4.3", repository="https://github.com/payments/fork", now=NOW)
    assert outcome(read(cast.runner()), "use.shared_key") == "fail"


def test_requests_gates_observations_and_tokens_are_deeds() -> None:
    make.set_stage()
    runner, seen = cast.runner(), watcher()
    make.ask(by=runner)
    decide(digest=make.image(), environment_slug="production", by=runner, now=NOW)
    observe(runs(), by=seen)
    make_tokens.binding()
    token = make_tokens.sign(make_tokens.claims(NOW))
    exchange_token(unverified_token=token, audience=make_tokens.PORTAL, now=NOW)
    found = {(deed.object, deed.environment, deed.tier) for deed in read(runner).deeds if deed.right == "api"}
    assert found == {("requests:write", "production", 3), ("gates:decide", "production", 3)}
    token_deed = next(deed for deed in read(runner).deeds if deed.right == "token")
    assert (token_deed.subject, outcome(read(runner), "use.shared_key")) == (make_tokens.SUBJECT, "pass")
    assert [(deed.object, deed.environment) for deed in read(seen).deeds] == [("observations:write", "production")]


def test_what_was_before_the_window_is_known_and_is_no_deed_of_it() -> None:
    stage = make.set_stage()
    make.send_provenance(stage, now=NOW)
    use = read(cast.runner(), Window(NOW + timedelta(days=100), NOW + timedelta(days=101)))
    assert use.deeds == ()
    assert {(earlier.right, earlier.object) for earlier in use.earlier} == {("attest", make.SLSA), ("api", "attestations:write")}
    assert use.has_telemetry


def test_a_deed_after_a_quarter_of_silence_is_looked_at() -> None:
    stage = make.set_stage()
    make.send_provenance(stage, now=NOW)
    # The instance's certificates are of that day; what is sent later is another kind of record.
    later = NOW + timedelta(days=100)
    make.ask(by=cast.runner(), now=later)
    assert outcome(read(cast.runner(), Window(later - timedelta(days=1), later + timedelta(days=1))), "use.dormant_revived") == "review"


def test_stored_credentials_and_what_they_allow_are_held() -> None:
    runner = cast.runner()
    credential, _ = issue_credential(
        identity=runner, scopes=("read", "gates:decide"), expires_at=NOW + timedelta(days=180), by=None, now=NOW
    )
    use = read(runner)
    assert {(held.source, held.object) for held in use.held if held.right == "api"} == {
        ("credential", "read"),
        ("credential", "gates:decide"),
    }
    assert [secret.record.id for secret in use.secrets] == [credential.pk]
    assert outcome(use, "use.long_lived_secret") == "fail"


def test_more_than_is_read_at_once_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed, "MOST", 1)
    make.set_stage()
    make.ask(by=cast.runner())
    make.ask(by=cast.runner(), tag="1.4.3")
    use = read(cast.runner())
    assert use.cut_off == ("The requests after the first 1 in the window.",)
    assert outcome(use, "use.across_environments") == "indeterminate"


def queries_of(identity: Identity) -> int:
    with CaptureQueriesContext(connection) as caught:
        build_report(identity, WINDOW)
    return len(caught)


def test_the_number_of_queries_does_not_grow_with_what_it_did() -> None:
    stage = make.set_stage()
    runner = Identity.objects.select_related("owner").get(pk=cast.runner().pk)
    sent = make.send_provenance(stage, now=NOW)
    make.ask(by=runner)
    few = queries_of(runner)
    make.copy_evidence(sent, count=20)
    for number in range(5):
        make.ask(by=runner, tag=f"2.{number}")
        grant_right(identity=runner, right="tool", object=f"tool-{number}", reason="It uses it", by=None, now=NOW)
        decide(digest=make.image(), environment_slug="production", by=runner, now=NOW)
    many = queries_of(runner)
    assert many == few
    assert few <= 20
    assert len(read(runner).deeds) > 30
