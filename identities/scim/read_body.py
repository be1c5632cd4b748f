"""Read what a provider sends into resources and patches, strictly, and say what is wrong with it in SCIM's own words.

The bytes go through the strict JSON reader first (`portal.read_json`): UTF-8, depth, no key twice. Accepted besides the letter of RFC 7644 is
what identity providers are known to send: operations in capitals, values without a path that hold paths themselves, the resource's own id
among them, "False" for false, and entries removed by their value. Not checked here: whether a value may be taken (the acts do).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from scim2_models import Context, Error, PatchOp, Resource, SCIMException

from identities.scim.shapes import POLICY
from proofs.errors import Conflict, Malformed, Refusal, TooLarge

MAX_OPERATIONS = 200
ResourceT = TypeVar("ResourceT", bound=Resource[Any])

# What RFC 7644 section 3.12 calls it → our code.
CODES = {
    "invalidFilter": "scim.filter",
    "invalidPath": "scim.path",
    "invalidSyntax": "scim.syntax",
    "invalidValue": "scim.value",
    "mutability": "scim.mutability",
    "noTarget": "scim.no_target",
    "uniqueness": "scim.uniqueness",
}


def read_resource(model: type[ResourceT], body: Any, *, replaces: bool = False) -> ResourceT:
    """Return what a POST, or with `replaces` a PUT, describes. Refuses with `scim.syntax`, `scim.value` or `scim.mutability`."""
    context = Context.RESOURCE_REPLACEMENT_REQUEST if replaces else Context.RESOURCE_CREATION_REQUEST
    read: ResourceT = _told(lambda: model.model_validate(_object(body), scim_ctx=context, scim_policy=POLICY))
    return read


def replacement(model: type[ResourceT], body: Any) -> Callable[[ResourceT], ResourceT]:
    """Return what a PUT makes of a resource. Refuses as `read_resource` does."""
    wanted = read_resource(model, body, replaces=True)

    def replace(current: ResourceT) -> ResourceT:
        changed = wanted.model_copy(deep=True)
        _told(lambda: changed.replace(current))
        return changed

    return replace


def patching(model: type[ResourceT], body: Any) -> Callable[[ResourceT], ResourceT]:
    """Return what a PATCH makes of a resource; what it does shows when it is applied.

    Refuses with `scim.syntax`, `scim.path`, `scim.value`, `scim.no_target`, `scim.mutability` or `scim.too_many`.
    """
    said = dict(_object(body))
    name = next((key for key in said if key.lower() == "operations"), "Operations")
    operations = said.pop(name, None)
    if not isinstance(operations, list) or not operations or not all(isinstance(each, dict) for each in operations):
        raise Malformed("scim.syntax", "got a patch without operations, expected a list of objects under Operations")
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge("scim.too_many", f"got {len(operations)} operations, expected at most {MAX_OPERATIONS} in one patch")

    def patch(current: ResourceT) -> ResourceT:
        spelled = [one for each in operations for one in _spelled_out(each, str(current.id))]
        if not spelled:
            return current
        whole = {**said, "Operations": spelled}
        kind: Any = PatchOp.__class_getitem__(model)
        read = _told(lambda: kind.model_validate(whole, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY))
        changed = current.model_copy(deep=True)
        _told(lambda: read.patch(changed, scim_policy=POLICY))
        return changed

    return patch


def refusal_of(error: SCIMException | ValidationError) -> Refusal:
    """Return what the library found wrong as a refusal."""
    found = error.to_error() if isinstance(error, SCIMException) else Error.from_validation_error(error.errors()[0])
    code = CODES.get(found.scim_type or "", "scim.syntax")
    sentence = (found.detail or "it cannot be read")[:300]
    return Conflict(code, sentence) if found.status == 409 else Malformed(code, sentence)


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise Malformed("scim.syntax", "got a body that is not an object, expected one with its schemas")
    return body


def _spelled_out(operation: dict[str, Any], own_id: str) -> list[dict[str, Any]]:
    """Return an operation without a path as those it stands for: one for each path among its keys, one for the rest."""
    value = operation.get("value")
    if operation.get("path") is not None or not isinstance(value, dict):
        return [operation]
    # Some providers repeat the id of what they change.
    named = {key: item for key, item in value.items() if not (key.lower() == "id" and item == own_id)}
    paths = [{**operation, "path": key, "value": item} for key, item in named.items() if "[" in key]
    rest = {key: item for key, item in named.items() if "[" not in key}
    return ([{**operation, "value": rest}] if rest else []) + paths


def _told(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (SCIMException, ValidationError) as error:
        raise refusal_of(error) from error
