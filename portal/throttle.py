"""How often one caller may call the API: so many times a minute, counted in the cache every process shares.

Generous, and for fairness only: it stops a program that runs wild, not a crowd. A counter that cannot be reached lets calls through, since
evidence must be taken in and gates must answer while Redis is away; gates stay shut by themselves when they cannot check.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from identities.models import ApiCredential

if TYPE_CHECKING:
    # The library imports this module while its own views are still loading.
    from rest_framework.views import APIView

WINDOW = 60
log = structlog.get_logger("portal.throttle")


class CallerThrottle(BaseThrottle):
    """Counts by credential, or by account for people. Who is neither reaches nothing that costs more than the answer no."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Refuses with `rate.limited` and the seconds to wait."""
        if isinstance(request.auth, ApiCredential):
            caller = f"credential:{request.auth.pk}"
        elif request.user.is_authenticated:
            caller = f"account:{request.user.pk}"
        else:
            return True
        limit: int = settings.API_CALLS_PER_MINUTE
        window, passed = divmod(int(time.time()), WINDOW)
        if count_call(f"api-calls:{caller}:{window}") > limit:
            raise Throttled(wait=WINDOW - passed, detail=f"Got more than {limit} calls of one caller within a minute.")
        return True


def count_call(key: str) -> int:
    """Return how many calls this one makes. Two at once on a database cache may count as one."""
    try:
        cache.add(key, 0, timeout=2 * WINDOW)
        return int(cache.incr(key))
    except ValueError:  # Thrown out of a full cache between the two lines.
        return 1
    except RedisError as error:
        log.warning("calls are not counted", error=type(error).__name__)
        return 0
