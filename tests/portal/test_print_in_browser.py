"""What is printed can be read on paper: light also for who reads in the dark, with whole digests and with moments instead of distances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal_settings
from django.urls import reverse
from playwright.sync_api import Page

from identities.preferences.change import change_appearance
from tests import cast
from tests import make_approvals as make
from tests.axe.look import Looker
from tests.house.walk import signed_in
from tests.make_ledger import use_own_keys

pytestmark = [pytest.mark.django_db, pytest.mark.browser]
LIGHTNESS = """selector => {
  const [red, green, blue] = getComputedStyle(document.querySelector(selector)).backgroundColor.match(/[0-9.]+/g).map(Number);
  return (red + green + blue) / 3;
}"""


def test_a_review_on_paper(page: Page, settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)
    make.send_provenance(make.set_stage())
    request = make.ask()
    dark = {"theme": "dark", "density": "comfortable", "language": "en-gb", "time_zone": "UTC", "shortcuts": True}
    change_appearance(**dark, by=cast.alice(), now=make.NOW)
    looker = Looker(page, portal_settings.ORIGIN, signed_in(cast.alice()))
    looker.listen()
    looker.open(reverse("approvals:request", args=[request.pk]))
    assert page.evaluate(LIGHTNESS, ".card") < 64
    page.emulate_media(media="print")
    assert page.evaluate(LIGHTNESS, ".card") > 240
    assert page.locator(".artifact-facts .digest-full").first.inner_text().replace("\n", "") == make.image()
    assert page.locator(".artifact-facts .digest-full").first.evaluate("box => getComputedStyle(box).marginTop") == "0px"
    written = page.locator(".frozen time").evaluate("time => getComputedStyle(time, '::after').content")
    assert "UTC" in written
