"""How the people of the demo's past answer: each with a passkey of their own, in a real ceremony over exactly what the page showed.

The passkeys are in memory and gone with the process. Those who can sign in to the demo have none: they enrol their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from django.conf import settings

from approvals.models import Approval, Request, SignedStatement, StatementCeremony
from approvals.requests.snapshot import read_snapshot
from approvals.revocation.revoke_approval import begin_revocation
from approvals.signing.approval_statement import SigningSession
from approvals.signing.begin_signing import begin_signing
from approvals.signing.complete_signing import complete_signing
from approvals.signing.digest_tail import list_asked
from approvals.signing.verify_signature import parse_assertion
from approvals.statements.complete_statement import complete_statement
from attestations.blobs import bytes_of
from identities.keys.bind import SignInToUse, begin_binding
from identities.keys.enrol import begin_enrolment, enrol_new_key, take_new_key
from identities.models import Identity, SigningKey
from identities.oidc.bound_sign_in import complete_bound_sign_in
from portal.demo.clock import Clock
from portal.demo.company import Company
from portal.demo.passkey import DemoPasskey
from proofs.approval.human_approval import approval_challenge
from proofs.comparison.compare import asked_signals
from proofs.digest import sha256_hex
from proofs.encoding import b64url_decode


class Signers:
    """The passkeys of the people who have one, and how they use it."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[DemoPasskey, SigningKey]] = {}

    def enrol(self, person: Identity, *, now: datetime) -> None:
        """Enrol a person's first passkey, as the page for it does."""
        passkey = DemoPasskey(rp_id=settings.RP_ID, origin=settings.ORIGIN)
        offer = begin_enrolment(identity=person, now=now)
        response = passkey.create(b64url_decode(offer.state["challenge"], code="enrolment.malformed", what="the challenge"))
        new = take_new_key(identity=person, state=offer.state, response=response, label="Laptop", by=person, now=now)
        self._held[person.pk] = passkey, enrol_new_key(identity=person, new=new, by=person, now=now)

    def enrol_vouched(self, person: Identity, company: Company, *, clock: Clock) -> None:
        """Enrol the first passkey of somebody whose company vouches for it: they sign in there once more, and the nonce is the key's."""
        passkey = DemoPasskey(rp_id=settings.RP_ID, origin=settings.ORIGIN)
        offer = begin_enrolment(identity=person, now=clock.now)
        response = passkey.create(b64url_decode(offer.state["challenge"], code="enrolment.malformed", what="the challenge"))
        new = take_new_key(identity=person, state=offer.state, response=response, label="Security key", by=person, now=clock.now)
        session = _session(person, clock.now).session_hash
        _, url, salt = begin_binding(identity=person, new=new, session_hash=session, now=clock.now)
        clock.go_on(minutes=1)
        state, code = company.sign_in(url, person.subject)
        done = complete_bound_sign_in(state=state, code=code, session_hash=session, now=clock.now)
        sign_in = SignInToUse(done.pk, salt, session)
        self._held[person.pk] = passkey, enrol_new_key(identity=person, new=new, by=person, now=clock.now, sign_in=sign_in)

    def answer(
        self, request: Request, person: Identity, decision: str, *, now: datetime, reason: str = "", codes: Sequence[str] = ()
    ) -> Approval:
        """Answer the newest revision of a request; whoever approves acknowledges what its page asks about."""
        passkey, key = self._held[person.pk]
        revision = request.revisions.select_related("snapshot").latest("number")
        shown = read_snapshot(bytes_of(revision.snapshot))
        asked = asked_signals(shown.get("comparison"))
        ceremony = begin_signing(
            request=request,
            shown_snapshot=revision.snapshot_id,
            decision=decision,
            reason=reason or ("Looked at each of these; they are meant." if asked else ""),
            reason_codes=codes,
            key=key,
            session=_session(person, now),
            by=person,
            now=now,
            acknowledged=[digest for _, digest in asked] if decision == Approval.Decision.APPROVE else (),
            digest_tails=[asked.digest for asked in list_asked(shown["artifacts"])],
        )
        return complete_signing(
            ceremony_id=ceremony.pk,
            session_hash=ceremony.session_hash,
            assertion=parse_assertion(passkey.assertion(approval_challenge(bytes(ceremony.payload)))),
            by=person,
            now=now,
        )

    def revoke(self, approval: Approval, *, reason: str, why: str, now: datetime) -> None:
        """Let an approver take their own approval back."""
        begin = partial(begin_revocation, approval=approval, reason=reason, justification=why)
        self.sign_statement(approval.identity, begin, now=now)

    def sign_statement(self, person: Identity, begin: Callable[..., StatementCeremony], *, now: datetime) -> SignedStatement:
        """Let a person sign the statement that `begin` offers to them."""
        passkey, key = self._held[person.pk]
        ceremony = begin(key=key, session=_session(person, now), by=person, now=now)
        return complete_statement(
            ceremony_id=ceremony.pk,
            session_hash=ceremony.session_hash,
            assertion=parse_assertion(passkey.assertion(approval_challenge(bytes(ceremony.payload)))),
            by=person,
            now=now,
        )


def _session(person: Identity, now: datetime) -> SigningSession:
    return SigningSession(sha256_hex(f"session of {person.pk}".encode()), "password", now)
