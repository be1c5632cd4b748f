"""Facts: what verified evidence says, as a JSON value, kept apart by who says it.

`signer` is what the certificate's authority (or the key register) vouches for, `coSigners` further registered keys that signed the same
envelope (only there when there are some); `claims` is what the signed predicate merely says. Nothing moves from the one to the other; `proofs.claims` compares them. No fact is judged here.
"""

from __future__ import annotations

from typing import Any

from proofs.encoding import b64_encode
from proofs.evidence import VerifiedEvidence
from proofs.keys import PublicKey
from proofs.moment import rfc3339
from proofs.predicates.read import read_predicate
from proofs.provenance import PROVENANCE_TYPES, read_parameters, read_provenance
from proofs.sigstore.bundle import VerifiedBundle
from proofs.sigstore.known_certificates import SignerCertificate
from proofs.statement import Statement
from proofs.workflow import split_workflow

# The last number of each Fulcio extension, newer one first (fulcio docs/oid-info.md).
_CERTIFICATE_FACTS: dict[str, tuple[int, ...]] = {
    "sourceRepository": (12,),
    "sourceRepositoryId": (15,),
    "sourceOwnerId": (17,),
    "sourceCommit": (13, 3),
    "sourceRef": (14, 6),
    "runnerEnvironment": (11,),
    "buildConfig": (18,),
    "trigger": (20, 2),
    "runUrl": (21,),
}
# Until mid-2023 certificates of this one issuer named the repository as "owner/name", without its host.
_GITHUB_ISSUER, _OLD_REPOSITORY = "https://token.actions.githubusercontent.com", 5


def extract_facts(verified: VerifiedEvidence, *, as_before_4: bool = False) -> dict[str, Any]:
    """Return the facts of verified evidence, ready for canonical JSON (no floats, times as text).

    Refuses provenance of too many inputs with `statement.too_many_inputs`. `as_before_4` is as in `proofs.provenance.read_provenance`.
    """
    statement, bundle = verified.statement, verified.bundle
    said = read_predicate(statement.predicate_type, statement.predicate)
    return {
        "format": verified.format,
        "statementType": statement.statement_type,
        "predicateType": statement.predicate_type,
        "subjects": [{"name": subject.name, "digests": [str(digest) for digest in subject.digests]} for subject in statement.subjects],
        "signer": _certificate_facts(bundle.certificate) if bundle and bundle.certificate else _key_facts(verified.key),
        **({"coSigners": [_key_facts(key) for key in verified.co_signers]} if verified.co_signers else {}),
        "claims": extract_claims(statement, as_before_4=as_before_4),
        **({"predicate": said} if said is not None else {}),
        **_parameter_facts(statement, as_before_4=as_before_4),
        "times": [{"source": time.source, "at": rfc3339(time.at)} for time in bundle.times] if bundle else [],
        "log": _log_facts(bundle) if bundle else None,
        "trustRoot": bundle.trust_root_digest if bundle else None,
    }


def _key_facts(key: PublicKey) -> dict[str, Any]:
    return {"kind": "key", "keyId": key.key_id}


def _log_facts(bundle: VerifiedBundle) -> dict[str, Any] | None:
    if bundle.log_id is None:
        return None
    # Whoever sends a bundle may call it version 0.1 and leave the proof out, so that it is missing is a fact like any other.
    promised = {} if bundle.has_inclusion_proof else {"inclusion": "promised"}
    return {"logId": b64_encode(bundle.log_id), "index": bundle.log_index, **promised}


def _parameter_facts(statement: Statement, *, as_before_4: bool) -> dict[str, Any]:
    """Return the names of the external parameters that provenance states: what a caller of the build could set."""
    if statement.predicate_type not in PROVENANCE_TYPES:
        return {}
    names = read_parameters(statement.predicate, as_before_4=as_before_4)
    return {} if names is None else {"parameters": names}


def extract_claims(statement: Statement, *, as_before_4: bool = False) -> dict[str, Any]:
    """Return what the predicate says about builder and source; `understood` is False for a type we do not read. Refuses as `extract_facts` does."""
    understood = statement.predicate_type in PROVENANCE_TYPES
    return {**read_provenance(statement.predicate if understood else {}, as_before_4=as_before_4), "understood": understood}


def _certificate_facts(certificate: SignerCertificate) -> dict[str, Any]:
    identity = certificate.identity
    workflow, ref = split_workflow(identity)
    stated = {
        name: next((certificate.claims[number] for number in numbers if number in certificate.claims), None)
        for name, numbers in _CERTIFICATE_FACTS.items()
    }
    if stated["sourceRepository"] is None and certificate.issuer == _GITHUB_ISSUER and _OLD_REPOSITORY in certificate.claims:
        stated["sourceRepository"] = f"https://github.com/{certificate.claims[_OLD_REPOSITORY]}"
    return {
        "kind": "certificate",
        "issuer": certificate.issuer,
        "identity": identity,
        "workflow": workflow,
        "ref": ref,
        **stated,
        "notBefore": rfc3339(certificate.not_before),
        "notAfter": rfc3339(certificate.not_after),
    }
