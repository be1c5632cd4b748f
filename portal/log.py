"""Structured log lines: one JSON object a line (or coloured text in the demo), each with the id of its request.

Writes to standard output and nowhere else. Never given request bodies, headers or secrets, nor the addresses that are secrets themselves.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.typing import Processor

from portal.environment import PREFIX, BadSetting

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
QUIET_PATHS = ("/healthz", "/readyz", "/static/")
# A link that was mailed lets whoever holds it choose a new password: its key stands in the path.
CONFIDENTIAL_PATHS = "/accounts/"
SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logging_settings(*, level: str, as_json: bool) -> dict[str, Any]:
    """Configure structlog and return the matching LOGGING dict. Refuses with BadSetting if the level is unknown."""
    if level not in LEVELS:
        raise BadSetting(f"{PREFIX}LOG_LEVEL is {level!r}; write one of {', '.join(LEVELS)}.")
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # Tracebacks without local variables: those hold secrets and other people's data.
    last: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            }
        },
        "filters": {"paths": {"()": HideSecretPaths}},
        "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line", "filters": ["paths"]}},
        "root": {"handlers": ["out"], "level": level},
        "loggers": {
            "django": {"level": level, "propagate": True},
            # Refusals are answers, not incidents; RequestLogMiddleware writes their line.
            "django.request": {"level": "ERROR", "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        },
    }


def loggable_path(request: HttpRequest) -> str:
    """Return the path, or where paths may hold a secret the name of the page instead."""
    if not request.path.startswith(CONFIDENTIAL_PATHS):
        return request.path
    match = request.resolver_match
    return f"{CONFIDENTIAL_PATHS}<{match.view_name if match else 'unknown'}>"


class HideSecretPaths(logging.Filter):
    """Puts the loggable path where Django's own lines about a request name its path."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            # Django escapes what it names, so the start is compared and not the whole.
            record.args = tuple(
                loggable_path(request) if isinstance(text, str) and text.startswith(CONFIDENTIAL_PATHS) else text for text in record.args
            )
        return True


class RequestLogMiddleware:
    """Gives each request an id (the proxy's, when it is well formed), answers with it, and writes one line per request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.log = structlog.get_logger("portal.request")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-ID", "")
        request_id = offered if REQUEST_ID.fullmatch(offered) else secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        if not request.path.startswith(QUIET_PATHS):
            took = round((time.perf_counter() - began) * 1000, 1)
            self.log.info("request", method=request.method, path=loggable_path(request), status=response.status_code, ms=took)
        return response
