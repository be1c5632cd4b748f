"""What verified evidence says, in the words of the manifests, read from the verified values and nowhere else."""

from __future__ import annotations

import base64
import json
from typing import Any

from proofs.canonical import parse_json
from proofs.errors import Refusal
from proofs.evidence import VerifiedEvidence
from proofs.facts import extract_facts
from proofs.predicates.reading import at, items
from proofs.sigstore.bundle import LOG, TIMESTAMP
from proofs.statement import Statement

# The last number of a Fulcio extension for facts that our own facts leave out.
_CLAIMS = {"build_signer_uri": 9, "build_signer_digest": 10, "source_visibility": 22}


def statement_facts(statement: Statement) -> dict[str, Any]:
    """Return what a statement says: its types, its subjects with every digest, and what provenance names."""
    provenance = statement.predicate
    facts: dict[str, Any] = {
        "statement_type": statement.statement_type,
        "predicate_type": statement.predicate_type,
        "subjects": [
            {"name": subject.name, "digest": {digest.algorithm: digest.hex for digest in subject.digests} | dict(subject.others)}
            for subject in statement.subjects
        ],
        "builder_id": at(provenance, "runDetails", "builder", "id") or at(provenance, "builder", "id"),
        "build_type": at(provenance, "buildDefinition", "buildType") or provenance.get("buildType") or at(provenance, "recipe", "type"),
        "workflow": at(provenance, "buildDefinition", "externalParameters", "workflow"),
        "config_source": at(provenance, "invocation", "configSource"),
        "resolved_dependencies": items(provenance, "buildDefinition", "resolvedDependencies"),
    }
    return facts


def evidence_facts(verified: VerifiedEvidence) -> dict[str, Any]:
    """Return what one item of evidence proved: its statement or file, its signer, its log entry and its times."""
    statement, bundle, facts = verified.statement, verified.bundle, extract_facts(verified)
    if statement.is_bare_file:
        (digest,) = statement.subjects[0].digests
        found: dict[str, Any] = {"message_digest": {digest.algorithm: digest.hex}}
    else:
        found = statement_facts(statement)
    if bundle is None:
        return found
    if bundle.certificate is not None:
        signer = facts["signer"]
        found |= {
            "signer_identity": signer["identity"],
            "issuer": signer["issuer"],
            "runner_environment": signer["runnerEnvironment"],
            "source_repository": signer["sourceRepository"],
            "source_commit": signer["sourceCommit"],
            "source_ref": signer["sourceRef"],
            "build_config_uri": signer["buildConfig"],
            "build_trigger": signer["trigger"],
            "run_invocation_uri": signer["runUrl"],
            "certificate_not_before": signer["notBefore"],
            "certificate_not_after": signer["notAfter"],
        }
        found |= {name: bundle.certificate.claims.get(number) for name, number in _CLAIMS.items()}
    stamps = sum(time.source == TIMESTAMP for time in bundle.times)
    if stamps:
        found["rfc3161_timestamps"] = stamps
    if bundle.log_id is not None:
        promised = [int(time.at.timestamp()) for time in bundle.times if time.source == LOG]
        found["tlog"] = [
            {
                "kind": "/".join(bundle.entry_kind or ()),
                "log_index": bundle.log_index,
                "log_id": base64.b64encode(bundle.log_id).decode(),
                "has_inclusion_proof": bundle.has_inclusion_proof,
                "has_inclusion_promise": bool(promised),
                **({"integrated_time": promised[0]} if promised else {}),
            }
        ]
    return found


def payload_facts(payload_type: str, payload: bytes, signed: bytes) -> dict[str, Any]:
    """Return what a verified envelope carries, whatever kind of payload it is."""
    found: dict[str, Any] = {
        "payload_type": payload_type,
        "pae_utf8": signed.decode("utf-8", "replace"),
        "payload_utf8": payload.decode("utf-8", "replace"),
    }
    try:
        value = parse_json(payload)
    except Refusal:
        # Any payload may be signed; one that is no JSON has no more facts.
        return found
    if isinstance(value, dict) and isinstance(value.get("_type"), str):
        found["statement_type"] = value["_type"]
    return found


def differences(expected: dict[str, Any], found: dict[str, Any], path: str = "") -> list[str]:
    """Return where `found` does not say what `expected` says; what only `found` says is no difference.

    A name that `found` does not have is one, also where nothing is expected of it: nobody looked.
    """
    wrong = []
    for name, wanted in expected.items():
        if name not in found:
            wrong.append(f"{path}{name}: nothing here says it, expected {json.dumps(wanted)[:120]}")
            continue
        got = found[name]
        if name == "message_digest" and isinstance(got, dict) and isinstance(wanted, dict):
            # One published row files a SHA-384 under another name. Its length says which it is; the value is what counts.
            wanted, got = sorted(wanted.values()), sorted(got.values())
        if isinstance(wanted, dict) and isinstance(got, dict):
            wrong += differences(wanted, got, f"{path}{name}.")
        elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
            for number, (one, other) in enumerate(zip(wanted, got, strict=True)):
                wrong += differences({str(number): one}, {str(number): other}, f"{path}{name}.")
        elif type(wanted) is not type(got) or wanted != got:
            wrong.append(f"{path}{name}: got {json.dumps(got)[:120]}, expected {json.dumps(wanted)[:120]}")
    return wrong
