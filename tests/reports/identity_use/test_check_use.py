"""The checks of use, on plain values: no database, no clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reports.identity_use.answer import AS_EXPECTED, CANNOT_TELL, MISUSED, OVERPRIVILEGED, answer_use
from reports.identity_use.check_use import (
    CHECKS,
    SECRET_LIFE,
    check_across_environments,
    check_dormant_revived,
    check_first_time,
    check_human_use,
    check_long_lived_secrets,
    check_outside_grants,
    check_shared_key,
    check_unused_grants,
    check_use,
    check_wildcards,
    workload_of,
)
from reports.identity_use.compare import NOT_GRANTED, UNKNOWN, UNUSED, USED, compare_use
from reports.identity_use.timeline import draw_timeline
from reports.identity_use.use import TITLES, Deed, Earlier, Held, Record, StoredSecret, Use, Window
from reports.register.saved_views import LONG_LIFE

pytestmark = pytest.mark.once

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=90)
LONG_AGO = SINCE - timedelta(days=30)
PROVENANCE, TESTS = "https://slsa.dev/provenance/v1", "https://in-toto.io/attestation/test-result/v0.1"
WORKFLOW = "https://github.com/payments/api/.github/workflows/release.yml"


def record(kind: str = "attestation", name: str = "att_1") -> Record:
    return Record(kind, name, f"/attestations/{name}", UNTIL, "signed evidence")


def deed(**changes: Any) -> Deed:
    """Provenance, signed by the release workflow's certificate after a push, ten days before the end."""
    usual = {
        "right": "attest",
        "object": PROVENANCE,
        "at": UNTIL - timedelta(days=10),
        "record": record(),
        "signer": WORKFLOW,
        "named": f"{WORKFLOW}@refs/heads/main",
        "source": "https://github.com/payments/api",
        "trigger": "push",
    }
    return Deed(**{**usual, **changes})


def call(scope: str = "gates:decide", **changes: Any) -> Deed:
    """A call to the API."""
    plain = {
        "right": "api",
        "object": scope,
        "signer": "",
        "named": "",
        "source": "",
        "trigger": "",
        "record": record("gate decision", "dec_1"),
    }
    return deed(**{**plain, **changes})


def grant(**changes: Any) -> Held:
    """The right to attest provenance, held since long ago."""
    usual = {
        "source": "grant",
        "right": "attest",
        "object": PROVENANCE,
        "since": LONG_AGO,
        "until": None,
        "record": record("grant", "grt_1"),
    }
    return Held(**{**usual, **changes})


def credential(scope: str, **changes: Any) -> Held:
    return grant(**{"source": "credential", "right": "api", "object": scope, "record": record("credential", "crd_1"), **changes})


def use(**changes: Any) -> Use:
    """An identity as it should be: it attests what it may, as it did before."""
    usual = {
        "window": Window(SINCE, UNTIL),
        "created_at": LONG_AGO,
        "deeds": (deed(),),
        "earlier": (Earlier("attest", PROVENANCE, "", SINCE - timedelta(days=2)),),
        "held": (grant(),),
    }
    return Use(**{**usual, **changes})


def test_use_inside_its_grants_passes() -> None:
    assert check_outside_grants(use()).outcome == "pass"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"held": (grant(object=TESTS),)}, "no right to it was held"),
        ({"held": (grant(until=UNTIL - timedelta(days=10)),)}, "no right to it was held"),
        ({"held": ()}, "no right to it was held"),
        ({"retired_at": UNTIL - timedelta(days=10)}, "retired"),
        ({"compromised_from": UNTIL - timedelta(days=10)}, "compromised"),
        ({"deeds": (deed(ended=True),)}, "revoked or had run out"),
        ({"deeds": (deed(environment="production"),), "held": (grant(environment="staging"),)}, "no right to it was held"),
        ({"deeds": (deed(project="billing"),), "held": (grant(project="payments-api"),)}, "no right to it was held"),
        ({"deeds": (call("bnd_1", right="token"),)}, "no right to it was held"),
    ],
)
def test_a_deed_without_a_right_held_then_is_outside(changes: dict[str, Any], why: str) -> None:
    found = check_outside_grants(use(**changes))
    assert (found.outcome, found.code) == ("fail", "use.outside_grant")
    assert len(found.records) == 1
    assert why in found.records[0].words


def test_what_was_signed_before_its_grant_is_to_be_looked_at_and_not_called_misuse() -> None:
    found = check_outside_grants(use(held=(grant(since=UNTIL + timedelta(days=1)),)))
    assert (found.outcome, found.records[0].words[-30:]) == ("review", "the right was given afterwards")


def test_a_record_of_a_call_that_no_credential_covers_is_to_be_looked_at() -> None:
    assert check_outside_grants(use(deeds=(call(),), held=(credential("gates:decide"),))).outcome == "pass"
    assert check_outside_grants(use(deeds=(call(),), held=(credential("read"),))).outcome == "review"
    assert check_outside_grants(use(deeds=(call(),), held=(credential("gates:decide", until=SINCE),))).outcome == "review"


def test_a_right_held_all_the_time_without_a_deed_is_unused() -> None:
    found = check_unused_grants(use(held=(grant(), grant(object=TESTS, record=record("grant", "grt_2")))))
    assert (found.outcome, [item.id for item in found.records]) == ("fail", ["grt_2"])
    assert TESTS in found.sentence


def test_a_right_held_for_part_of_the_window_is_not_judged_yet() -> None:
    late = grant(object=TESTS, since=SINCE + timedelta(seconds=1))
    assert check_unused_grants(use(held=(grant(), late))).outcome == "pass"
    assert check_unused_grants(use(held=(late,))).outcome == "not_applicable"
    again = grant(object=TESTS, until=SINCE + timedelta(days=5))
    assert check_unused_grants(use(held=(grant(), again, replace(late, since=SINCE + timedelta(days=5))))).outcome == "fail"


@pytest.mark.parametrize(("right", "words"), [("tool", "which tools"), ("secret", "which secrets")])
def test_tools_and_secrets_that_nothing_reports_are_not_known_and_never_unused(right: str, words: str) -> None:
    asked = use(held=(grant(), grant(right=right, object="vault/db")))
    found = check_unused_grants(asked)
    assert found.outcome == "indeterminate"
    assert f"nothing reports {words} it uses" in found.not_looked_at[0]
    rows = compare_use(asked, check_use(asked))
    assert [(row.state, row.deeds) for row in rows] == [(USED, 1), (UNKNOWN, None)]


def test_reading_is_unused_only_where_the_credential_was_not_called_at_all() -> None:
    idle, busy = credential("read", last_called=LONG_AGO), credential("read", last_called=UNTIL)
    assert check_unused_grants(use(held=(grant(), idle))).outcome == "fail"
    assert check_unused_grants(use(held=(grant(), busy))).outcome == "indeterminate"


@pytest.mark.parametrize(("last", "outcome"), [(None, "fail"), (LONG_AGO, "fail"), (SINCE, "indeterminate"), (UNTIL, "indeterminate")])
def test_a_scope_without_a_record_is_unused_only_where_its_credential_was_not_called(last: datetime | None, outcome: str) -> None:
    asked = use(held=(grant(), credential("attestations:write", last_called=last)))
    found = check_unused_grants(asked)
    assert found.outcome == outcome
    assert [row.state for row in compare_use(asked, (found,))] == [USED, UNUSED if outcome == "fail" else UNKNOWN]
    assert any("evidence sent again leaves no record" in words for words in found.not_looked_at) == (outcome == "indeterminate")


def test_a_scope_with_a_record_is_used_whenever_its_credential_was_called_last() -> None:
    held = (credential("gates:decide", last_called=UNTIL),)
    assert check_unused_grants(use(deeds=(call(),), held=held)).outcome == "pass"


def test_a_scope_of_two_credentials_is_not_called_unused_where_one_was_called() -> None:
    idle, busy = credential("gates:decide"), credential("gates:decide", last_called=UNTIL, record=record("credential", "crd_2"))
    assert check_unused_grants(use(held=(grant(), idle, busy))).outcome == "indeterminate"


def test_without_any_record_nothing_is_called_unused() -> None:
    asked = use(deeds=(), earlier=())
    findings = check_use(asked)
    assert not asked.has_telemetry
    assert check_unused_grants(asked).outcome == "indeterminate"
    assert [row.state for row in compare_use(asked, findings)] == [UNKNOWN]
    assert answer_use(asked, findings).said == (CANNOT_TELL,)


def test_a_right_to_anything_is_a_finding_and_names_what_is_used() -> None:
    found = check_wildcards(use(held=(grant(object="*"),)))
    assert (found.outcome, PROVENANCE in found.sentence) == ("fail", True)
    assert check_wildcards(use()).outcome == "pass"
    assert check_wildcards(use(held=(credential("read"),))).outcome == "not_applicable"


def test_what_it_never_did_before_is_looked_at() -> None:
    assert check_first_time(use()).outcome == "pass"
    found = check_first_time(use(deeds=(deed(), deed(object=TESTS))))
    assert (found.outcome, len(found.records)) == ("review", 1)
    assert check_first_time(use(deeds=(deed(environment="production"),))).outcome == "review"
    assert check_first_time(use(created_at=SINCE, earlier=())).outcome == "not_applicable"


def test_acting_again_after_ninety_silent_days_is_looked_at() -> None:
    at = UNTIL - timedelta(days=10)
    before = Earlier("attest", PROVENANCE, "", at - timedelta(days=90))
    assert check_dormant_revived(use(earlier=(before,))).outcome == "review"
    assert check_dormant_revived(use(earlier=(replace(before, last_at=at - timedelta(days=89)),))).outcome == "pass"
    long = Window(SINCE - timedelta(days=300), UNTIL)
    assert check_dormant_revived(use(window=long, earlier=(), deeds=(deed(), deed(at=at - timedelta(days=91))))).outcome == "review"


def test_a_name_that_signed_for_two_repositories_is_shared() -> None:
    fork = deed(source="https://github.com/intern/fork", record=record(name="att_2"))
    found = check_shared_key(use(deeds=(deed(), fork)))
    assert (found.outcome, {item.id for item in found.records}) == ("fail", {"att_1", "att_2"})
    assert check_shared_key(use()).outcome == "pass"


def test_a_key_whose_statements_only_claim_two_repositories_is_looked_at() -> None:
    one, other = deed(named="", signer="sha256:k"), deed(named="", signer="sha256:k", source="https://github.com/intern/fork")
    assert check_shared_key(use(deeds=(one, other))).outcome == "review"
    assert check_shared_key(use(deeds=(replace(one, source=""),))).outcome == "indeterminate"


def test_a_binding_used_by_tokens_of_two_workloads_is_shared_and_two_branches_are_one_workload() -> None:
    one = call("bnd_1", right="token", subject="repo:payments/api:ref:refs/heads/main")
    assert check_shared_key(use(deeds=(one, replace(one, subject="repo:payments/api:environment:production")))).outcome == "pass"
    assert check_shared_key(use(deeds=(one, replace(one, subject="repo:payments/web:ref:refs/heads/main")))).outcome == "fail"
    assert workload_of("system:serviceaccount:ci:builder") == "system:serviceaccount:ci:builder"


def test_a_persons_certificate_fails_and_a_run_by_hand_is_looked_at() -> None:
    assert check_human_use(use()).outcome == "pass"
    by_bob = deed(named="bob@payments.example", issuer="https://github.com/login/oauth", trigger="")
    assert check_human_use(use(deeds=(by_bob,))).outcome == "fail"
    assert check_human_use(use(deeds=(deed(trigger="workflow_dispatch"),))).outcome == "review"
    assert check_human_use(use(deeds=(deed(trigger=""),))).outcome == "indeterminate"


def test_an_address_that_no_known_sign_in_vouches_for_is_looked_at_because_it_shows_no_person() -> None:
    found = check_human_use(use(deeds=(deed(named="release@payments.example", issuer="https://sts.example", trigger=""),)))
    assert (found.outcome, len(found.records)) == ("review", 1)
    assert any("the address does not show it" in words for words in found.not_looked_at)


@pytest.mark.parametrize(
    "named",
    [
        "builder@proj.iam.gserviceaccount.com",
        "Builder@Proj.iam.GServiceAccount.com",
        "1234-compute@developer.gserviceaccount.com",
        "1234@cloudbuild.gserviceaccount.com",
        "proj@appspot.gserviceaccount.com",
        "41898282+github-actions[bot]@users.noreply.github.com",
        "spiffe://payments.example/ns/ci/sa/builder@1",
    ],
)
def test_the_address_of_a_program_is_no_persons(named: str) -> None:
    by_program = deed(named=named, issuer="https://accounts.google.com", trigger="")
    assert check_human_use(use(deeds=(by_program,))).outcome == "indeterminate"


@pytest.mark.parametrize(
    "named",
    [
        "eve@gserviceaccount.com.evil.example",
        "builder@proj.iam.gserviceaccount.com@evil.example",
        "eve@evilgserviceaccount.com",
        "a[bot]@evil.example",
    ],
)
def test_an_address_that_only_looks_like_a_programs_is_a_persons(named: str) -> None:
    assert check_human_use(use(deeds=(deed(named=named, issuer="https://accounts.google.com"),))).outcome == "fail"


@pytest.mark.parametrize(
    ("age", "life", "revoked", "outcome"),
    [(10, 30, None, "pass"), (90, 90, None, "pass"), (10, 91, None, "fail"), (95, 180, None, "fail"), (95, 180, 60, "fail")],
)
def test_a_stored_secret_made_to_live_longer_than_ninety_days_is_long_lived(age: int, life: int, revoked: int | None, outcome: str) -> None:
    made = UNTIL - timedelta(days=age)
    ended = UNTIL - timedelta(days=revoked) if revoked else None
    secret = StoredSecret(record("credential", "crd_1"), made, made + timedelta(days=life), ended)
    assert check_long_lived_secrets(use(secrets=(secret,))).outcome == outcome


def test_long_lived_means_the_same_as_in_the_register() -> None:
    assert SECRET_LIFE == LONG_LIFE


def test_acting_in_two_tiers_fails_unless_grants_name_the_environments() -> None:
    deeds = (call(environment="production", tier=3), call(environment="staging", tier=1))
    assert check_across_environments(use(deeds=deeds)).outcome == "fail"
    assert check_across_environments(use(deeds=deeds[:1])).outcome == "pass"
    both = (grant(environment="production"), grant(environment="staging"))
    assert check_across_environments(use(deeds=deeds, held=both)).outcome == "pass"
    found = check_across_environments(use(deeds=deeds, held=both[:1]))
    assert (found.outcome, len(found.records)) == ("fail", 1)
    assert check_across_environments(use()).outcome == "not_applicable"


@pytest.mark.parametrize(
    ("since", "until", "outcome"),
    [
        (LONG_AGO, None, "pass"),
        (UNTIL - timedelta(days=10), UNTIL - timedelta(days=9), "pass"),
        (LONG_AGO, UNTIL - timedelta(days=10), "fail"),
        (UNTIL - timedelta(days=9), None, "fail"),
        (UNTIL + timedelta(days=1), None, "fail"),
    ],
)
def test_a_grant_names_an_environment_only_while_it_is_in_force(since: datetime, until: datetime | None, outcome: str) -> None:
    deeds = (call(environment="production", tier=3), call(environment="staging", tier=1))
    held = tuple(grant(right="tool", object="deploy", environment=name, since=since, until=until) for name in ("production", "staging"))
    found = check_across_environments(use(deeds=deeds, held=held))
    assert (found.outcome, len(found.records)) == (outcome, 0 if outcome == "pass" else 2)


def test_every_check_passed_on_records_says_as_expected() -> None:
    asked = use()
    answer = answer_use(asked, check_use(asked))
    assert answer.said == (AS_EXPECTED,)
    assert all(word.code in TITLES for word in answer.words)


def test_the_gravest_word_comes_first_and_each_has_its_records() -> None:
    asked = use(deeds=(deed(object=TESTS),), held=(grant(), grant(object="*", until=SINCE + timedelta(days=1))))
    answer = answer_use(asked, check_use(asked))
    assert answer.said == (MISUSED, OVERPRIVILEGED, CANNOT_TELL)
    assert all(word.records for word in answer.words if word.word in (MISUSED, OVERPRIVILEGED))


def test_something_to_look_at_is_not_as_expected() -> None:
    asked = use(deeds=(deed(trigger="workflow_dispatch"),))
    assert answer_use(asked, check_use(asked)).said == (CANNOT_TELL,)


def test_a_silent_window_is_not_as_expected() -> None:
    asked = use(deeds=(), held=())
    assert answer_use(asked, check_use(asked)).said == (CANNOT_TELL,)


def test_what_was_cut_off_lets_no_check_of_deeds_pass() -> None:
    asked = use(cut_off=("The requests after the first 500 in the window.",))
    findings = check_use(asked)
    passed = {finding.code for finding in findings if finding.outcome in ("pass", "not_applicable")}
    assert passed == {"use.wildcard_grant", "use.long_lived_secret"}
    assert answer_use(asked, findings).said == (CANNOT_TELL,)


def test_every_check_has_a_code_of_its_own_and_a_title() -> None:
    findings = check_use(use())
    assert {finding.code for finding in findings} == set(TITLES)
    assert len(findings) == len(CHECKS)


def test_a_deed_that_no_right_covers_has_a_row_of_its_own() -> None:
    asked = use(deeds=(deed(object=TESTS),))
    rows = compare_use(asked, check_use(asked))
    assert [(row.state, row.object) for row in rows] == [(UNUSED, PROVENANCE), (NOT_GRANTED, TESTS)]


def test_the_timeline_has_a_bar_for_each_part_with_deeds() -> None:
    bars = draw_timeline((deed(), deed(), deed(at=SINCE)), Window(SINCE, UNTIL))
    assert [bar.deeds for bar in bars] == [1, 2]
    assert draw_timeline((), Window(SINCE, UNTIL)) == ()
