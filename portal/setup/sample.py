"""Sample data in a real portal: one program in the administrator's own team, and one artifact with evidence it really signed.

The key is made for the one signature and thrown away; nothing else is trusted because of it, no policy rests on it and no gate opens for it.
Switched off, the program is retired: what it signed stays in the log, as everything does, and counts for nothing.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.db import transaction
from django.db.models import QuerySet

from attestations.receive import receive_attestation
from identities.grants.grant_right import grant_right
from identities.lifecycle.change_status import retire_identity
from identities.models import Grant, Identity, Team
from identities.permissions import demand, readable_whole_teams
from identities.register import register_nonhuman, register_signer
from proofs.canonical import canonical_bytes
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, pae
from proofs.encoding import b64_encode
from proofs.errors import Conflict
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

ISSUER = "urn:countersign:sample"
PROVENANCE = "https://slsa.dev/provenance/v1"
NAME = "Sample builder"


def list_samples(person: Identity) -> QuerySet[Identity]:
    """Return the active sample programs of the teams this person sets up; what another team looks at is theirs to switch off."""
    samples = Identity.objects.filter(issuer=ISSUER, team__in=readable_whole_teams(person, "portal.set_up"))
    return samples.exclude(status=Identity.Status.RETIRED)


@transaction.atomic
def add_sample(*, team: Team, by: Identity, now: datetime) -> Identity:
    """Register the sample program and send its evidence; return the program. The caller nudges the worker.

    Refuses with `sample.there`, `permission.missing` or as the acts it calls do.
    """
    demand(by, "portal.set_up", team=team)
    # The team's row is the queue of two administrators who press the button at once.
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    if list_samples(by).filter(team=team).exists():
        raise Conflict("sample.there", "sample data is on already; switch it off first")
    key = ec.generate_private_key(ec.SECP256R1())
    since = now.replace(microsecond=0)
    program = register_nonhuman(
        kind=Identity.Kind.KEY,
        name=NAME,
        issuer=ISSUER,
        subject=f"{team.slug} {rfc3339(since)}",
        purpose="Sample data, to look at; nothing rests on it",
        owner=by,
        team=team,
        by=by,
        now=since,
    )
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    register_signer(identity=program, public_key_pem=pem, by=by, now=since)
    grant_right(identity=program, right=Grant.Right.ATTEST, object=PROVENANCE, reason="Sample data", by=by, now=since)
    receive_attestation(content=_evidence(key, since), by=program, now=since)
    return program


@transaction.atomic
def retire_sample(*, by: Identity, now: datetime) -> int:
    """Retire the sample programs of one's own teams; return how many there were. Refuses with `permission.missing` or as the act it calls does."""
    demand(by, "portal.set_up")
    programs = list(list_samples(by))
    for program in programs:
        retire_identity(identity=program, reason="Sample data switched off", by=by, now=now)
    return len(programs)


def sample_digest() -> str:
    """Return the digest of the sample artifact, as its address spells it."""
    return f"sha256:{hashlib.sha256(b'the sample artifact of Countersign').hexdigest()}"


def _evidence(key: ec.EllipticCurvePrivateKey, now: datetime) -> bytes:
    statement = canonical_bytes(
        {
            "_type": STATEMENT_V1,
            "subject": [{"name": "sample-app-1.0.0.tar.gz", "digest": {"sha256": sample_digest().partition(":")[2]}}],
            "predicateType": PROVENANCE,
            "predicate": {
                "buildDefinition": {
                    "buildType": "urn:countersign:sample:build",
                    "externalParameters": {"source": "git+https://git.example/sample-app"},
                    "resolvedDependencies": [
                        {"uri": "git+https://git.example/sample-app", "digest": {"gitCommit": hashlib.sha1(b"sample").hexdigest()}}  # noqa: S324
                    ],
                },
                "runDetails": {"builder": {"id": ISSUER}, "metadata": {"startedOn": rfc3339(now)}},
            },
        }
    )
    signature = key.sign(pae(IN_TOTO_PAYLOAD_TYPE, statement), ec.ECDSA(SHA256()))
    envelope = {"payloadType": IN_TOTO_PAYLOAD_TYPE, "payload": b64_encode(statement), "signatures": [{"sig": b64_encode(signature)}]}
    return canonical_bytes(envelope)
