"""How often one caller may call the API: so many times a minute, counted in the cache every process shares.

Generous, and for fairness only: it stops a program that runs wild, not a crowd. A counter that cannot be reached lets calls through, since
evidence must be taken in and gates must answer while Redis is away; gates stay shut by themselves when they cannot check.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog
from allauth.account.adapter import get_adapter as get_account_adapter
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from identities.models import ApiCredential, ProvisioningToken

if TYPE_CHECKING:
    # The library imports this module while its own views are still loading.
    from rest_framework.views import APIView

WINDOW = 60
log = structlog.get_logger("portal.throttle")


class CallerThrottle(BaseThrottle):
    """Counts by credential, by provisioning token, by account for people, and by address where a caller only now proves who it is (`counts_by_address`).

    Who is none of these reaches nothing that costs more than the answer no.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Refuses with `rate.limited` and the seconds to wait."""
        if isinstance(request.auth, ApiCredential):
            caller = f"credential:{request.auth.pk}"
        elif isinstance(request.auth, ProvisioningToken):
            caller = f"provisioning:{request.auth.pk}"
        elif request.user.is_authenticated:
            caller = f"account:{request.user.pk}"
        elif getattr(view, "counts_by_address", False):
            caller = f"address:{_address_of(request)}"
        else:
            return True
        limit: int = settings.API_CALLS_PER_MINUTE
        window, passed = divmod(int(time.time()), WINDOW)
        if count_call(f"api-calls:{caller}:{window}") > limit:
            raise Throttled(wait=WINDOW - passed, detail=f"Got more than {limit} calls of one caller within a minute.")
        return True


def _address_of(request: Request) -> str:
    # As for sign-ins: the proxies in front, and no others, are believed about the address.
    try:
        return str(get_account_adapter().get_client_ip(request._request))
    except PermissionDenied:
        return ""


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
