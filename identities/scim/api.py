"""The doors of `/scim/v2` (RFC 7644): users, groups, and what the server says of itself. A provider finds what it provisioned, nothing else.

Errors are SCIM's own documents (`portal.errors`). Not done: bulk, sorting, `/Me`, and searching by POST.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from pydantic import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView
from scim2_models import Context, Resource, ResponseParameters, SCIMException

from identities.models import IdentityProvider, ProvisionedGroup, ProvisionedPerson
from identities.scim.authentication import IsProvisioner, ProvisioningAuthentication
from identities.scim.change_group import change_group
from identities.scim.change_person import change_person
from identities.scim.describe import base_address, describe_group, describe_person
from identities.scim.described_person import read_person
from identities.scim.filters import GROUPS, PEOPLE, read_filter
from identities.scim.provision_group import provision_group
from identities.scim.provision_person import provision_person
from identities.scim.read_body import patching, read_resource, refusal_of, replacement
from identities.scim.remove_group import remove_group
from identities.scim.remove_person import remove_person
from identities.scim.shapes import MAX_RESULTS, Group, User, describe_schemas, describe_service, describe_types
from proofs.canonical import parse_json
from proofs.errors import Malformed, NotAllowed, NotFound

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
DEFAULT_RESULTS = 100


class ScimParser(BaseParser):
    """Reads application/scim+json as strictly as the rest of the API reads its JSON. Refuses as `parse_json` does."""

    media_type = "application/scim+json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return parse_json(stream.read())


class ScimRenderer(JSONRenderer):
    """Writes application/scim+json."""

    media_type = "application/scim+json"


@extend_schema(exclude=True)
class ScimView(APIView):
    """What every door of `/scim/v2` demands: a provisioning token."""

    required_scope = "scim"
    authentication_classes = (ProvisioningAuthentication,)
    permission_classes = (IsProvisioner,)
    parser_classes = (ScimParser, *api_settings.DEFAULT_PARSER_CLASSES)
    renderer_classes = (ScimRenderer, JSONRenderer)

    @property
    def provider(self) -> IdentityProvider:
        """The identity provider that calls."""
        caller: Any = self.request.user
        found: IdentityProvider = caller.provider
        return found


class ServiceView(ScimView):
    """What the server can do."""

    def get(self, request: Request) -> Response:
        return Response(_dumped(describe_service(base_address())))


class TypesView(ScimView):
    """The kinds of resources, or one of them."""

    def get(self, request: Request, key: str = "") -> Response:
        return _described(request, describe_types(base_address()), key)


class SchemasView(ScimView):
    """What they hold, or one of them."""

    def get(self, request: Request, key: str = "") -> Response:
        return _described(request, describe_schemas(base_address()), key)


class NothingView(ScimView):
    """Every other address."""

    def handle(self, request: Request, rest: str = "") -> Response:
        raise NotFound("url.not_found", "There is nothing at this address.")

    get = post = put = patch = delete = handle


class UsersView(ScimView):
    """List people, and provision one."""

    def get(self, request: Request) -> Response:
        wanted = _wanted(request, User)
        condition = read_filter(request.query_params.get("filter", ""), PEOPLE, schema=str(User.__schema__))
        return _page(request, _people(self.provider).filter(condition), lambda row: _dumped(describe_person(row), wanted))

    def post(self, request: Request) -> Response:
        wanted = _wanted(request, User)
        said = read_person(read_resource(User, request.data))
        row = provision_person(provider=self.provider, person=said, now=timezone.now())
        return _answered(describe_person(row), wanted, status=201)


class UserView(ScimView):
    """One person: read, replace, change, remove."""

    def get(self, request: Request, key: str) -> Response:
        return _answered(
            describe_person(_person(self.provider, key)), _wanted(request, User), seen=request.headers.get("If-None-Match", "")
        )

    def put(self, request: Request, key: str) -> Response:
        return self._change(request, key, replacement(User, request.data))

    def patch(self, request: Request, key: str) -> Response:
        return self._change(request, key, patching(User, request.data))

    def delete(self, request: Request, key: str) -> Response:
        remove_person(person=_person(self.provider, key), if_match=request.headers.get("If-Match", ""), now=timezone.now())
        return Response(status=204)

    def _change(self, request: Request, key: str, edit: Any) -> Response:
        wanted, person = _wanted(request, User), _person(self.provider, key)
        change_person(person=person, edit=edit, if_match=request.headers.get("If-Match", ""), now=timezone.now())
        return _answered(describe_person(_person(self.provider, key)), wanted)


class GroupsView(ScimView):
    """List groups, and provision one."""

    def get(self, request: Request) -> Response:
        wanted, full = _wanted(request, Group), _asks_members(request)
        condition = read_filter(request.query_params.get("filter", ""), GROUPS, schema=str(Group.__schema__))
        rows = _groups(self.provider, full=full).filter(condition)
        return _page(request, rows, lambda row: _dumped(describe_group(row, with_members=full), wanted))

    def post(self, request: Request) -> Response:
        wanted = _wanted(request, Group)
        row = provision_group(provider=self.provider, wanted=read_resource(Group, request.data), now=timezone.now())
        return _answered(describe_group(row), wanted, status=201)


class GroupView(ScimView):
    """One group: read, replace, change, remove."""

    def get(self, request: Request, key: str) -> Response:
        row = _group(self.provider, key)
        found = describe_group(row, with_members=_asks_members(request))
        return _answered(found, _wanted(request, Group), seen=request.headers.get("If-None-Match", ""))

    def put(self, request: Request, key: str) -> Response:
        return self._change(request, key, replacement(Group, request.data))

    def patch(self, request: Request, key: str) -> Response:
        return self._change(request, key, patching(Group, request.data))

    def delete(self, request: Request, key: str) -> Response:
        remove_group(group=_group(self.provider, key), if_match=request.headers.get("If-Match", ""), now=timezone.now())
        return Response(status=204)

    def _change(self, request: Request, key: str, edit: Any) -> Response:
        wanted, group = _wanted(request, Group), _group(self.provider, key)
        change_group(group=group, edit=edit, if_match=request.headers.get("If-Match", ""), now=timezone.now())
        return _answered(describe_group(_group(self.provider, key)), wanted)


def _people(provider: IdentityProvider) -> QuerySet[ProvisionedPerson]:
    rows = ProvisionedPerson.objects.filter(provider=provider, removed_at__isnull=True)
    return rows.prefetch_related("groups").order_by("created_at", "pk")


def _groups(provider: IdentityProvider, *, full: bool = True) -> QuerySet[ProvisionedGroup]:
    rows = ProvisionedGroup.objects.filter(provider=provider).order_by("created_at", "pk")
    return rows.prefetch_related("members") if full else rows


def _person(provider: IdentityProvider, key: str) -> ProvisionedPerson:
    row = _people(provider).filter(pk=key).first()
    if row is None:
        raise NotFound("scim.unknown", f"there is no user {key[:60]} that you provisioned")
    return row


def _group(provider: IdentityProvider, key: str) -> ProvisionedGroup:
    row = _groups(provider).filter(pk=key).first()
    if row is None:
        raise NotFound("scim.unknown", f"there is no group {key[:60]} that you provisioned")
    return row


def _asks_members(request: Request) -> bool:
    return "members" not in request.query_params.get("excludedAttributes", "").lower().replace(" ", "").split(",")


def _wanted(request: Request, model: type[Resource[Any]]) -> ResponseParameters[Any]:
    """Return which attributes the answer shall have. Refuses with a code of `scim.`; asked first, so that nothing is done where it is wrong."""
    said = {name: request.query_params[name] for name in ("attributes", "excludedAttributes") if request.query_params.get(name)}
    kind: Any = ResponseParameters.__class_getitem__(model)
    try:
        read: ResponseParameters[Any] = kind.model_validate(said)
    except (SCIMException, ValidationError) as error:
        raise refusal_of(error) from error
    return read


def _dumped(found: Resource[Any], wanted: ResponseParameters[Any] | None = None) -> dict[str, Any]:
    return found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=wanted)


def _answered(found: Resource[Any], wanted: ResponseParameters[Any], *, status: int = 200, seen: str = "") -> Response:
    meta: Any = found.meta
    headers = {"ETag": meta.version, "Cache-Control": "no-store"}
    if status == 201:
        headers["Location"] = meta.location
    if seen and meta.version in [tag.strip() for tag in seen.split(",")]:
        return Response(status=304, headers=headers)
    return Response(_dumped(found, wanted), status=status, headers=headers)


def _page(request: Request, rows: QuerySet[Any], dump: Any) -> Response:
    """Answer with one page of a list (RFC 7644 section 3.4.2.4). Refuses with `scim.value`."""
    start = max(1, _number(request, "startIndex", 1))
    count = min(MAX_RESULTS, max(0, _number(request, "count", DEFAULT_RESULTS)))
    return Response(_list([dump(row) for row in rows[start - 1 : start - 1 + count]], total=rows.count(), start=start))


def _list(shown: Sequence[dict[str, Any]], *, total: int, start: int = 1) -> dict[str, Any]:
    return {"schemas": [LIST], "totalResults": total, "startIndex": start, "itemsPerPage": len(shown), "Resources": list(shown)}


def _number(request: Request, name: str, usual: int) -> int:
    text = request.query_params.get(name, "").strip()
    if not text:
        return usual
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise Malformed("scim.value", f"got {name}={text[:20]!r}, expected a whole number")
    return int(text)


def _described(request: Request, known: Sequence[Resource[Any]], key: str) -> Response:
    if request.query_params.get("filter"):
        # RFC 7644 section 4 says so of these addresses.
        raise NotAllowed("permission.missing", "Nothing is looked up by a filter here.")
    if not key:
        return Response(_list([_dumped(each) for each in known], total=len(known)))
    found = next((each for each in known if str(each.id).lower() == key.lower()), None)
    if found is None:
        raise NotFound("scim.unknown", f"there is no {key[:100]} here")
    return Response(_dumped(found))
