"""The resources of `/scim/v2` as the portal keeps them (RFC 7643), and what it says of itself. Pure: no database.

Of a user only what the portal shows or decides by is kept: name, address to write to, whether they are active, and their groups. What else a
provider sends is read, not kept, and does not come back. Passwords are never taken. Groups hold users alone, no groups.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    Email,
    ETag,
    External,
    Filter,
    GroupMembership,
    Meta,
    Mutability,
    Name,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    Schema,
    ScimPolicy,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

MAX_RESULTS = 200
# What identity providers do besides the letter of the RFCs: attributes nobody declared, entries removed by their value, and a filter for an
# entry that is not there yet.
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


class User(Resource[Any]):
    """A person (RFC 7643 section 4.1)."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    display_name: str | None = None
    active: bool | None = None
    emails: list[Email] | None = None
    groups: Annotated[list[GroupMembership] | None, Mutability.read_only] = None


class GroupMember(ComplexAttribute):
    """A user in a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(None, serialization_alias="$ref", validation_alias="$ref")
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """A group (RFC 7643 section 4.2)."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    members: list[GroupMember] | None = None


RESOURCES: dict[str, type[Resource[Any]]] = {"User": User, "Group": Group}


def describe_service(base: str) -> ServiceProviderConfig:
    """Return what this server can do (RFC 7643 section 5); `base` is the address of `/scim/v2`."""
    return ServiceProviderConfig(
        documentation_uri=Reference[External](f"{base.removesuffix('/scim/v2')}/api/docs"),
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MAX_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Provisioning token",
                description="A secret of the identity provider, as a bearer token. It opens these addresses and nothing else.",
                primary=True,
            )
        ],
        meta=_meta("ServiceProviderConfig", f"{base}/ServiceProviderConfig"),
    )


def describe_types(base: str) -> list[ResourceType]:
    """Return the kinds of resources (RFC 7643 section 6)."""
    types = [ResourceType.from_resource(model) for model in RESOURCES.values()]
    for found in types:
        found.meta = _meta("ResourceType", f"{base}/ResourceTypes/{found.id}")
    return types


def describe_schemas(base: str) -> list[Schema]:
    """Return what each of them holds (RFC 7643 section 7)."""
    schemas = [model.to_schema() for model in RESOURCES.values()]
    for found in schemas:
        found.meta = _meta("Schema", f"{base}/Schemas/{found.id}")
    return schemas


def _meta(kind: str, location: str) -> Meta:
    return Meta(resource_type=kind, location=location)
