"""What was published, by whom, from which steps: releases, publish attestations, links, SCAI, collections of witness and Chainloop."""

from __future__ import annotations

from typing import Any

from proofs.predicates.reading import MAX_LISTED, at, digests, items, text, texts


def read_release(predicate: dict[str, Any]) -> dict[str, Any]:
    """In-toto release (GitHub's immutable releases among them): package URL, tag, repository and its numbers."""
    return {
        "purl": text(predicate, "purl"),
        "tag": text(predicate, "tag"),
        "repository": text(predicate, "repository"),
        "repositoryId": text(predicate, "repositoryId"),
        "ownerId": text(predicate, "ownerId"),
    }


def read_npm_publish(predicate: dict[str, Any]) -> dict[str, Any]:
    """npm's publish attestation: package, version, registry."""
    return {"name": text(predicate, "name"), "version": text(predicate, "version"), "registry": text(predicate, "registry")}


def read_pypi_publish(predicate: dict[str, Any]) -> dict[str, Any]:
    """PEP 740's publish attestation says nothing beside its subject; the publisher is the certificate's."""
    return {}


def read_link(predicate: dict[str, Any]) -> dict[str, Any]:
    """In-toto link: step, command and the materials that went in."""
    materials = items(predicate, "materials")
    if isinstance(at(predicate, "materials"), dict):
        materials = [{"name": name, "digest": digest} for name, digest in predicate["materials"].items()]
    return {
        "name": text(predicate, "name"),
        "command": texts(predicate, "command"),
        "materials": [
            {"name": text(item, "name") or text(item, "uri"), "digests": digests(item, "digest")} for item in materials[:MAX_LISTED]
        ],
    }


def read_scai(predicate: dict[str, Any]) -> dict[str, Any]:
    """SCAI: attributes that a producer claims, and the evidence it names for each."""
    attributes = []
    for item in items(predicate, "attributes")[:MAX_LISTED]:
        evidence = {"name": text(item, "evidence", "name") or text(item, "evidence", "uri"), "digests": digests(item, "evidence", "digest")}
        attributes.append({"attribute": text(item, "attribute"), "evidence": evidence})
    return {"producer": text(predicate, "producer", "uri") or text(predicate, "producer", "name"), "attributes": attributes}


def read_witness(predicate: dict[str, Any]) -> dict[str, Any]:
    """A witness collection: its step and the types of attestations in it, none of which is read here."""
    return {
        "name": text(predicate, "name"),
        "types": [kind for item in items(predicate, "attestations")[:MAX_LISTED] if (kind := text(item, "type"))],
    }


def read_chainloop(predicate: dict[str, Any]) -> dict[str, Any]:
    """A Chainloop attestation: workflow, project, and the materials it recorded."""
    materials = items(predicate, "materials")
    return {
        "workflow": text(predicate, "metadata", "name"),
        "project": text(predicate, "metadata", "project"),
        "runId": text(predicate, "metadata", "workflowRunID"),
        "materials": [{"name": text(item, "name"), "digests": digests(item, "digest")} for item in materials[:MAX_LISTED]],
    }


def read_reference(predicate: dict[str, Any]) -> dict[str, Any]:
    """In-toto reference: which documents an attester points to."""
    references = [{"name": text(item, "downloadLocation"), "digests": digests(item, "digest")} for item in items(predicate, "references")]
    return {"attester": text(predicate, "attester", "id"), "references": references[:MAX_LISTED]}


def read_runtime_trace(predicate: dict[str, Any]) -> dict[str, Any]:
    """In-toto runtime trace: who watched, and what kinds of events were logged."""
    log = at(predicate, "monitorLog")
    return {
        "monitor": text(predicate, "monitor", "type"),
        "events": texts({"events": sorted(log)} if isinstance(log, dict) else {}, "events"),
    }
