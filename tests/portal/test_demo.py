"""The demo's sample data is whole, real, and has what a visitor is told it has. Made once for all of it: it takes a while."""

from __future__ import annotations

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from approvals.models import Approval, ApprovalEnd, BreakGlass, Request, RequestState
from approvals.packs.build import build_pack
from approvals.requests.snapshot import read_snapshot
from approvals.trust import current_trust
from attestations.blobs import bytes_of
from attestations.models import Verdict
from gates.decide import decide
from gates.models import Decision
from identities.models import Identity, IdentityProvider, SigningKey, User
from ledger.models import Entry
from portal.demo.accounts import ACCOUNTS, demo_password
from portal.demo.clock import Clock
from portal.demo.company import CLIENT, Company
from portal.demo.sample import make_sample_data
from portal.management.commands import demo
from proofs.canonical import parse_canonical
from proofs.pack.trust import build_trust, parse_trust
from proofs.pack.verify import verify_pack
from proofs.policy.evaluate import parse_policy
from tests.make_ledger import use_own_keys

NOW = timezone.now().replace(microsecond=0)
# Title as it begins: what the page says of it, as a signal, or the code of the rule that fails.
REFUSED = {
    "payments-worker 1.4.3": "policy.evidence_not_verified",
    "payments-checkout": "policy.signer",
    "payments-export": "ART_RETAGGED",
    "payments-web": "SRC_NOT_DESCENDANT",
    "payments-cron": "NHI_NO_OWNER",
    "payments-admin": "DEP_TYPO",
    "payments-reports": "DEP_TYPO",
    "payments-ledger": "POL_LOOSENED",
    "kubectl rollout restart": "AGT_DENIED_RETRY",
}


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each sample gets a log of its own: the log's state outlives a rolled-back database."""
    use_own_keys(settings, tmp_path_factory.mktemp("keys"))


def said_of(request: Request) -> list[str]:
    """What the newest page of a request says against it: ids of signals, and codes of rules that fail."""
    newest = request.revisions.latest("number")
    shown, result = read_snapshot(bytes_of(newest.snapshot)), parse_canonical(bytes_of(newest.policy_result))
    signals = [signal["id"] for signal in (shown.get("comparison") or {"signals": []})["signals"]]
    return [*signals, *(rule["code"] for rule in result["rules"] if rule["outcome"] == "fail")]


def waiting(title: str) -> Request:
    """The newest request to production whose title begins so."""
    return Request.objects.filter(title__startswith=title, environment__tier=3).latest("opened_at", "pk")


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.django_db
def test_the_whole_sample_is_what_the_visitor_is_told() -> None:
    told: list[tuple[int, int, int]] = []
    lines = make_sample_data(now=NOW, tell=lambda *so_far: told.append(so_far))
    assert "wait for approval" in lines[0]
    assert told[-1] == (90, 90, 300)
    has_everybody_and_everything()
    is_dated_in_order()
    leaves_the_visitor_a_key_to_enrol()
    is_really_signed()
    refuses_what_it_should()
    broke_the_glass_twice()
    entries = Entry.objects.count()
    make_sample_data(now=NOW)
    assert Entry.objects.count() == entries, "made once, it is left alone"


def has_everybody_and_everything() -> None:
    assert Identity.objects.count() == 40
    assert set(Identity.objects.values_list("kind", flat=True)) == set(Identity.Kind.values)
    kinds = Counter(Request.objects.values_list("kind", flat=True))
    assert sum(kinds.values()) == 300
    for kind in ("release", "promotion", "agent-action", "rotation", "policy-change", "exception"):
        assert kinds[kind] >= 5, kinds
    assert set(kinds) == set(Request.Kind.values)
    states = Counter(RequestState.objects.values_list("status", flat=True))
    assert set(states) == set(RequestState.Status.values), states
    assert Decision.objects.filter(outcome="allow").count() > 30
    rejected = Approval.objects.filter(decision="reject").values_list("payload", flat=True)
    assert any(b"reasonCodes" in bytes(payload) for payload in rejected)


def is_dated_in_order() -> None:
    times = list(Entry.objects.order_by("index").values_list("appended_at", flat=True))
    assert times == sorted(times)
    assert times[-1] <= NOW
    opened = Request.objects.order_by("opened_at").values_list("opened_at", flat=True)
    assert opened[0] < NOW - timedelta(days=89)


def leaves_the_visitor_a_key_to_enrol() -> None:
    for username in ACCOUNTS:
        user = User.objects.get(username=username)
        assert user.check_password(demo_password(username))
        # A key whose private half is gone would have to introduce theirs.
        assert not SigningKey.objects.filter(identity=user.identity).exists()


def is_really_signed() -> None:
    trust = parse_trust(build_trust(current_trust()))
    approved = Request.objects.filter(
        state__status__in=("approved", "promoted"), kind__in=("release", "promotion", "agent-action", "rotation")
    )
    sample = list(approved.order_by("pk"))[::9]
    assert len(sample) >= 5
    for request in sample:
        last = Approval.objects.filter(revision__request=request).latest("signed_at")
        digest = request.artifacts.earliest("artifact_id").artifact_id
        files = build_pack(request=request, now=NOW)
        verify_pack(files, trust=trust, digest=digest, environment=request.environment_id, at=last.signed_at)
    results = Counter(Verdict.objects.values_list("result", flat=True))
    assert set(results) == {"verified", "rejected"}
    assert results["rejected"] < 10 < results["verified"]
    assert ApprovalEnd.objects.filter(code="approval.revoked").exists()


def broke_the_glass_twice() -> None:
    reviewed, waiting = BreakGlass.objects.order_by("declared_at")
    assert reviewed.concluded.verdict == "right"
    assert reviewed.review.state.status == "approved"
    assert waiting.review.state.status == "ready"
    assert waiting.until > NOW, "gates are open for it yet"
    for glass in (reviewed, waiting):
        assert glass.uses.count() == 1
        assert glass.signed.level == "H3"
        assert glass.signed.signing_key.bound_by is not None
    assert not IdentityProvider.objects.filter(removed_at__isnull=True).exists(), "nobody is led to a provider that does not answer"


def refuses_what_it_should() -> None:
    gate = Identity.objects.get(subject="payments", kind="service")
    for title, why in REFUSED.items():
        request = waiting(title)
        assert request.state.status in ("ready", "blocked"), (title, request.state.status)
        assert why in said_of(request), (title, said_of(request))
        assert outcome_of(request, gate).outcome == "deny"
    clean = waiting("payments-api 1.4.2")
    assert clean.state.status == "ready"
    assert [code for code in said_of(clean) if code not in ("REQ_BURST", "NHI_LONG_LIVED_SECRET")] == []
    refunds = waiting("payments-refunds")
    assert refunds.requester.user.username == "alice"
    policy = parse_policy(bytes_of(refunds.revisions.latest("number").policy.document))
    assert {rule.role for rule in policy.approvals_rules} >= {"approver:release"}
    others = Identity.objects.filter(roles__role="approver:release", roles__ended_at=None, team=refunds.project.team)
    able = {
        role.identity_id
        for one in others
        for role in one.roles.filter(ended_at=None, role="approver:release")
        if role.project_id in (None, refunds.project_id)
    }
    assert able == {refunds.requester_id}, "nobody but the requester may approve it"


def outcome_of(request: Request, gate: Identity) -> Decision:
    """What a gate says to the first artifact of a request, which says why."""
    digest = request.artifacts.earliest("artifact_id").artifact_id
    decision = decide(digest=digest, environment_slug=request.environment.slug, project_slug=request.project.slug, by=gate, now=NOW)
    assert decision.reasons and decision.reasons[0]["sentence"]
    return decision


@pytest.mark.django_db
def test_the_small_sample_has_one_clean_release_and_the_lie() -> None:
    lines = make_sample_data(now=NOW, is_small=True)
    assert lines[0] == "1 release waits for approval."
    assert sorted(Request.objects.values_list("title", "state__status")) == [
        ("payments-api 1.4.2", "ready"),
        ("payments-worker 1.4.3", "blocked"),
    ]
    assert Identity.objects.count() == 7


def test_the_company_gives_a_token_once_and_only_to_the_portal() -> None:
    with Company(Clock(NOW)) as company:
        verifier = "v" * 43
        proof = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"state": "s", "nonce": "n", "client_id": CLIENT, "redirect_uri": "http://here/", "code_challenge": proof}
        state, code = company.sign_in(f"{company.issuer}/authorize?{urlencode(asked)}", "erin")
        form = {"code": [code], "code_verifier": [verifier], "redirect_uri": ["http://here/"]}
        basic = "Basic " + b64encode(f"{CLIENT}:{company.secret}".encode()).decode()
        assert state == "s"
        assert company.answer("/token", form, "Basic of-somebody")[0] == 401
        status, given = company.answer("/token", form, basic)
        assert (status, given["token_type"]) == (200, "Bearer")
        assert company.answer("/token", form, basic) == (400, {"error": "invalid_grant"})


@pytest.mark.django_db
class TestHalfMade:
    def test_what_was_stopped_half_way_is_marked_until_it_is_whole(self, tmp_path: Path) -> None:
        class Stopped(Exception):
            pass

        with pytest.raises(Stopped), demo.whole_or_again(tmp_path):
            raise Stopped
        assert (tmp_path / demo.HALF_MADE).exists()
        demo.claim_folder(tmp_path)
        (tmp_path / "countersign.sqlite3").write_text("half")
        demo.delete_demo_data(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [demo.MARKER]

    def test_data_that_is_whole_is_never_marked(self, tmp_path: Path) -> None:
        make_sample_data(now=NOW, is_small=True)
        marked: list[Any] = []
        with demo.whole_or_again(tmp_path):
            marked += tmp_path.iterdir()
        assert marked == []
