"""The files of the pages as they are served: one style sheet for the frame of every page, beside one of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import Client, override_settings

from portal import static_files
from portal.collected import NOTE, is_collected, note_collected
from portal.static_files import FRAME, FRAME_PARTS, PortalStaticStorage
from tests import cast

pytestmark = pytest.mark.django_db
CSS = Path(__file__).resolve().parents[2] / "static"
STYLES = re.compile(r'<link rel="stylesheet" href="([^"]+)">')


def test_the_style_sheets_of_the_frame_are_joined_in_their_order(tmp_path: Path) -> None:
    served = {"staticfiles": {"BACKEND": "portal.static_files.PortalStaticStorage"}}
    with override_settings(
        STATIC_ROOT=str(tmp_path), STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"], STORAGES=served
    ):
        # Again, as after an upgrade: what was joined before is made anew.
        for _ in range(2):
            call_command("collectstatic", interactive=False, verbosity=0)
    joined = (tmp_path / FRAME).read_bytes()
    assert joined == b"\n".join((CSS / part).read_bytes() for part in FRAME_PARTS)
    (hashed,) = tmp_path.glob("css/frame.*.css")
    assert hashed.read_bytes() == joined
    assert hashed.with_suffix(".css.gz").exists()


class TestCollecting:
    @pytest.fixture(autouse=True)
    def sources(self, tmp_path: Path, settings: Any) -> Path:
        settings.STATIC_ROOT, settings.STATICFILES_DIRS = str(tmp_path / "served"), [tmp_path / "sources"]
        settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
        settings.STORAGES = {"staticfiles": {"BACKEND": "portal.static_files.PortalStaticStorage"}}
        (tmp_path / "sources" / "css").mkdir(parents=True)
        (tmp_path / "sources" / "css" / "page.css").write_text("a { color: red; }")
        return tmp_path / "sources"

    def collect(self) -> None:
        call_command("collectstatic", interactive=False, verbosity=0)
        note_collected()

    def test_is_done_once(self) -> None:
        assert not is_collected()
        self.collect()
        assert is_collected()

    def test_is_done_again_after_any_change(self, sources: Path) -> None:
        self.collect()
        (sources / "css" / "page.css").write_text("a { color: blue; }")
        assert not is_collected()
        self.collect()
        (sources / "css" / "other.css").write_text("")
        assert not is_collected()
        self.collect()
        (sources / "css" / "other.css").unlink()
        assert not is_collected()

    def test_is_done_again_where_it_was_broken_off(self, tmp_path: Path) -> None:
        self.collect()
        (tmp_path / "served" / "staticfiles.json").unlink()
        assert not is_collected()
        self.collect()
        (tmp_path / "served" / NOTE).write_text("")
        assert not is_collected()

    def test_is_done_again_for_another_storage(self, settings: Any) -> None:
        self.collect()
        settings.STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
        assert not is_collected()


@pytest.mark.parametrize("path", ["/queue", "/search", "/log"])
def test_a_page_has_at_most_two_style_sheets(client: Client, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    client.force_login(cast.account_of(cast.alice()))
    apart = STYLES.findall(client.get(path).content.decode())
    assert apart[:4] == [staticfiles_storage.url(part) for part in FRAME_PARTS]
    collected = PortalStaticStorage()
    collected.hashed_files = {FRAME: "css/frame.0123.css"}
    monkeypatch.setattr(static_files, "staticfiles_storage", collected)
    together = STYLES.findall(client.get(path).content.decode())
    assert together == ["/static/css/frame.0123.css", *apart[4:]]
    assert len(together) <= 2
