"""What is in an artifact, and what of it matters: SPDX, CycloneDX, OpenVEX."""

from __future__ import annotations

from typing import Any

from proofs.canonical import MAX_INTEGER
from proofs.predicates.reading import MAX_LISTED, at, items, text, texts, time

_STATUSES = ("not_affected", "affected", "fixed", "under_investigation")


def read_spdx(predicate: dict[str, Any]) -> dict[str, Any]:
    """SPDX 2: tools, creation time, how many packages and files, and the digests of what the document describes."""
    described = set(texts(predicate, "documentDescribes"))
    for relation in items(predicate, "relationships"):
        if text(relation, "relationshipType") == "DESCRIBES" and text(relation, "spdxElementId") == "SPDXRef-DOCUMENT":
            described.add(text(relation, "relatedSpdxElement") or "")
    packages = items(predicate, "packages")
    roots = [package for package in packages if text(package, "SPDXID") in described]
    return {
        "version": text(predicate, "spdxVersion") or text(predicate, "SPDXID"),
        "name": text(predicate, "name"),
        "tools": texts(predicate, "creationInfo", "creators"),
        "createdAt": time(predicate, "creationInfo", "created"),
        "components": len(packages) + len(items(predicate, "files")),
        "rootDigests": sorted({digest for root in roots for digest in _checksums(root)})[:MAX_LISTED],
    }


def read_spdx_3(predicate: dict[str, Any]) -> dict[str, Any]:
    """SPDX 3 in JSON-LD: the same out of its one list of elements, each told by its type."""
    elements = items(predicate, "@graph")
    made, document = _first_of(elements, "CreationInfo"), _first_of(elements, "SpdxDocument")
    described = set(texts(document, "rootElement"))
    # A root may be a bill of materials, which has roots of its own.
    described |= {root for element in elements if text(element, "spdxId") in described for root in texts(element, "rootElement")}
    roots = [element for element in elements if text(element, "spdxId") in described]
    return {
        "version": text(made, "specVersion"),
        "name": text(document, "name"),
        "tools": texts(made, "createdUsing") or texts(made, "createdBy"),
        "createdAt": time(made, "created"),
        "components": sum(text(element, "type") in ("software_Package", "software_File") for element in elements),
        "rootDigests": sorted({digest for root in roots for digest in _checksums(root, "verifiedUsing", "hashValue")})[:MAX_LISTED],
    }


def read_cyclonedx(predicate: dict[str, Any]) -> dict[str, Any]:
    """CycloneDX JSON: tools, time, how many components, and the digests of the one the document is about."""
    tools = at(predicate, "metadata", "tools")
    listed = tools if isinstance(tools, list) else items(tools, "components")
    root = at(predicate, "metadata", "component")
    hashes = {f"{_algorithm(item)}:{text(item, 'content')}" for item in items(root, "hashes") if text(item, "content") and _algorithm(item)}
    return {
        "version": text(predicate, "specVersion"),
        "name": text(root, "name"),
        "tools": [name for item in listed[:MAX_LISTED] if (name := text(item, "name"))],
        "createdAt": time(predicate, "metadata", "timestamp"),
        "components": len(items(predicate, "components")),
        "rootDigests": sorted(hashes)[:MAX_LISTED],
    }


def read_openvex(predicate: dict[str, Any]) -> dict[str, Any]:
    """OpenVEX: author, time, version, and each statement about a vulnerability. A status of another spelling is None."""
    statements = []
    for item in items(predicate, "statements")[:MAX_LISTED]:
        status = text(item, "status")
        products = [text(product, "@id") or (product if isinstance(product, str) else None) for product in items(item, "products")]
        statements.append(
            {
                "vulnerability": text(item, "vulnerability", "name") or text(item, "vulnerability"),
                "products": [product for product in products if product][:MAX_LISTED],
                "status": status if status in _STATUSES else None,
                "justification": text(item, "justification"),
            }
        )
    version = at(predicate, "version")
    return {
        "author": text(predicate, "author"),
        "timestamp": time(predicate, "timestamp"),
        "version": version if type(version) is int and abs(version) <= MAX_INTEGER else None,
        "statements": statements,
    }


def _first_of(elements: list[Any], kind: str) -> Any:
    return next((element for element in elements if text(element, "type") == kind), None)


def _checksums(package: Any, listed: str = "checksums", name: str = "checksumValue") -> list[str]:
    found = []
    for item in items(package, listed):
        algorithm, value = text(item, "algorithm"), text(item, name)
        if algorithm and value:
            found.append(f"{algorithm.lower()}:{value}")
    return found


def _algorithm(item: Any) -> str | None:
    name = text(item, "alg")
    return name.lower().replace("-", "") if name else None
