"""The page of evidence that is being verified, in a real browser: it shows the verdict by itself when there is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import cast
from tests.live import live_portal

SEND_LATE = """
from datetime import timedelta
from django.db.models.functions import Now
from django.utils import timezone
from attestations.models import VerificationJob
from tests import cast
from tests.make_attestations import make_attestation, make_signer, make_statement, register_key
cast.carol()
signer = make_signer()
register_key(signer)
attestation = make_attestation(signer.sign(make_statement("late.tar")), now=timezone.now())
VerificationJob.objects.filter(pk=attestation.pk).update(next_try_at=Now() + timedelta(seconds=12))
print(attestation.pk)
"""


@pytest.mark.browser
@pytest.mark.slow
def test_shows_the_verdict_without_being_reloaded(page: Page, tmp_path: Path) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    with live_portal(tmp_path) as portal:
        portal.start()
        attestation_id = portal.manage("shell", "-v0", "-c", SEND_LATE).stdout.strip().splitlines()[-1]
        page.goto(f"{portal.url}/accounts/login/?next=/attestations/{attestation_id}")
        page.get_by_label("Username").fill("carol")
        page.get_by_label("Password").fill(cast.PASSWORD)
        page.get_by_label("Password").press("Enter")
        expect(page.get_by_role("heading", name="Being verified")).to_be_visible()
        page.evaluate("window.neverReloaded = true")
        expect(page.get_by_role("heading", name="Verdict")).to_be_visible(timeout=30_000)
        expect(page.get_by_text("Every signature holds")).to_be_visible()
        expect(page.get_by_text("late.tar").first).to_be_visible()
        assert page.evaluate("window.neverReloaded") is True
    assert complaints == []
