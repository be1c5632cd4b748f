"""Token issuers: take one in, give it other keys, let it go, and have its keys at hand.

What an issuer's keys sign is believed, for every identity bound to it. So an issuer belongs to one team, whose stewards answer for it, or to the
whole portal, and then only the operator at the console (`by=None`) changes it. Not checked: that the platform runs its issuer well.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.models import Identity, Team, TokenIssuer
from identities.permissions import demand
from identities.workload.fetch_keys import fetch_keys, refuse_url
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal, Unavailable
from proofs.tokens.compact import ALGORITHMS
from proofs.tokens.key_set import IssuerKey, normalise_keys, read_keys

# Fetched keys are asked for anew after this, and not believed after that: an issuer that is down for an hour stops nobody.
REFRESHED_AFTER = timedelta(hours=1)
BELIEVED_FOR = timedelta(hours=2)
# However many tokens with unknown keys come, an issuer is asked no more often.
ASKED_EVERY = timedelta(seconds=60)
log = structlog.get_logger("identities.workload")


def add_token_issuer(
    *,
    url: str,
    name: str,
    by: Identity | None,
    now: datetime,
    team: Team | None = None,
    keys_document: bytes | None = None,
    algorithms: Sequence[str] = ALGORITHMS,
    may_be_private: bool = False,
) -> TokenIssuer:
    """Take an issuer in: with the keys given (they are never fetched then), or with those it publishes now.

    Refuses with `issuer.url`, `issuer.name`, `issuer.algorithms`, `issuer.already_added`, `issuer.operator_only`, `permission.missing`, a `jwks.*`
    code, or as `fetch_keys` does when the issuer cannot be asked.
    """
    _demand(by, team)
    if may_be_private and by is not None:
        raise NotAllowed("issuer.operator_only", "got a private address, which only the operator at the console allows")
    refuse_url(url, may_be_private=may_be_private or keys_document is not None)
    if not name.strip():
        raise Malformed("issuer.name", "got an empty name, expected one that people know the platform by")
    if not algorithms or set(algorithms) - set(ALGORITHMS):
        raise Malformed("issuer.algorithms", f"got {list(algorithms)!r}, expected some of {', '.join(ALGORITHMS)}")
    keys = normalise_keys(keys_document) if keys_document is not None else fetch_keys(url, may_be_private=may_be_private)
    try:
        with transaction.atomic():
            issuer = TokenIssuer.objects.create(
                url=url,
                name=name.strip(),
                team=team,
                algorithms=sorted(set(algorithms)),
                source=TokenIssuer.Source.DISCOVERY if keys_document is None else TokenIssuer.Source.STORED,
                may_be_private=may_be_private,
                keys=keys,
                fetched_at=now,
                tried_at=now,
                added_at=now,
            )
            append_identity_event(event="token_issuer.added", document=_document(issuer), by=by, now=now)
    except IntegrityError as error:
        raise Conflict("issuer.already_added", f"{url} is a token issuer already") from error
    return issuer


@transaction.atomic
def replace_issuer_keys(*, issuer: TokenIssuer, keys_document: bytes, by: Identity | None, now: datetime) -> TokenIssuer:
    """Give an issuer with stored keys other ones; the same keys again change nothing.

    Refuses with `issuer.not_stored`, `issuer.removed`, `issuer.operator_only`, `permission.missing` or a `jwks.*` code.
    """
    _demand(by, issuer.team)
    keys = normalise_keys(keys_document)
    issuer = _locked(issuer)
    if issuer.source != TokenIssuer.Source.STORED:
        raise Conflict(
            "issuer.not_stored", f"the keys of {issuer.url} are fetched from it, expected an issuer whose keys are given by hand"
        )
    if bytes(issuer.keys) == keys:
        return issuer
    issuer.keys, issuer.fetched_at = keys, now
    issuer.save(update_fields=["keys", "fetched_at"])
    append_identity_event(event="token_issuer.keys_replaced", document=_document(issuer), by=by, now=now)
    return issuer


@transaction.atomic
def remove_token_issuer(*, issuer: TokenIssuer, by: Identity | None, now: datetime) -> TokenIssuer:
    """Believe an issuer no longer, from now on; what was had for its tokens ends too.

    Refuses with `issuer.removed`, `issuer.operator_only` or `permission.missing`.
    """
    _demand(by, issuer.team)
    issuer = _locked(issuer)
    issuer.removed_at = now
    issuer.save(update_fields=["removed_at"])
    append_identity_event(event="token_issuer.removed", document=_document(issuer), by=by, now=now)
    return issuer


def keys_of(issuer: TokenIssuer, *, kid: str, now: datetime) -> list[IssuerKey]:
    """Return the issuer's keys, asking it first where they are old or none is called `kid`, but no more often than `ASKED_EVERY`.

    Must not run inside a transaction: that an issuer is being asked is written down before. Refuses with `token.issuer_unreachable`.
    """
    keys = read_keys(bytes(issuer.keys))
    if issuer.source == TokenIssuer.Source.STORED:
        return keys
    is_known, age = any(key.kid == kid for key in keys), now - issuer.fetched_at
    if is_known and age < REFRESHED_AFTER:
        return keys
    if _claim_asking(issuer, now):
        fetched = _ask(issuer, now)
        if fetched is not None:
            return fetched
    else:
        # Somebody asked a moment ago, or is asking now; what came of it may be there already.
        issuer.refresh_from_db()
        keys, age = read_keys(bytes(issuer.keys)), now - issuer.fetched_at
        is_known = any(key.kid == kid for key in keys) or issuer.fetched_at >= issuer.tried_at
    if is_known and age < BELIEVED_FOR:
        return keys
    raise Unavailable("token.issuer_unreachable", f"{issuer.url} cannot be asked for its keys now, and none that is stored is good enough")


def _claim_asking(issuer: TokenIssuer, now: datetime) -> bool:
    """Write down that the issuer is asked now, and say whether this caller is the one to do it."""
    free = TokenIssuer.objects.filter(pk=issuer.pk, tried_at__lte=now - ASKED_EVERY)
    return free.update(tried_at=now) == 1


def _ask(issuer: TokenIssuer, now: datetime) -> list[IssuerKey] | None:
    try:
        document = fetch_keys(issuer.url, may_be_private=issuer.may_be_private)
    except Refusal as refusal:
        # Whoever sent the token is told that it cannot be checked; why is the operator's matter.
        log.warning("issuer cannot be asked", issuer=issuer.url, code=refusal.code, reason=refusal.reason)
        return None
    # An answer that was overtaken by a later one is not stored over it.
    TokenIssuer.objects.filter(pk=issuer.pk, fetched_at__lte=now).update(keys=document, fetched_at=now)
    return read_keys(document)


def _demand(by: Identity | None, team: Team | None) -> None:
    if by is None:
        return
    if team is None:
        raise NotAllowed("issuer.operator_only", "an issuer of the whole portal is changed by the operator at the console; name a team")
    demand(by, "identities.steward", team=team)


def _locked(issuer: TokenIssuer) -> TokenIssuer:
    issuer = TokenIssuer.objects.select_for_update(no_key=True).get(pk=issuer.pk)
    if issuer.removed_at is not None:
        raise Conflict("issuer.removed", f"{issuer.url} was removed already")
    return issuer


def _document(issuer: TokenIssuer) -> dict[str, object]:
    return {
        "tokenIssuer": issuer.pk,
        "url": issuer.url,
        "team": issuer.team_id,
        "algorithms": list(issuer.algorithms),
        "source": str(issuer.source),
        "mayBePrivate": issuer.may_be_private,
        "keysSha256": sha256_hex(bytes(issuer.keys)),
    }
