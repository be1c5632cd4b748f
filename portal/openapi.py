"""What drf-spectacular leaves out of the API's schema: the refusals every operation can answer with."""

from __future__ import annotations

from typing import Any

PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem document. `code` is stable; `detail` is a sentence for people.",
    "required": ["type", "title", "status", "detail", "code", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "instance": {"type": "string"},
    },
}
ALWAYS = {
    "400": "Cannot be read",
    "401": "No credential, or not a good one",
    "403": "Not allowed",
    "405": "Method not allowed",
    "406": "Format not available",
    "429": "Too often; `Retry-After` says how many seconds to wait",
}
WITH_ID = {"404": "Not found, or not for you"}
WITH_BODY = {"409": "Not in this state", "413": "Too large", "415": "Not this kind of content", "422": "Does not verify"}


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the problem schema and the refusals to every operation. drf-spectacular's post-processing hook."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            refusals = {**ALWAYS, **(WITH_ID if "{" in path else {}), **(WITH_BODY if method in ("post", "put", "patch") else {})}
            for status, description in refusals.items():
                operation["responses"].setdefault(status, {"description": description, "content": content})
    return result
