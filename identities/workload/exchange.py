"""Exchange a workload token, once, for a credential of a quarter of an hour.

The token is judged by `identities.workload.judge`; here it is held against the registered issuers and bindings, and used up. Everything
behind the exchange is as with any stored credential. Not checked here: how often somebody tries; the door's throttle counts that.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.issue import store_credential
from identities.models import ApiCredential, Identity, TokenExchange, TokenIssuer, WorkloadBinding
from identities.workload.issuers import keys_of
from identities.workload.judge import ProvedToken, choose_binding, judge_token
from proofs.errors import Conflict, NotAllowed
from proofs.tokens.compact import read_token

# The claim with the number of whoever set off the job, the issuer that writes it for everybody, and what accounts there are called here.
ACTORS = (("actor_id", "https://token.actions.githubusercontent.com", "github"), ("user_id", "https://gitlab.com", "gitlab"))
CREDENTIAL_LIFE = timedelta(minutes=15)


def exchange_token(*, unverified_token: str, audience: str, now: datetime) -> tuple[ApiCredential, str]:
    """Return a new credential of the identity that a token proves, and its secret, which cannot be shown again.

    `audience` is the portal's own address. Must not run inside a transaction (`keys_of`). Refuses with `token.issuer_unknown`,
    `token.issuer_unreachable`, `token.replayed`, `token.no_binding`, `token.ambiguous`, `identity.not_active`, or as `read_token` and
    `judge_token` do.
    """
    token = read_token(unverified_token)
    issuer = TokenIssuer.objects.filter(url=token.issuer, removed_at__isnull=True).first()
    if issuer is None:
        raise NotAllowed("token.issuer_unknown", f"got a token of {token.issuer[:200]!r}, which is no token issuer here")
    keys = keys_of(issuer, kid=token.kid, now=now)
    proved = judge_token(token, issuer=issuer.url, algorithms=issuer.algorithms, keys=keys, audience=audience, now=now)
    return _use_up(proved, issuer, now)


@transaction.atomic
def _use_up(proved: ProvedToken, issuer: TokenIssuer, now: datetime) -> tuple[ApiCredential, str]:
    binding = _find_binding(proved, issuer, now)
    credential, secret = store_credential(identity=binding.identity, scopes=binding.scopes, expires_at=now + CREDENTIAL_LIFE, now=now)
    try:
        with transaction.atomic():
            # 9. Once: the row of an earlier use, or of one at this very moment, stands in the way.
            TokenExchange.objects.create(
                use_sha256=proved.use_sha256,
                binding=binding,
                credential=credential,
                subject=proved.subject,
                **_actor_of(proved, issuer),
                exchanged_at=now,
            )
    except IntegrityError as error:
        raise Conflict("token.replayed", "got a token that was used before, expected a new one; each is exchanged once") from error
    document = {"credential": credential.pk, "identity": binding.identity_id, "binding": binding.pk, "use": proved.use_sha256}
    append_identity_event(event="credential.exchanged", document=document, by=binding.identity, now=now)
    return credential, secret


def _actor_of(proved: ProvedToken, issuer: TokenIssuer) -> dict[str, str]:
    """Return who set off the job, where the token says so: a number at the platform, which says its own name where it is not the usual one."""
    for claim, usual, provider in ACTORS:
        said = proved.claims.get(claim)
        if isinstance(said, str) and re.fullmatch(r"[1-9][0-9]{0,18}", said):
            host = urlsplit(issuer.url).hostname or ""
            return {"actor_provider": provider if issuer.url == usual else host[:60], "actor_id": said}
    return {}


def _find_binding(proved: ProvedToken, issuer: TokenIssuer, now: datetime) -> WorkloadBinding:
    # Not held: a binding that is revoked at this moment takes the credential with it, since each call asks again.
    rows = WorkloadBinding.objects.filter(issuer=issuer, revoked_at__isnull=True, valid_from__lte=now)
    chosen = choose_binding(proved.claims, dict(rows.values_list("pk", "claims")))
    binding = rows.select_related("identity__owner", "identity__team").get(pk=chosen)
    identity = binding.identity
    if identity.status != Identity.Status.ACTIVE or identity.owner is None or identity.owner.status != Identity.Status.ACTIVE:
        raise NotAllowed("identity.not_active", f"{identity.name}, or whoever answers for it, is not active")
    return binding
