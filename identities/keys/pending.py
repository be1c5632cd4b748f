"""A key that the browser made and that is not enrolled yet, kept in the person's session between the steps.

Nothing that matters is lost with the session: the person makes another key. The portal keeps it on its own side, so it is not signed.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from identities.keys.introduce import Introduced, get_introducer
from identities.keys.new_key import NewKey
from identities.models import Identity
from proofs.encoding import b64url_decode, b64url_encode
from proofs.errors import Conflict

# Not longer than a verifier lets pass between the sign-in at a provider and the enrolment.
LIFE = timedelta(minutes=15)
_KEY = "identities.new_key"


@dataclass(frozen=True, slots=True)
class PendingKey:
    """The new key, who introduced it so far, and the salt and id of the sign-in it is bound to."""

    new: NewKey
    introduced: Introduced | None
    salt: bytes
    bound_id: str


def keep_pending(
    session: MutableMapping[str, Any],
    *,
    identity: Identity,
    new: NewKey,
    now: datetime,
    introduced: Introduced | None = None,
    salt: bytes = b"",
    bound_id: str = "",
) -> None:
    """Put the key and how far it has come into the session."""
    kept: dict[str, Any] = {"identity": identity.pk, "new": new.to_session(), "expires": int((now + LIFE).timestamp())}
    if introduced is not None:
        kept["introduced"] = {"by": introduced.introducer.pk, "envelope": b64url_encode(introduced.envelope)}
    kept |= {"salt": b64url_encode(salt), "bound": bound_id}
    session[_KEY] = kept


def read_pending(session: MutableMapping[str, Any], *, identity: Identity, now: datetime) -> PendingKey:
    """Return the key that waits; refuses with `enrolment.not_offered`, `enrolment.expired` or `signer.unknown`."""
    kept = session.get(_KEY)
    if not kept or kept["identity"] != identity.pk:
        raise Conflict("enrolment.not_offered", "there is no new key that waits to be enrolled; start again and make one")
    if now.timestamp() >= kept["expires"]:
        raise Conflict("enrolment.expired", "the new key waited too long; start again and make another one")
    introduced = None
    if "introduced" in kept:
        older = get_introducer(identity, kept["introduced"]["by"])
        introduced = Introduced(older, _decode(kept["introduced"]["envelope"]))
    return PendingKey(NewKey.from_session(kept["new"]), introduced, _decode(kept["salt"]), kept["bound"])


def drop_pending(session: MutableMapping[str, Any]) -> None:
    """Forget the key that waits."""
    session.pop(_KEY, None)


def _decode(text: str) -> bytes:
    return b64url_decode(text, code="enrolment.not_offered", what="the new key") if text else b""
