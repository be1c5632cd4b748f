"""The register as a file, out and in. The page that takes one in shows what would change, and does it only when told to."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from identities.bulk.document import MALFORMED, ProgramRow, parse_programs, write_csv, write_json
from identities.bulk.export_programs import list_programs
from identities.bulk.forms import MAX_PAGE_BYTES, MAX_PAGE_PARTS, MAX_PAGE_PROGRAMS, InputContent, InputFile
from identities.bulk.import_programs import Outcome, import_programs
from identities.hold_in_memory import HoldInMemory
from identities.models import Identity
from identities.permissions import person_of, requires
from identities.sign_in.recently import proved_recently
from proofs.encoding import b64_decode
from proofs.errors import NotFound, Refusal, TooLarge

WRITERS: dict[str, tuple[Callable[[Iterable[ProgramRow]], str], str]] = {
    "csv": (write_csv, "text/csv; charset=utf-8"),
    "json": (write_json, "application/json"),
}


@never_cache
@require_safe
@requires("identities.read")
def export(request: HttpRequest, form: str) -> HttpResponse:
    """Send every program of the register, with its signers and grants in force."""
    if form not in WRITERS:
        raise NotFound("page.unknown", f"The register is exported as csv or json, not as {form[:20]}.")
    write, content_type = WRITERS[form]
    now = timezone.now()
    response = HttpResponse(write(list_programs(Identity.objects.all(), now=now)), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="identities-{now:%Y-%m-%d}.{form}"'
    return response


# The token of the form stands in the body beside a file: it is checked by the inner view, once it is known who asks.
@never_cache
@csrf_exempt
@require_http_methods(["GET", "POST"])
@requires("identities.steward")
def import_file(request: HttpRequest) -> HttpResponseBase:
    """Take a file, show what would change, and take it in once the button below that is pressed."""
    request.upload_handlers = [HoldInMemory(request)]
    return _import(request)


@csrf_protect
@proved_recently
def _import(request: HttpRequest) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    is_sent, is_told = request.method == "POST", "content" in request.POST
    form = InputContent(request.POST) if is_told else InputFile(request.POST, request.FILES) if is_sent else InputFile()
    outcome: Outcome | None = None
    refusal: Refusal | None = None
    content = b""
    if is_sent and form.is_valid():
        try:
            content = _again(form.cleaned_data["content"]) if is_told else form.cleaned_data["file"]
            programs = parse_programs(content)
            _refuse_many(programs)
            outcome = import_programs(programs=programs, is_dry_run=not is_told, by=person, now=now)
        except Refusal as error:
            refusal = error
    if outcome is not None and outcome.is_kept:
        messages.success(request, f"{len(outcome.changed)} programs are changed, {outcome.unchanged} were so already.")
        return redirect("identities:list")
    again = InputContent(initial={"content": b64encode(content).decode()}) if outcome and not outcome.refused else None
    is_bad = refusal or form.errors or (outcome is not None and outcome.refused)
    context = {"form": InputFile() if is_told else form, "outcome": outcome, "again": again, "refusal": refusal}
    return render(request, "identities/import.html", context, status=422 if is_bad else 200)


def _again(text: str) -> bytes:
    content = b64_decode(text, code=MALFORMED, what="the file that was shown")
    if len(content) > MAX_PAGE_BYTES:
        raise TooLarge("import.too_large", f"got {len(content)} bytes, expected at most {MAX_PAGE_BYTES}")
    return content


def _refuse_many(programs: list[ProgramRow]) -> None:
    """Whoever waits for a page holds up others; the command has the time."""
    parts = sum(len(program.signers) + len(program.grants) for program in programs)
    if len(programs) > MAX_PAGE_PROGRAMS or parts > MAX_PAGE_PARTS:
        raise TooLarge(
            "import.too_many",
            f"got {len(programs)} programs with {parts} signers and grants, expected at most {MAX_PAGE_PROGRAMS} with {MAX_PAGE_PARTS} on this "
            "page; larger files go in with manage.py import_identities",
        )
