"""Facts: what verified evidence says, as a JSON value, kept apart by who says it.

`signer` is what the certificate's authority (or the key register) vouches for; `claims` is what the signed predicate merely
says. Nothing moves from the one to the other; `proofs.claims` compares them. No fact is judged here, and text that is not
plain text is left out as if it had not been said.
"""

from __future__ import annotations

import re
from typing import Any

from proofs.digest import LENGTHS
from proofs.encoding import b64_encode
from proofs.evidence import VerifiedEvidence
from proofs.moment import rfc3339
from proofs.sigstore.certificate import SignerCertificate
from proofs.statement import Statement, is_plain_text
from proofs.workflow import split_workflow

SLSA_PROVENANCE_V1 = "https://slsa.dev/provenance/v1"
SLSA_PROVENANCE_V02 = "https://slsa.dev/provenance/v0.2"
MAX_DEPENDENCIES = 1024

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
_COMMIT_ALGORITHMS = ("gitCommit", "sha1")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def extract_facts(verified: VerifiedEvidence) -> dict[str, Any]:
    """Return the facts of verified evidence, ready for canonical JSON (no floats, times as text)."""
    statement, bundle = verified.statement, verified.bundle
    return {
        "format": verified.format,
        "statementType": statement.statement_type,
        "predicateType": statement.predicate_type,
        "subjects": [{"name": subject.name, "digests": [str(digest) for digest in subject.digests]} for subject in statement.subjects],
        "signer": _certificate_facts(bundle.certificate)
        if bundle
        else {"kind": "key", "keyId": verified.key.key_id if verified.key else ""},
        "claims": extract_claims(statement),
        "times": [{"source": "log", "at": rfc3339(bundle.logged_at)}] if bundle else [],
        "log": {"logId": b64_encode(bundle.log_id), "index": bundle.log_index} if bundle else None,
        "trustRoot": bundle.trust_root_digest if bundle else None,
    }


def extract_claims(statement: Statement) -> dict[str, Any]:
    """Return what the predicate says about builder and source; `understood` is False for a type we do not read."""
    if statement.predicate_type == SLSA_PROVENANCE_V1:
        said = _provenance_v1(statement.predicate)
    elif statement.predicate_type == SLSA_PROVENANCE_V02:
        said = _provenance_v02(statement.predicate)
    else:
        said = None
    nothing = dict.fromkeys(("builderId", "buildType", "sourceRepository", "sourceCommit", "sourceRef", "invocationId", "trigger"))
    return {**nothing, "sourceCommits": [], "dependencies": [], **(said or {}), "understood": said is not None}


def _certificate_facts(certificate: SignerCertificate) -> dict[str, Any]:
    identity = certificate.identity
    workflow, ref = split_workflow(identity)
    stated = {
        name: next((certificate.claims[number] for number in numbers if number in certificate.claims), None)
        for name, numbers in _CERTIFICATE_FACTS.items()
    }
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


def _provenance_v1(predicate: dict[str, Any]) -> dict[str, Any]:
    definition, run = _object(predicate, "buildDefinition"), _object(predicate, "runDetails")
    parameters, internal = _object(definition, "externalParameters"), _object(definition, "internalParameters")
    workflow, source = _object(parameters, "workflow"), parameters.get("source")
    dependencies = _dependencies(definition.get("resolvedDependencies"))
    # GitHub's build types name the source as workflow.repository, others as source; a list of dependencies alone names none.
    stated = _text(workflow, "repository") or (source if isinstance(source, str) else _text(_object(parameters, "source"), "uri"))
    repository, ref = _split_source(stated)
    commits, refs = _stated_for(repository, definition.get("resolvedDependencies"))
    return {
        "builderId": _text(_object(run, "builder"), "id"),
        "buildType": _text(definition, "buildType"),
        "sourceRepository": repository,
        "sourceCommit": commits[0] if len(commits) == 1 else None,
        "sourceCommits": commits,
        "sourceRef": refs[0] if len(refs) == 1 else ref or _text(workflow, "ref"),
        "invocationId": _text(_object(run, "metadata"), "invocationId"),
        "trigger": _text(_object(internal, "github"), "event_name") or _text(internal, "GITHUB_EVENT_NAME"),
        "dependencies": dependencies,
    }


def _provenance_v02(predicate: dict[str, Any]) -> dict[str, Any]:
    invocation = _object(predicate, "invocation")
    config = _object(invocation, "configSource")
    repository, ref = _split_source(_text(config, "uri"))
    commit = _git_commit(_object(config, "digest"))
    return {
        "builderId": _text(_object(predicate, "builder"), "id"),
        "buildType": _text(predicate, "buildType"),
        "sourceRepository": repository,
        "sourceCommit": commit,
        "sourceCommits": [commit] if commit else [],
        "sourceRef": ref,
        "invocationId": _text(_object(predicate, "metadata"), "buildInvocationID"),
        "trigger": _text(_object(invocation, "environment"), "github_event_name"),
        "dependencies": _dependencies(predicate.get("materials")),
    }


def _split_source(uri: str | None) -> tuple[str | None, str | None]:
    """Split `git+https://host/owner/name@refs/…` into repository and ref."""
    if uri is None:
        return None, None
    repository, _, ref = uri.removeprefix("git+").partition("@")
    return repository.removesuffix("/").removesuffix(".git") or None, ref or None


def _stated_for(repository: str | None, dependencies: object) -> tuple[list[str], list[str]]:
    """Return every commit and ref the dependencies state for the source itself: more than one is for a check to judge."""
    commits: set[str] = set()
    refs: set[str] = set()
    for item in dependencies[:MAX_DEPENDENCIES] if isinstance(dependencies, list) else []:
        if isinstance(item, dict) and repository is not None:
            location, ref = _split_source(_text(item, "uri"))
            commit = _git_commit(_object(item, "digest"))
            if location == repository and commit is not None:
                commits.add(commit)
                refs.update({ref} if ref else ())
    return sorted(commits), sorted(refs)


def _git_commit(digest: dict[str, Any]) -> str | None:
    for algorithm in _COMMIT_ALGORITHMS:
        value = digest.get(algorithm)
        if isinstance(value, str) and _COMMIT.fullmatch(value):
            return value
    return None


def _dependencies(listed: object) -> list[dict[str, Any]]:
    if not isinstance(listed, list):
        return []
    dependencies = []
    for item in listed[:MAX_DEPENDENCIES]:
        if isinstance(item, dict):
            digest = _object(item, "digest")
            known = [f"{name}:{digest[name]}" for name in (*sorted(LENGTHS), *_COMMIT_ALGORITHMS) if is_plain_text(digest.get(name))]
            dependencies.append({"uri": _text(item, "uri"), "digests": known})
    return dependencies


def _object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def _text(parent: dict[str, Any], name: str) -> str | None:
    value = parent.get(name)
    return value if is_plain_text(value) and value else None
