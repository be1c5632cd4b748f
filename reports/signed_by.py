"""The verified evidence that an identity signed, also by name where its signature counts for nobody today. Reads only.

What another identity answers for is that one's, whoever bore the name once.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from attestations.models import Verdict
from attestations.queries import newest_verdicts
from identities.models import EvidenceSigner, Identity


def evidence_signed_by(identity: Identity, registered: Iterable[EvidenceSigner]) -> QuerySet[Verdict]:
    """Return the newest verdicts that prove a signature of the identity's; `registered` are its ways of signing, whatever became of them."""
    bears_name = Q(pk__in=[])
    co_signed = Q(pk__in=[])
    for row in registered:
        if row.method == EvidenceSigner.Method.PUBLIC_KEY:
            bears_name |= Q(signer_issuer="", signer_name=row.key_id)
            co_signed |= Q(co_signer_names__contains=row.key_id)
        else:
            whole = Q(signer_name__startswith=f"{row.certificate_identity}@") if row.any_ref else Q(signer_name=row.certificate_identity)
            bears_name |= Q(signer_issuer=row.certificate_issuer) & whole
    mine = Q(signer=identity) | (Q(signer__isnull=True) & bears_name) | co_signed
    return newest_verdicts().filter(mine, result=Verdict.Result.VERIFIED)
