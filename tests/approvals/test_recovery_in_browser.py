"""The life of an approval key in a real browser, by keyboard alone: enrolled, used, lost, reported, recovered by two officers, used again.

Chromium's virtual authenticator makes real keys and real signatures; the portal is a whole one with processes of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect

from tests import cast
from tests.live import LivePortal, live_portal
from tests.throwaway import throwaway_database

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MAKE_THE_STAGE = """
from django.utils import timezone
from ledger.keys import create_portal_keys
create_portal_keys()
from tests import cast, make_approvals as make
now = timezone.now()
stage = make.set_stage(now=now)
cast.alice(), cast.olga(), cast.omar()
"""
ASK = """
from django.utils import timezone
from tests import make_approvals as make
from tests import cast
from approvals.models import PolicyVersion
{body}
"""
AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
