"""The one place where a refusal becomes HTTP: a page for people, an RFC 9457 problem document for programs.

A refusal is an answer and says why. Anything else that is raised is a bug: it becomes a 500 that says nothing of the inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from rest_framework import exceptions as api_exceptions
from rest_framework.views import set_rollback

from portal.log import loggable_path
from proofs.errors import Refusal

STATUS = {
    "malformed": 400,
    "not_allowed": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "unproven": 422,
    "rate_limited": 429,
    "unavailable": 503,
}
TITLES = {
    400: "We cannot read this",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Not done this way",
    406: "Not in this format",
    409: "Not in this state",
    411: "Of what length?",
    413: "Too large",
    415: "Not this kind of content",
    422: "It does not verify",
    429: "Too often",
    500: "Something broke",
    503: "Not available now",
}
API_CODES = {
    401: "credential.missing",
    403: "permission.missing",
    404: "url.not_found",
    405: "method.not_allowed",
    406: "format.not_available",
    415: "content_type.unsupported",
    429: "rate.limited",
}
API_PREFIX = "/api/"
SCIM_PREFIX = "/scim/v2"
# What RFC 7644 section 3.12 calls it; a refusal without a word of its there has none.
SCIM_TYPES = {
    "scim.filter": "invalidFilter",
    "scim.path": "invalidPath",
    "scim.value": "invalidValue",
    "scim.syntax": "invalidSyntax",
    "scim.mutability": "mutability",
    "scim.no_target": "noTarget",
    "scim.uniqueness": "uniqueness",
    "request.malformed": "invalidSyntax",
}
# A precondition has a status of its own (RFC 9110 section 15.5.13).
SCIM_STATUS = {"scim.version": 412}
PROBLEM_TYPE = "urn:countersign:problem:"
log = structlog.get_logger("portal.errors")


def problem_document(*, status: int, code: str, detail: str, instance: str) -> dict[str, Any]:
    """Build the RFC 9457 body. `code` is stable and repeated in `type`; `detail` is the sentence for people."""
    return {
        "type": PROBLEM_TYPE + code,
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "code": code,
        "instance": instance,
    }


def scim_error(*, status: int, code: str, detail: str) -> dict[str, Any]:
    """Build the error document of RFC 7644 section 3.12. Our code stands in front of the sentence, since the document has no member for it."""
    kind = "invalidSyntax" if code.startswith("json.") else SCIM_TYPES.get(code)
    document = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "detail": f"{code}: {detail}"}
    return {**document, "scimType": kind} if kind else document


def is_scim(request: HttpRequest) -> bool:
    """Identity providers that provision get SCIM's own errors."""
    return request.path == SCIM_PREFIX or request.path.startswith(f"{SCIM_PREFIX}/")


def wants_problem(request: HttpRequest) -> bool:
    """Programs get problem documents: under /api/, or whoever prefers JSON to HTML."""
    if request.path.startswith(API_PREFIX):
        return True
    preferred = request.get_preferred_type(["text/html", "application/json", "application/problem+json"])
    return preferred is not None and preferred != "text/html"


def answer(request: HttpRequest, *, status: int, code: str, detail: str) -> HttpResponse:
    """Answer with a page, a problem document, or under /scim/v2 an error of SCIM, whichever the asker reads."""
    response: HttpResponse
    if is_scim(request):
        status = SCIM_STATUS.get(code, status)
        document = scim_error(status=status, code=code, detail=detail)
        response = JsonResponse(document, status=status, content_type="application/scim+json")
    elif wants_problem(request):
        document = problem_document(status=status, code=code, detail=detail, instance=loggable_path(request))
        response = JsonResponse(document, status=status, content_type="application/problem+json")
    else:
        context = {"status": status, "code": code, "reason": as_sentence(detail), "heading": TITLES.get(status, "Refused")}
        # A page of its own for a 500: the layout reads the session and the database, which may be what broke.
        template = "portal/broken.html" if status >= 500 else "portal/refusal.html"
        page = render_to_string(template, context, request=None if status >= 500 else request)
        response = HttpResponse(page, status=status)
    patch_vary_headers(response, ["Accept"])
    response["Cache-Control"] = "no-store"
    return response


def answer_refusal(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Answer a refusal with the status of its kind."""
    status = STATUS[refusal.kind]
    log.info("refused", code=refusal.code, status=status, path=loggable_path(request))
    return answer(request, status=status, code=refusal.code, detail=refusal.reason)


class RefusalMiddleware:
    """Turns a refusal that a page's view raised into its page. API views come through `problem_response` instead."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return answer_refusal(request, exception) if isinstance(exception, Refusal) else None


def problem_response(exception: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer what an API view raised. REST framework's exception hook; None means a bug, which becomes a 500."""
    request: HttpRequest = context["request"]._request
    response: HttpResponse | None = None
    if isinstance(exception, Refusal):
        response = answer_refusal(request, exception)
    elif isinstance(exception, Http404):
        response = answer(request, status=404, code="url.not_found", detail="There is nothing at this address, or not for you.")
    elif isinstance(exception, PermissionDenied):
        response = answer(request, status=403, code="permission.missing", detail=str(exception) or "You may not do this.")
    elif isinstance(exception, RequestDataTooBig):
        response = answer(request, status=413, code="request.too_large", detail="The request is over the size this portal accepts.")
    elif isinstance(exception, api_exceptions.ValidationError):
        response = answer(request, status=400, code="request.invalid", detail=_sentence_of(exception.detail))
    elif isinstance(exception, api_exceptions.ParseError):
        response = answer(request, status=400, code="request.malformed", detail=str(exception.detail))
    elif isinstance(exception, api_exceptions.APIException):
        status = exception.status_code
        # A code of our own has a dot; REST framework's own words do not.
        said = exception.get_codes()
        code = said if isinstance(said, str) and "." in said else API_CODES.get(status, "request.refused")
        response = answer(request, status=status, code=code, detail=_sentence_of(exception.detail))
        for attribute, header in (("auth_header", "WWW-Authenticate"), ("wait", "Retry-After")):
            if value := getattr(exception, attribute, None):
                response[header] = str(int(value) if header == "Retry-After" else value)
    if response is not None:
        set_rollback()
    return response


def as_sentence(detail: str) -> str:
    """Return what programs are told in the middle of a line as a page says it: with a capital letter and a full stop."""
    whole = f"{detail[:1].upper()}{detail[1:]}"
    return whole if not whole or whole[-1] in ".?!" else f"{whole}."


def _sentence_of(detail: Any) -> str:
    """Flatten REST framework's nested error detail into one line that names each field."""
    if isinstance(detail, dict):
        return " ".join(f"{name}: {_sentence_of(inner)}" for name, inner in detail.items())
    if isinstance(detail, list):
        return " ".join(_sentence_of(inner) for inner in detail)
    return str(detail)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400: a request that breaks the rules of HTTP or of our size limits."""
    if isinstance(exception, RequestDataTooBig):
        return answer(request, status=413, code="request.too_large", detail="The request is over the size this portal accepts.")
    what = "suspicious" if isinstance(exception, SuspiciousOperation) else "malformed"
    return answer(request, status=400, code=f"request.{what}", detail="This request is not one the portal understands.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 403."""
    return answer(request, status=403, code="permission.missing", detail=str(exception) or "You may not do this.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404. Says the same whether a thing is absent or not for this reader."""
    return answer(request, status=404, code="url.not_found", detail="There is nothing at this address, or not for you.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500: says nothing of the inside; the log line with the same request id does."""
    return answer(
        request,
        status=500,
        code="portal.broken",
        detail="The portal made a mistake. Nothing was approved by this. The log has the details.",
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form that does not prove it came from our own page."""
    return answer(
        request,
        status=403,
        code="form.not_ours",
        detail="This form is too old or did not come from this portal. Go back, reload the page and send it again.",
    )
