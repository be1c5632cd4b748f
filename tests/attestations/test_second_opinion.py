"""The second opinion: asked where it can judge, named in the verdict, and never outvoted."""

from __future__ import annotations

import json
import socket
from importlib.metadata import version
from typing import Any

import pytest

from attestations import second_opinion
from attestations.ask_sigstore import ask_sigstore, can_read
from attestations.models import Verdict
from attestations.trust.roots import add_trust_root
from tests import cast
from tests.make_attestations import NOW, Signer, make_attestation, make_signer, make_statement, register_key, runner_workload, verify_now
from tests.proofs.formats import KINDS, PROFILES, Formats

pytestmark = pytest.mark.django_db

FORMATS = Formats(NOW)
UNSUPPORTED = {
    "envelope-intoto": "intoto",
    "key-file-v1": "bare key",
    "key-file-v2": "bare key",
    "key-envelope-v2": "bare key",
    "key-envelope-dsse": "bare key",
    "private-envelope": "without a log entry",
    "private-file": "without a log entry",
}


def verdict_of(kind: str, *, profile: str | None = None) -> Verdict:
    """Return the verdict about an honest bundle of this kind."""
    wanted = PROFILES[profile or KINDS[kind].profile]
    add_trust_root(name="Factory", document=FORMATS.document(), profile=wanted, by=None, now=cast.NOW)
    if KINDS[kind].signer == "key":
        _register(FORMATS)
    statement = json.loads(make_statement())
    return verify_now(make_attestation(FORMATS.make(KINDS[kind], statement, runner_workload(), NOW)))


def opinion(verdict: Verdict) -> tuple[str, str, str]:
    found = verdict.findings.get(check_name="second_opinion")
    return found.outcome, found.code, found.sentence


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in UNSUPPORTED])
def test_agrees_on_what_it_can_judge(kind: str) -> None:
    verdict = verdict_of(kind)
    assert verdict.result == "verified"
    assert opinion(verdict)[:2] == ("pass", "opinion.agrees")
    assert f"sigstore {version('sigstore')}," in opinion(verdict)[2]


@pytest.mark.parametrize("kind", UNSUPPORTED)
def test_says_what_it_cannot_judge_and_holds_it_against_nobody(kind: str) -> None:
    verdict = verdict_of(kind)
    assert verdict.result == "verified"
    outcome, code, sentence = opinion(verdict)
    assert (outcome, code) == ("not_applicable", "opinion.unsupported")
    assert UNSUPPORTED[kind] in sentence


def test_a_refusal_needs_no_second_opinion_and_neither_does_a_plain_envelope() -> None:
    signer = make_signer()
    register_key(signer)
    assert not verify_now(make_attestation(signer.sign(make_statement()))).findings.filter(check_name="second_opinion").exists()
    assert not verify_now(make_attestation(make_signer().sign(make_statement()))).findings.filter(check_name="second_opinion").exists()


class TestDisagreement:
    """What another project's code may answer one day; the answer stands in for it, everything around it is real."""

    def test_is_never_verified_and_names_both(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(second_opinion, "ask_sigstore", lambda bundle, root: "VerificationError: the moon is full")
        verdict = verdict_of("envelope-v2")
        assert (verdict.result, verdict.code) == ("rejected", "evidence.disagreement")
        outcome, code, sentence = opinion(verdict)
        assert (outcome, code) == ("fail", "opinion.disagrees")
        assert "ours verifies" in sentence
        assert f"sigstore {version('sigstore')} says: VerificationError: the moon is full" in sentence
        assert all(subject.claimed for subject in verdict.subjects.all())

    def test_an_answer_that_breaks_off_is_no_yes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(bundle: bytes, root: bytes) -> str:
            raise MemoryError

        monkeypatch.setattr(second_opinion, "ask_sigstore", broken)
        verdict = verdict_of("envelope-v2")
        assert (verdict.result, verdict.code) == ("error", "evidence.no_second_opinion")
        assert opinion(verdict)[:2] == ("error", "opinion.error")


class TestAsking:
    def test_it_really_judges(self) -> None:
        honest = FORMATS.make(KINDS["envelope-v2"], json.loads(make_statement()), runner_workload(), NOW)
        assert ask_sigstore(honest, FORMATS.document()) == ""
        assert ask_sigstore(honest, Formats(NOW).document()) != ""
        value = json.loads(honest)
        value["dsseEnvelope"]["payload"] = "e30="
        assert ask_sigstore(json.dumps(value).encode(), FORMATS.document()) != ""

    def test_it_asks_no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise AssertionError("the second opinion opened a socket")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        fresh = Formats(NOW)
        honest = fresh.make(KINDS["envelope-dsse-stamped"], json.loads(make_statement()), runner_workload(), NOW)
        assert ask_sigstore(honest, fresh.document()) == ""

    def test_a_trust_root_that_it_cannot_read_is_no_fault_of_the_evidence(self) -> None:
        value = json.loads(FORMATS.document())
        for authority in value["certificateAuthorities"]:
            del authority["subject"]
        assert can_read(FORMATS.document())
        assert not can_read(json.dumps(value).encode())
        add_trust_root(name="Odd", document=json.dumps(value).encode(), profile=None, by=None, now=cast.NOW)
        statement = json.loads(make_statement())
        verdict = verify_now(make_attestation(FORMATS.make(KINDS["envelope-v2"], statement, runner_workload(), NOW)))
        assert (verdict.result, opinion(verdict)[1]) == ("verified", "opinion.unsupported")


def _register(formats: Formats) -> None:
    register_key(Signer(formats.key))
