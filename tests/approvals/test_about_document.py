"""A request about a document is decided by the same machine, under the policy in force or one that its kind derives."""

from __future__ import annotations

import pytest

from approvals.models import PolicyVersion, Request, RequestState
from approvals.requests import policy_for as policies
from approvals.requests.open_about_document import open_about_document
from approvals.requests.policy_for import derive_policy_of, policy_for
from approvals.requests.refresh import refresh_requests
from attestations.blobs import bytes_of
from proofs.approval.subjects import build_rotation
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed
from tests import cast
from tests import make_approvals as make
from tests import make_releases as of

pytestmark = pytest.mark.django_db
SOMEBODY = {"issuer": "https://portal.example", "subject": "somebody"}


def rotation(**changes: object) -> bytes:
    given = {"what": "The signing key", "initiator": SOMEBODY, "executor": SOMEBODY, "old_keys": ["k1"], "new_keys": ["k2"]}
    return build_rotation(**{**given, **changes})  # type: ignore[arg-type]


def open_rotation(subject: bytes | None = None) -> Request:
    return open_about_document(
        kind="rotation",
        project=cast.payments_api(),
        environment=cast.production(),
        title="Rotate the signing key",
        subject=subject or rotation(),
        name="rotation of k1",
        by=cast.bob(),
        now=make.NOW,
    )


def derived(count: int) -> bytes:
    rule = {"id": "two", "kind": "approvals", "title": "Approvers", "role": "approver:release", "count": count}
    return canonical_bytes(
        {
            "schema": "countersign-policy/v1",
            "id": "derived",
            "version": str(count),
            "title": "Derived",
            "minimumAssurance": "H2",
            "validityHours": 1,
            "rules": [rule],
        }
    )


@pytest.fixture
def own_policy(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Rotations bring their own policy, for this test alone."""
    asked = {"count": 1}
    monkeypatch.setattr(policies, "_DERIVED", {})
    derive_policy_of("rotation", lambda request: derived(asked["count"]))
    return asked


class TestOpenAboutDocument:
    def test_its_one_artifact_is_the_document_and_the_page_shows_it(self) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        request = open_rotation()
        content = bytes_of(request.subject)  # type: ignore[arg-type]
        assert request.artifacts.get().artifact_id == f"sha256:{sha256_hex(content)}"
        revision = request.revisions.get()
        for blob in (revision.document, revision.snapshot):
            assert parse_canonical(bytes_of(blob))["subject"] == parse_canonical(content)
        assert (request.kind, revision.result) == ("rotation", "pass")

    def test_the_page_calls_who_takes_part_by_the_name_they_have_here(self) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        who = {"issuer": cast.alice().issuer, "subject": cast.alice().subject}
        request = open_rotation(rotation(initiator=who))
        assert of.area_of(request, "rotation")["sentence"] == "Started by Alice Chen, carried out by somebody."
        assert of.comparison_of(request)["context"]["parties"] == [{**who, "name": "Alice Chen"}]

    def test_refuses_a_document_of_another_kind(self) -> None:
        make.set_stage(source=make.NO_EVIDENCE)
        with pytest.raises(Malformed) as refused:
            open_rotation(canonical_bytes({"schema": "countersign-agent-action/v1"}))
        assert refused.value.code == "subject.malformed"
        assert not Request.objects.exists()


class TestPolicyFor:
    def test_is_the_one_in_force(self) -> None:
        stage = make.set_stage(source=make.NO_EVIDENCE)
        assert policy_for(open_rotation()) == stage.policy

    def test_refuses_where_none_is_in_force(self) -> None:
        with pytest.raises(Conflict) as refused:
            open_rotation()
        assert refused.value.code == "policy.missing"

    def test_a_kind_brings_its_own_and_the_request_follows_it(self, own_policy: dict[str, int]) -> None:
        request = open_rotation()
        assert request.revisions.get().policy.policy_id == "derived"
        assert PolicyVersion.objects.get().digest == sha256_hex(derived(1))
        assert refresh_requests(now=make.NOW) == 0
        own_policy["count"] = 2
        assert refresh_requests(now=make.NOW) == 1
        assert request.revisions.get(number=2).policy.version == "2"
        assert RequestState.objects.get().revision_number == 2
