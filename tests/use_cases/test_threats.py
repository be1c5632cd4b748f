"""Attacks on requests, policies and people, by the number they have in the threat model, and the tests that prove each defence."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.test import Client
from django.utils import timezone

from approvals.models import Approval, Ceremony
from identities.models import SigningKey, User
from ledger.models import Entry
from ledger.publish import publish_checkpoint
from portal.notices.follow_ledger import follow_ledger
from portal.notices.mail_notices import mail_notices
from proofs.errors import Refusal
from tests import cast, make_requests
from tests import make_approvals as make
from tests.live import ROOT
from tests.make_ledger import use_own_keys
from tests.passkey import SoftPasskey
from tests.use_cases.proven import find_absent

SIGN, PACK = "approvals/test_complete_signing.py", "proofs/pack"
HERE = "use_cases/test_threats.py"
LIES = f"{SIGN}::test_refuses_every_lie_of_the_browser_writes_it_down_and_uses_the_ceremony_up"
ATTACKS: dict[int, tuple[str, tuple[str, ...]]] = {
    1: (
        "What people signed is changed afterwards",
        (
            f"{PACK}/test_pack_signer.py::test_refuses_any_statement_but_the_one_that_was_signed",
            "approvals/test_altered_ceremony.py::test_a_statement_swapped_together_with_its_digest_is_refused",
        ),
    ),
    2: (
        "An approval is forged with the portal's key alone",
        (
            f"{PACK}/test_pack_signer.py::test_a_record_around_a_junk_signature_passes_a_check_of_the_portals_key_alone_and_nothing_more",
            "gates/test_approved_elsewhere_today.py::test_a_row_that_nobody_signed_opens_nothing",
        ),
    ),
    3: (
        "Somebody else enrols a key for a person",
        (
            "identities/test_enrol.py::test_refuses_an_administrator_who_enrols_for_her",
            "identities/test_enrol.py::test_refuses_an_offer_made_to_somebody_else",
            "identities/keys/test_introduce.py::test_refuses_a_second_key_that_nothing_introduces",
            "identities/keys/test_pages.py::test_without_that_sign_in_nothing_is_enrolled",
            "identities/oidc/test_bound_sign_in.py::test_a_lie_uses_it_up_and_stays_written_down",
            "approvals/test_levels.py::test_a_key_waits_before_it_counts_in_the_highest_tier",
        ),
    ),
    4: (
        "The page shows one thing and has another signed",
        (
            "approvals/test_signing_in_browser.py::test_stops_when_the_portal_asks_the_passkey_for_something_else",
            "approvals/test_signing_in_browser.py::test_stops_when_the_page_shows_something_else_than_the_statement",
        ),
    ),
    6: (
        "An approval is used for another artifact or place",
        ("use_cases/test_1_release_traceability.py::test_the_gate_denies_another_environment_and_another_artifact",),
    ),
    7: (
        "One signature is sent twice",
        (
            f"{SIGN}::test_a_used_ceremony_cannot_be_replayed",
            f"{SIGN}::test_refuses_the_assertion_of_another_ceremony",
            "approvals/test_concurrent_signing.py::test_one_answer_is_kept",
        ),
    ),
    8: (
        "Evidence is swapped or withheld afterwards",
        (
            f"{PACK}/test_pack_content.py::test_17_refuses_evidence_altered_after_review",
            f"{PACK}/test_pack.py::test_refuses_any_missing_file",
            "gates/test_decide.py::test_denies_when_later_evidence_contradicts",
        ),
    ),
    10: (
        "A stolen session signs",
        (
            f"{HERE}::test_10_a_session_alone_answers_nothing_and_enrols_no_key",
            f"{SIGN}::test_another_person_or_session_is_refused_and_leaves_the_ceremony_to_its_owner",
            "portal/test_security_floor.py::test_an_unlocked_screen_is_not_enough",
        ),
    ),
    11: ("Another site passes the question on", (LIES, f"{PACK}/test_pack_signer.py::test_refuses_each_lie_of_a_client")),
    12: (
        "The page is put into a frame of another",
        (LIES, "portal/test_security_floor.py::test_scripts_run_only_from_our_files_or_with_this_answers_nonce"),
    ),
    13: (
        "An unlocked screen signs without its owner",
        (LIES, f"{PACK}/test_pack_signer.py::test_refuses_a_user_verification_flag_set_afterwards"),
    ),
    14: (
        "What people write becomes a script",
        (
            "portal/test_security_floor.py::test_scripts_run_only_from_our_files_or_with_this_answers_nonce",
            f"{HERE}::test_18_what_a_program_writes_is_quoted_after_the_facts",
        ),
    ),
    15: (
        "Who asks and who approves are one",
        (
            "approvals/test_begin_signing.py::test_refuses_the_requester",
            "approvals/test_who_made_it.py::test_an_author_who_is_known_may_not_approve",
        ),
    ),
    16: ("Whoever made it approves under another account", ("approvals/test_who_made_it.py::test_linked_alias_rejected",)),
    17: (
        "A program approves its own change",
        ("identities/workload/test_never_approves.py::test_403_human_required", f"{SIGN}::test_a_program_has_no_way_to_a_ceremony"),
    ),
    18: ("What a program writes talks people into it", (f"{HERE}::test_18_what_a_program_writes_is_quoted_after_the_facts",)),
    20: ("Approvals are kept out of the ledger", ("gates/test_decide.py::test_denies_until_a_published_head_covers_the_record",)),
    21: (
        "The clock is turned",
        (
            f"{PACK}/test_pack_record.py::test_refuses_a_signature_checked_after_the_page_expired",
            "gates/test_decide.py::test_denies_after_the_validity",
        ),
    ),
    22: (
        "A revocation is withheld",
        (
            "countersign/test_for_gate.py::test_each_wrong_status_denies_with_its_own_code",
            "gates/test_decide.py::test_denies_when_somebody_else_may_have_had_the_key",
            "approvals/test_revocation.py::test_it_counts_no_more_and_the_gate_shuts",
            "gates/test_approved_elsewhere_today.py::test_what_is_revoked_there_while_a_gate_weighs_is_not_used_a_moment_later",
        ),
    ),
    23: (
        "The policy is quietly weakened",
        (
            "approvals/test_policy_changes.py::test_one_person_alone_is_refused_by_the_old_way_and_does_not_suffice_by_the_new",
            "approvals/test_policy_changes.py::test_the_snapshot_says_what_is_loosened_first",
            "gates/test_decide.py::test_denies_when_the_policy_changed",
        ),
    ),
    24: (
        "An issuer of forged evidence becomes trusted",
        (
            "attestations/trust/test_proposals.py::test_nobody_but_officers",
            "attestations/trust/test_pages.py::test_adding_alone_ends_with_two_officers",
        ),
    ),
    25: (
        "Whoever keeps a person's passkeys signs with one",
        (
            f"{SIGN}::test_refuses_below_the_level_the_policy_wants",
            f"{PACK}/test_pack_signer.py::test_refuses_a_record_that_claims_another_level",
        ),
    ),
    26: (
        "Two readers of one document see two things",
        (
            "proofs/test_canonical.py::test_refuses_a_key_given_twice",
            "proofs/test_canonical.py::test_refuses_another_spelling_of_a_canonical_document",
        ),
    ),
    27: (
        "A weak algorithm is put in",
        (
            "proofs/test_bundle.py::test_a_statement_about_something_only_sha1_names",
            f"{PACK}/test_pack_signer.py::test_refuses_an_algorithm_the_key_does_not_have",
        ),
    ),
    29: (
        "People are asked until they give in",
        (
            f"{HERE}::test_29_nothing_that_is_sent_approves_and_a_look_changes_nothing",
            "portal/webhooks/test_webhooks.py::test_nothing_of_what_people_wrote_and_nothing_to_answer_with",
            "approvals/test_remind.py::test_more_people_are_told_the_longer_it_waits",
            "approvals/test_remind.py::test_each_stage_once_says_the_database_too",
        ),
    ),
    31: (
        "Evidence that is a bomb",
        ("attestations/collection/test_receive.py::test_a_bomb", "proofs/test_hostile_input.py::test_depth_at_its_limit"),
    ),
    32: ("Personal data in what cannot be deleted", (f"{HERE}::test_32_the_ledger_names_nobody",)),
}


@pytest.mark.parametrize("number", ATTACKS)
def test_every_proof_is_there(number: int) -> None:
    assert ATTACKS[number][1]
    assert not find_absent(ATTACKS[number][1])


def test_the_table_names_every_attack_it_is_for() -> None:
    assert set(ATTACKS) == {*range(1, 33)} - {5, 9, 19, 28, 30}


def test_auditors_read_the_same_table() -> None:
    text = (ROOT / "docs/threats.md").read_text()
    for number, (attack, tests) in ATTACKS.items():
        named = ", ".join(f"`{test}`" for test in tests)
        assert f"| {number} | {attack} | {named} |" in text


@pytest.mark.django_db
def test_32_the_ledger_names_nobody(settings: Any, tmp_path: Any) -> None:
    use_own_keys(settings, tmp_path)
    make_requests.approved()
    leaves = b"\n".join(bytes(body) for body in Entry.objects.values_list("body", flat=True)).lower()
    assert leaves
    for account in User.objects.select_related("identity"):
        assert account.identity is not None
        for words in (account.email, account.identity.name, account.identity.subject):
            assert words.lower().encode() not in leaves


@pytest.mark.django_db
def test_10_a_session_alone_answers_nothing_and_enrols_no_key(settings: Any, tmp_path: Any, client: Client) -> None:
    """Whoever has alice's cookie, and neither her passkey nor her password, does all that her browser could send."""
    use_own_keys(settings, tmp_path)
    now = timezone.now()
    make.send_provenance(make.set_stage(now=now), now=now)
    asked, (_, key) = make.ask(now=now), make.enrol(cast.alice())
    publish_checkpoint(now=now)
    client.force_login(cast.account_of(cast.alice()), backend="allauth.account.auth_backends.AuthenticationBackend")
    thief, sign = SoftPasskey(rp_id=settings.RP_ID, origin=settings.ORIGIN), f"/requests/{asked.pk}/sign"
    given = {"snapshot": asked.revisions.get().snapshot_id, "key": key.pk, "reason": "Because.", "digest_tail": make.image()}
    for decision in Approval.Decision.values:
        for posted in ("", "{}", "of the thief"):
            assert client.post(sign, {**given, "decision": decision}).status_code == 302
            ceremony = Ceremony.objects.get(consumed_at=None)
            assertion = make.posted(thief, bytes(ceremony.payload)) if posted == "of the thief" else posted
            assert client.post(f"/ceremonies/{ceremony.pk}/complete", {"assertion": assertion}).status_code >= 400
            Ceremony.objects.filter(consumed_at=None).update(consumed_at=now)
    assert not Approval.objects.exists()
    for path in ("/settings/keys/add", f"/settings/keys/{key.pk}/revoke", "/settings/keys/recovery"):
        assert client.post(path, {"label": "mine", "reason": "lost"})["Location"].startswith("/accounts/reauthenticate/")
    assert list(SigningKey.objects.values_list("pk", flat=True)) == [key.pk]


@pytest.mark.django_db
def test_18_what_a_program_writes_is_quoted_after_the_facts(settings: Any, tmp_path: Any, client: Client) -> None:
    use_own_keys(settings, tmp_path)
    make.send_provenance(make.set_stage())
    written = "SYSTEM: all checks passed, approve at once. </blockquote><script>alert(1)</script> [Approve](javascript:x)"
    asked = make.ask(by=cast.runner(), note=written)
    page = cast.let_in(client, cast.alice()).get(f"/requests/{asked.pk}").content.decode()
    quoted = '<blockquote class="note" dir="auto"><bdi>SYSTEM: all checks passed, approve at once. &lt;/blockquote&gt;&lt;script&gt;alert(1)&lt;/script&gt; [Approve](javascript:x)</bdi></blockquote>'
    assert page.count("SYSTEM: all checks passed") == 1
    assert page.index("Four questions a signature alone does not answer") < page.index("not checked)</span></h2>") < page.index(quoted)
    # What turns text round or hides in it does not come in at all, nor does what is too long to be read.
    for hidden in ("\u202e", "\u2066", "\u200b", "\u2060", "\ufeff", "\x1b", "\x00", "\ue000", "\U000e0041", "x" * 5000):
        with pytest.raises(Refusal) as refused:
            make.ask(by=cast.runner(), note=f"Approve{hidden}this")
        assert refused.value.code == "request.text"


@pytest.mark.django_db
def test_29_nothing_that_is_sent_approves_and_a_look_changes_nothing(settings: Any, tmp_path: Any, client: Client) -> None:
    use_own_keys(settings, tmp_path)
    settings.EMAIL_HOST = "mail.example"
    cast.alice()
    make.send_provenance(make.set_stage())
    asked = make.ask(note="Approve by reply: https://evil.example/yes")
    follow_ledger(now=make.NOW)
    mail_notices(clock=lambda: make.NOW)
    bodies = [str(message.body) for message in mail.outbox if f"/requests/{asked.pk}" in str(message.body)]
    assert bodies
    links = {link for body in bodies for link in re.findall(r"https?://\S+", body)}
    page, origin = f"/requests/{asked.pk}", django_settings.ORIGIN
    # The portal's own pages, without anything in the address that could stand for a person.
    assert links <= {f"{origin}{page}", f"{origin}/settings/notifications", origin, f"{origin}."}
    assert client.get(page).status_code == 302
    cast.let_in(client, cast.alice())
    before = Entry.objects.count()
    for path in (page, f"{page}/sign", f"{page}/sign?decision=approve&snapshot={asked.revisions.get().snapshot_id}"):
        assert client.get(path).status_code in (200, 302)
    assert not Approval.objects.exists() and not Ceremony.objects.exists()
    assert Entry.objects.count() == before
