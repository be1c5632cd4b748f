"""Rows about logs, trust-root metadata and documents: suites of proofs, checkpoints, root updates, schemas."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import validator_for
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT7
from securesystemslib.formats import encode_canonical
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root  # type: ignore[attr-defined]  # part of its documented API; not in its __all__

from portal.vectors.check_row import demand_expectation, demand_inputs, demand_names, read_input
from portal.vectors.complain import complaint_of
from portal.vectors.manifest import REJECTED, VERIFIED, Outcome, Row
from proofs.canonical import parse_json
from proofs.checkpoint import Checkpoint, parse_note_key, verify_checkpoint
from proofs.encoding import b64_decode
from proofs.errors import Malformed, Refusal, Unproven
from proofs.merkle import leaf_hash, node_hash, subtree_root, verify_consistency, verify_inclusion
from proofs.sigstore.rekor_checkpoint import verify_rekor_checkpoint
from proofs.sigstore.trust_root import parse_trust_root

DOCUMENTS = ("cyclonedx-", "spdx-", "openvex-")

# What a case of a suite says, and what its file does; `desc` is for people.
_CASE = frozenset(["id", "file", "expected", "description", "note", "source", "origin"])
_INCLUSION = {"leafHash": str, "root": str, "leafIdx": int, "treeSize": int}
_CONSISTENCY = {"root1": str, "root2": str, "size1": int, "size2": int}


def judge_suite(row: Row, now: datetime) -> Outcome:
    """A suite passes when each of its cases comes out as it says."""
    judges: dict[str, Callable[[Row, dict[str, Any]], dict[str, Any]]] = {
        "merkle-inclusion-suite": _inclusion,
        "merkle-consistency-suite": _consistency,
        "tlog-checkpoint-suite": _tiled_checkpoint,
    }
    judge = judges[row.format]
    for case in row.cases:
        if not isinstance(case, dict):
            raise Malformed("vectors.input", f"got {type(case).__name__} for a case, expected an object")
        demand_names(case, _CASE, "a case")
        demand_expectation(case.get("expected"), "what a case expects")
        try:
            outcome = Outcome(VERIFIED, "evidence.verified", "The case holds.", judge(row, case))
        except Refusal as refusal:
            if refusal.code.startswith("vectors."):
                raise
            outcome = Outcome(REJECTED, refusal.code, refusal.reason)
        complaint = complaint_of(case["expected"], outcome)
        if complaint:
            return Outcome(REJECTED, "vectors.case", f"{case.get('file')}: {complaint}")
    if not row.cases:
        return Outcome(REJECTED, "vectors.case", "got a suite without cases")
    return Outcome(VERIFIED, "evidence.verified", f"{len(row.cases)} cases came out as they say.")


def judge_checkpoint(row: Row, now: datetime) -> Outcome:
    """A signed tree head, by a note key or by a Rekor log of the trust root."""
    head = _head(row, row.read("evidence"))
    if row.inputs.get("origin", head.origin) != head.origin:
        raise Unproven("log.origin", f"got the head of the log {head.origin[:120]!r}, expected {row.inputs['origin']!r}")
    return Outcome(VERIFIED, "evidence.verified", "The log signed this head.", _head_facts(head))


def judge_root_update(row: Row, now: datetime) -> Outcome:
    """A TUF root update: the next version, signed by enough keys of the old root and of the new (TUF specification 5.3)."""
    old = read_input(lambda: _root_metadata(row.read("trusted_root_metadata")), "the trusted root metadata")
    new = _root_metadata(row.read("evidence"))
    if new.signed.version != old.signed.version + 1:
        raise Unproven("tuf.version", f"got version {new.signed.version}, expected {old.signed.version + 1}")
    try:
        for root in (old, new):
            root.signed.verify_delegate(Root.type, new.signed_bytes, new.signatures)
    except RepositoryError as error:
        raise Unproven("tuf.signature", f"not enough keys signed the new root ({error})") from error
    return Outcome(VERIFIED, "evidence.verified", "Old and new root signed the update.", {"version": new.signed.version})


def _root_metadata(content: bytes) -> Metadata[Root]:
    value = parse_json(content)
    signed = value.get("signed") if isinstance(value, dict) else None
    said = str(signed.get("spec_version")) if isinstance(signed, dict) else ""
    if re.fullmatch(r"[0-9]+(\.[0-9]+){1,2}", said) and not said.startswith("1."):
        raise Unproven("tuf.spec_version", f"got metadata of version {said[:20]} of the specification, expected version 1")
    try:
        read = Metadata[Root].from_bytes(content)
        is_whole = str(encode_canonical(signed)).encode() == read.signed_bytes
    except Exception as error:
        # The library reads JSON that anyone may have written, and raises whatever comes of it.
        raise Malformed("tuf.malformed", f"got root metadata that cannot be read ({type(error).__name__}: {str(error)[:200]})") from error
    if not isinstance(read.signed, Root):
        raise Malformed("tuf.malformed", f"got metadata of the role {read.signed.type}, expected {Root.type}")
    if not is_whole:
        # The library verifies what it would write itself, and writes some things that it did not read.
        raise Malformed("tuf.malformed", "got root metadata that is not read as it is written")
    return read


def judge_document(row: Row, now: datetime) -> Outcome:
    """A document against its schema; the other schemas beside it are what it may refer to."""
    document = parse_json(row.read("evidence"), allow_floats=True)
    schema = _schema(row.read("schema"))
    schema_id, told = _version_of(row.format, document)
    if not isinstance(schema, dict) or str(schema.get("$id")).removesuffix("#") != schema_id:
        raise Malformed("vectors.input", f"got another schema than {schema_id}, which rows of {row.format} follow")
    folder = (row.folder / row.files["schema"]).parent
    registry: Registry[Any] = Registry()
    for path in sorted(Path(folder).glob("*.json")):
        beside = _schema(path.read_bytes())
        resource = Resource.from_contents(beside, default_specification=DRAFT7)
        registry = registry.with_resource(path.name, resource).with_resource(str(beside.get("$id", path.name)), resource)
    try:
        # The formats `date-time` and `uri` are judged by rfc3339-validator and rfc3986-validator, which jsonschema finds by itself.
        validator = validator_for(schema, default=Draft7Validator)
        validator(schema, registry=registry, format_checker=validator.FORMAT_CHECKER).validate(document)
    except ValidationError as error:
        raise Unproven("document.schema", f"the document does not follow its schema at {error.json_path}: {error.message[:200]}") from error
    except SchemaError as error:
        raise Malformed("vectors.input", f"the schema itself cannot be used ({error.message[:200]})") from error
    except Unresolvable as error:
        raise Malformed("vectors.input", f"the schema refers to {error.ref[:200]!r}, which is not beside it") from error
    except Exception as error:
        # The library takes any schema, and raises whatever comes of one that is none.
        raise Malformed("vectors.input", f"the schema itself cannot be used ({type(error).__name__})") from error
    if not told:
        raise Unproven("document.schema", f"the document says of itself that it is something else than {row.format}")
    return Outcome(VERIFIED, "evidence.verified", "The document follows its schema.")


def _schema(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Malformed("vectors.input", f"got a schema that is no JSON ({type(error).__name__})") from error
    if not isinstance(value, dict):
        raise Malformed("vectors.input", f"got a schema that is {type(value).__name__}, expected an object")
    return value


def _version_of(wanted: str, document: object) -> tuple[str, bool]:
    """Return the id of the schema that documents of a format follow, and whether the document says that it is of this format."""
    said = document if isinstance(document, dict) else {}
    name, _, version = wanted.partition("-")
    if name == "cyclonedx":
        is_one = (said.get("bomFormat"), said.get("specVersion")) == ("CycloneDX", version)
        return f"http://cyclonedx.org/schema/bom-{version}.schema.json", is_one
    if name == "spdx":
        return f"http://spdx.org/rdf/terms/{version}", said.get("spdxVersion") == f"SPDX-{version}"
    is_one = said.get("@context") == f"https://openvex.dev/ns/v{version}"
    return f"https://github.com/openvex/spec/openvex_json_schema_{version}.json", is_one


def _inclusion(row: Row, case: dict[str, Any]) -> dict[str, Any]:
    given, path = _proof(row, case, _INCLUSION)
    leaf, root = _decoded(given["leafHash"], given["root"])
    verify_inclusion(leaf, given["leafIdx"], given["treeSize"], path, root, code="log.inclusion")
    return {}


def _consistency(row: Row, case: dict[str, Any]) -> dict[str, Any]:
    given, path = _proof(row, case, _CONSISTENCY)
    old, new = _decoded(given["root1"], given["root2"])
    verify_consistency(given["size1"], given["size2"], old, new, path, code="log.consistency")
    return {}


def _proof(row: Row, case: dict[str, Any], form: dict[str, type]) -> tuple[dict[str, Any], list[bytes]]:
    """Return the fields of a case's file, each of its type, with the proof decoded; refuses with `vectors.input`."""
    given = read_input(lambda: parse_json(row.read_path(case.get("file"))), "the file of a case")
    if not isinstance(given, dict):
        raise Malformed("vectors.input", f"got a case's file that is {type(given).__name__}, expected an object")
    demand_names(given, frozenset([*form, "proof", "desc", "wantErr"]), f"the case {case['file']}")
    proof = [] if given.get("proof") is None else given["proof"]
    # Whoever writes no bytes as null means the empty ones.
    given |= {name: "" for name, kind in form.items() if kind is str and name in given and given[name] is None}
    wrong = [name for name, kind in form.items() if type(given.get(name)) is not kind]
    if wrong or not isinstance(proof, list):
        raise Malformed("vectors.input", f"got {(wrong or ['proof'])[0]} of another type than the case {case['file']} must have")
    if given.get("wantErr", case["expected"]["verdict"] == REJECTED) is not (case["expected"]["verdict"] == REJECTED):
        raise Malformed("vectors.input", f"the case {case['file']} and its file expect different verdicts")
    return given, _decoded(*("" if item is None else item for item in proof))


def _tiled_checkpoint(row: Row, case: dict[str, Any]) -> dict[str, Any]:
    head = _head(row, row.read_path(case.get("file")))
    leaves = [leaf_hash(entry) for entry in tile_entries(row.read("entries_tile"))] if row.has("entries_tile") else None
    if row.has("hash_tile") and b"".join(leaves or ()) != row.read("hash_tile"):
        raise Malformed("vectors.input", "the tile of hashes is not that of the tile of entries")

    def node(level: int, index: int) -> bytes:
        assert leaves is not None
        return leaves[index] if level == 0 else node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    if leaves is not None and (head.size > len(leaves) or subtree_root(node, 0, head.size) != head.root):
        raise Unproven("log.inclusion", "the head is not the root of the entries")
    return _head_facts(head)


def _head(row: Row, content: bytes) -> Checkpoint:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise Malformed("log.checkpoint_malformed", "got bytes that are not UTF-8 text") from error
    if row.has("vkey"):
        if row.has("trusted_root") or "log_id" in row.inputs:
            raise Malformed("vectors.input", "the row names a note key and a log of a trust root, expected one of the two")
        return verify_checkpoint(text, read_input(lambda: parse_note_key(row.read("vkey").decode().strip()), "the note key"))
    demand_inputs(row, "log_id")
    wanted = b64_decode(row.inputs["log_id"], code="vectors.input", what="the log id")
    root = read_input(lambda: parse_trust_root(row.read("trusted_root")), "the trust root")
    logs = [log for log in root.logs if log.log_id == wanted]
    if not logs:
        raise Unproven("tlog.unknown_log", "the trust root does not know the log that the row names")
    return verify_rekor_checkpoint(text, log=logs[0])


def _head_facts(head: Checkpoint) -> dict[str, Any]:
    return {"origin": head.origin, "tree_size": head.size, "root_hash": base64.b64encode(head.root).decode()}


def _decoded(*texts: object) -> list[bytes]:
    return [b64_decode(text, code="vectors.input", what="a hash of a case") for text in texts]


def tile_entries(tile: bytes) -> list[bytes]:
    """Return the leaves of an entries tile: each behind its length in two bytes (C2SP tlog-tiles)."""
    entries, position = [], 0
    while position < len(tile):
        size = int.from_bytes(tile[position : position + 2], "big")
        entries.append(tile[position + 2 : position + 2 + size])
        position += 2 + size
    return entries
