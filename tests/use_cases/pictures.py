"""The pictures in docs/pictures, taken by the tests that open the pages, and only where COUNTERSIGN_PICTURES=1 asks for it."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
MOST_BYTES = 150_000


def take_picture(page: Page, name: str) -> None:
    """Take NAME-light.png and NAME-dark.png of a page on a wide screen, or NAME-phone.png of it on a phone."""
    if os.environ.get("COUNTERSIGN_PICTURES") != "1":
        return
    page.emulate_media(reduced_motion="reduce")
    if (page.viewport_size or {"width": 0})["width"] < 600:
        _take(page, f"{name}-phone.png")
        return
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        _take(page, f"{name}-{theme}.png")
    page.emulate_media(color_scheme="null")


def _take(page: Page, name: str) -> None:
    path = FOLDER / name
    page.screenshot(path=path, scale="css")
    assert path.stat().st_size <= MOST_BYTES, f"{name} has {path.stat().st_size} bytes, expected {MOST_BYTES} at most"
