"""The page of deciding asks for what the chosen answer needs, and for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal_settings
from playwright.sync_api import Page, expect

from tests import cast
from tests import make_approvals as make
from tests.axe.look import Looker
from tests.axe.more import decide
from tests.house.walk import signed_in
from tests.make_ledger import use_own_keys

pytestmark = [pytest.mark.django_db, pytest.mark.browser]


def test_a_no_asks_for_a_reason_and_an_approval_for_the_digest(page: Page, settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)
    make.send_provenance(make.set_stage())
    make.enrol(cast.alice())
    looker = Looker(page, portal_settings.ORIGIN, signed_in(cast.alice()))
    looker.listen()
    looker.open(decide(make.ask(), "reject"))
    digest, why = page.locator(".typed-tail"), page.locator(".why-not")
    expect(why).to_be_visible()
    expect(digest).to_be_hidden()
    page.locator('[name="decision"][value="approve"]').check()
    expect(digest).to_be_visible()
    expect(why).to_be_hidden()
    page.locator('[name="decision"][value="request_changes"]').check()
    expect(why).to_be_visible()
    expect(digest).to_be_hidden()
