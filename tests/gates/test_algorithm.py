"""The nine steps of a gate's answer, each by name over the one function all doors share, and what happens when a step breaks.

The same steps hold for both purposes; what only one of them asks is in `test_run.py` and `test_decide.py`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from approvals.models import Request
from approvals.packs import build
from gates import decide as shared
from gates.decide import decide
from gates.models import Decision
from identities.people.accounts.link_account import end_account
from ledger.models import Entry
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Malformed
from proofs.pack.build import PackedApproval
from tests import cast
from tests import make_approvals as make
from tests.approvals.test_who_made_it import AUTHOR, link, stand
from tests.approvals.test_who_made_it import ask as ask_about
from tests.make_observations import observe, said

pytestmark = pytest.mark.django_db

SOON = make.NOW + timedelta(minutes=1)
PURPOSES = ("promote", "run")


def ask(purpose: str = "promote", digest: str | None = None) -> Decision:
    return decide(digest=digest or make.image(), environment_slug="production", by=cast.runner(), now=SOON, purpose=purpose)


def codes(decision: Decision) -> list[str]:
    assert (decision.outcome == "allow") == (not decision.reasons)
    return [reason["code"] for reason in decision.reasons]


def of_both() -> list[list[str]]:
    """The codes of the answers for both purposes."""
    return [codes(ask(purpose)) for purpose in PURPOSES]


@pytest.fixture
def promoted() -> Request:
    """A request that alice approved on true provenance, and that a gate let through once."""
    make.send_provenance(make.set_stage())
    request = make.ask()
    make.approve(request, cast.alice())
    assert of_both() == [[], []]
    return request


def test_1_a_tag_is_never_accepted() -> None:
    for purpose in PURPOSES:
        for tag in ("payments/api:1.4.2", "1.4.2", "latest", "", "sha256:1234"):
            with pytest.raises(Malformed) as refused:
                decide(digest=tag, environment_slug="production", by=cast.runner(), now=SOON, purpose=purpose)
            assert refused.value.code == "digest.malformed"
    assert not Decision.objects.exists()


def test_2_the_records_of_this_digest_and_place_are_loaded_and_no_others(promoted: Request) -> None:
    other = make.ask(tag="1.4.3")
    for purpose, code in (("promote", "approval.missing"), ("run", "promotion.missing")):
        decision = ask(purpose, make.image("1.4.3"))
        assert (codes(decision), decision.request) == ([code], other)


def test_3_each_record_is_verified_from_its_signature_to_the_ledger(promoted: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, nothing = build.assemble_pack, base64.b64encode(b"no signature").decode()

    def forge(envelope: dict[str, Any]) -> dict[str, Any]:
        return {**envelope, "signatures": [{**envelope["signatures"][0], "sig": nothing}]}

    lies: list[tuple[Callable[[PackedApproval], PackedApproval], str]] = [
        (lambda true: replace(true, record_envelope=forge(true.record_envelope)), "record."),
        (lambda true: replace(true, inclusion_path=(b"0" * 32, *true.inclusion_path[1:])), "log."),
        (lambda true: replace(true, checkpoint_note=true.checkpoint_note.replace("\n", "\n0", 1)), "log."),
    ]
    for lie, code in lies:
        monkeypatch.setattr(
            build, "assemble_pack", lambda lie=lie, **parts: whole(**{**parts, "approvals": [lie(one) for one in parts["approvals"]]})
        )
        promote, run = of_both()
        assert promote == run
        assert promote[0].startswith(code)


def test_4_what_does_not_count_is_dropped_with_its_reason(promoted: Request) -> None:
    key = cast.alice().signing_keys.get()
    type(key).objects.filter(pk=key.pk).update(compromised_from=make.NOW, revoked_at=SOON)
    for purpose in PURPOSES:
        decision = ask(purpose)
        assert codes(decision) == ["signer.compromised"]
        assert (decision.reasons[0]["request"], "somebody else" in decision.reasons[0]["sentence"]) == (promoted.pk, True)


def test_5_who_had_to_stay_out_is_asked_again_as_is_known_today() -> None:
    stand("commit-authors")
    account = link(cast.carol())
    make.approve(ask_about(AUTHOR), cast.alice())
    assert of_both() == [[], []]
    # The change was alice's under another name, which is found out later.
    end_account(account=account, by=None, now=SOON)
    link(cast.alice(), now=SOON)
    assert of_both() == [["sod.violation"], ["sod.violation"]]


def test_6_evidence_is_hashed_and_verified_again_each_time(promoted: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    # No verdict is old here, because none is believed: the raw bytes are.
    evidence = {item.attestation.blob_id for item in promoted.revisions.get().evidence.select_related("attestation")}
    true = build.bytes_of
    monkeypatch.setattr(build, "bytes_of", lambda blob: true(blob) + (b" " if blob.digest in evidence else b""))
    promote, run = of_both()
    assert promote == run
    assert promote[0].startswith("evidence.")


def test_7_another_digest_at_the_destination_shuts_it(promoted: Request) -> None:
    observe(said(digest=make.image("swapped"), at=SOON), now=SOON)
    assert of_both() == [["path.digest_differs"], ["path.digest_differs"]]


def test_8_and_9_the_answer_is_in_the_ledger_before_it_is_given(promoted: Request) -> None:
    for purpose in PURPOSES:
        decision = ask(purpose)
        document = parse_canonical(bytes(decision.document))
        assert (document["purpose"], document["outcome"], document["request"]) == (purpose, "allow", promoted.pk)
        entry = Entry.objects.get(event="gate.decision", ref_digest=sha256_hex(bytes(decision.document)))
        assert entry == decision.entry


def test_what_cannot_be_logged_is_not_answered(promoted: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> None:
        raise OSError("the disk is full")

    known = Decision.objects.count()
    monkeypatch.setattr(shared, "append_event", full)
    for purpose in PURPOSES:
        with pytest.raises(OSError, match="disk"):
            ask(purpose)
    assert Decision.objects.count() == known


@pytest.mark.parametrize("broken", ["_choose_project", "_lenient_mode", "weigh_requests", "weigh_runs", "Artifact"])
def test_whatever_breaks_is_a_deny_with_code_and_sentence(promoted: Request, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    class Broken:
        def __call__(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("broken")

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("broken")

    with monkeypatch.context() as patched:
        patched.setattr(shared, broken, Broken())
        if broken == "_choose_project":
            # Whoever breaks the glass asks for the project once more, after the deny.
            patched.setattr(shared, "_broken_glass", lambda *_, **__: None)
        decision = ask("run" if broken == "weigh_runs" else "promote")
    assert codes(decision) == ["gate.error"]
    assert decision.reasons[0]["sentence"] and "broken" not in decision.reasons[0]["sentence"]


def test_a_deny_leads_to_the_page_where_people_can_act(client: Client) -> None:
    make.send_provenance(make.set_stage())
    request = make.ask()
    headers = {"Authorization": f"Bearer {cast.token_of(cast.runner())}"}
    for purpose in PURPOSES:
        body = {"digest": make.image(), "environment": "production", "purpose": purpose}
        answer = client.post("/api/v1/gate/decisions", body, content_type="application/json", headers=headers).json()
        reason = answer["reasons"][0]
        assert (answer["decision"], answer["purpose"], answer["validUntil"]) == ("deny", purpose, None)
        assert reason["code"] and reason["sentence"] and reason["request"] == request.pk
        assert answer["requestUrl"].endswith(f"/requests/{request.pk}")
