"""The JSON Schema of policies (draft 2020-12), for editors: it refuses nothing that `parse_policy` reads.

The parser refuses more than a schema can say: a rule id twice, an unknown time zone, a condition that does not compile.
"""

from __future__ import annotations

from importlib.resources import files


def schema_bytes() -> bytes:
    """Return the schema of countersign-policy/v1."""
    return files("proofs.policy").joinpath("policy-v1.schema.json").read_bytes()
