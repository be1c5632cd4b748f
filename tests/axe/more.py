"""Pages that one cannot simply go to: what a person does first, in which order, until each of them is there.

All of it happens in the transaction that looks at the page, and is undone with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.utils import timezone

from approvals.models import Approval, Request
from identities.models import Identity
from tests import cast, make_break_glass, make_delegations
from tests import make_approvals as make
from tests.house.url_examples import Story
from tests.make_attestations import make_attestation, make_signer, make_statement, verify_now

Beginning = Callable[[Client], str]
BY_PROVENANCE = "provenance"
STRANGER = "https://github.com/intern/fork/.github/workflows/build.yml@refs/heads/main"


def beginnings(story: Story) -> Iterator[tuple[str, Identity, Beginning]]:
    """Return the name of each such page, whose it is, and how it is come by."""
    alice, bob, dave = cast.alice(), cast.bob(), cast.dave()
    yield "approvals:request", alice, lambda _: f"/requests/{make.ask(tag='1.4.2').pk}"
    yield "approvals:request", bob, lambda _: f"/requests/{make.ask(tag='0.0.9').pk}"
    for decision in ("approve", "reject"):
        yield "approvals:sign", alice, lambda _, decision=decision: decide(make.ask(), decision)  # type: ignore[misc]
    yield "approvals:ceremony", alice, begin_signing
    yield "approvals:statement", alice, begin_to_revoke
    yield "approvals:exception_ask", bob, lambda _: f"/requests/{make.ask(tag='0.0.9').pk}/exception?rule={BY_PROVENANCE}"
    yield "approvals:break_glass_end", make_break_glass.declarer(), lambda _: f"/break-glass/{story.examples['glass_id']}/withdraw"
    yield "approvals:delegation_end", alice, lend
    yield "approvals:break_glass_new", make_break_glass.declarer(), lambda _: reach_for_the_glass(story)
    for step in ("address", "sign-in", "environment", "trust", "sample"):
        yield "portal:set_up_step", dave, lambda _, step=step: f"/set-up/{step}"  # type: ignore[misc]
    for page in ("adopt", "block"):
        yield f"reports:signer_{page}", dave, lambda _, page=page: meet_an_unknown_key(page)  # type: ignore[misc]
        yield f"reports:signer_{page}", dave, lambda _, page=page: meet_a_stranger(story, page)  # type: ignore[misc]
    for name, path in OF_SIGN_IN.items():
        yield name, alice, lambda client, path=path: with_a_second_factor(client, path)  # type: ignore[misc]


OF_SIGN_IN = {
    "mfa_deactivate_totp": "totp/deactivate/",
    "mfa_view_recovery_codes": "recovery-codes/",
    "mfa_generate_recovery_codes": "recovery-codes/generate/",
    "mfa_add_webauthn": "webauthn/add/",
    "mfa_remove_webauthn": "webauthn/keys/{passkey}/remove/",
    "mfa_edit_webauthn": "webauthn/keys/{passkey}/edit/",
    "mfa_activate_totp": "totp/activate/",
}


def decide(request: Request, decision: str) -> str:
    """The page on which one says what one decides."""
    return f"/requests/{request.pk}/sign?" + urlencode({"decision": decision, "snapshot": request.revisions.get().snapshot_id})


def begin_signing(client: Client) -> str:
    """The statement, in the session that began it."""
    request = make.ask()
    key = cast.alice().signing_keys.filter(revoked_at=None).first()
    assert key is not None
    given = {
        "snapshot": request.revisions.get().snapshot_id,
        "decision": "approve",
        "reason": "",
        "key": key.pk,
        "digest_tail": make.image(),
    }
    return client.post(f"/requests/{request.pk}/sign", given).headers["Location"]


def begin_to_revoke(client: Client) -> str:
    """The statement that takes an approval back."""
    approval = Approval.objects.filter(identity=cast.alice(), end=None).latest("pk")
    given = {"reason": "approver_withdrew", "justification": "I looked again.", "key": approval.signing_key_id}
    return client.post(f"/approvals/{approval.pk}/revoke", given).headers["Location"]


def lend(_: Client) -> str:
    """The page that ends a delegation."""
    row = make_delegations.give(cast.alice(), make_delegations.dana(), now=timezone.now())
    return f"/delegations/{row.pk}/end"


def meet_a_stranger(story: Story, page: str) -> str:
    """What can be done about a signer that nobody registered."""
    assert story.stage is not None
    make.send_of_a_stranger(story.stage, by=cast.runner())
    return f"/signers/{page}?" + urlencode({"issuer": cast.GITHUB_ISSUER, "name": STRANGER})


def meet_an_unknown_key(page: str) -> str:
    """What can be done about a key that nobody registered."""
    sent = make_attestation(make_signer().sign(make_statement("tool")), now=timezone.now())
    assert verify_now(sent).code == "dsse.key_unknown"
    return f"/signers/{page}?" + urlencode({"attestation": sent.pk})


def reach_for_the_glass(story: Story) -> str:
    """What is said before the glass is broken, for something that it is not broken for yet."""
    assert story.stage is not None
    make.send_provenance(story.stage, tag="0.0.7")
    place = {"project": cast.payments_api().pk, "environment": cast.production().pk}
    return f"/break-glass/new/{make.image('0.0.7')}?{urlencode(place)}"


def with_a_second_factor(client: Client, path: str) -> str:
    """Second factors of Alice, who proved a moment ago that it is she."""
    account = cast.account_of(cast.alice())
    if "totp/activate" not in path:
        TOTP.activate(account, generate_totp_secret())
        RecoveryCodes.activate(account)
    client.post("/accounts/reauthenticate/", {"password": cast.PASSWORD})
    if "{passkey}" in path:
        passkey = Authenticator.objects.create(user=account, type="webauthn", data={"name": "Laptop", "credential": {}})
        path = path.format(passkey=passkey.pk)
    return "/accounts/2fa/" + path
