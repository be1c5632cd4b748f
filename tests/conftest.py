"""What every test shares: throw-away databases, plain static files, and Chromium for those that drive a browser."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

from tests.empty_database import is_begun_with_a_copy, leave_a_copy
from tests.environment import FOLDER
from tests.lanes import ROOT, files_of_the_browser
from tests.requirements import need_ssh_keygen, skip_or_fail
from tests.retell import BENDERS, TELLER, know_empty_database

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LONG = ("tests/house/test_permissions.py", "tests/histories/")
PLAIN_STATIC = {**settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


def pytest_configure(config: pytest.Config) -> None:
    # Hashed names need a collectstatic; the start-up test of the demo uses them for real.
    settings.STORAGES = PLAIN_STATIC
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Name the test database after this process, so that two runs side by side never share one, nor touch a developer's."""
    chosen = connections["default"].settings_dict
    on_sqlite = chosen["ENGINE"].endswith("sqlite3")
    chosen["TEST"]["NAME"] = str(FOLDER / "test.sqlite3") if on_sqlite else f"countersign_test_{os.getpid()}"
    if not on_sqlite and (copied := os.environ.get("COUNTERSIGN_TEST_TEMPLATE")):
        chosen["TEST"]["TEMPLATE"] = copied


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None) -> bool:
    """Begin with a copy of an empty database that another run of the same migrations left, where SQLite is used and there is one."""
    return is_begun_with_a_copy()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_keepdb: bool, django_db_blocker: DjangoDbBlocker) -> None:
    """Leave a copy of the empty database to the next run, and know it empty."""
    with django_db_blocker.unblock():
        if not django_db_keepdb:
            leave_a_copy()
        know_empty_database()


def pytest_sessionstart() -> None:
    # Pytest's own stay bent for the whole run, and bend nothing of ours.
    BENDERS.clear()


def pytest_itemcollected(item: pytest.Item) -> None:
    # The lane of Chromium reads only files that say so.
    in_a_lane = item.path.name.startswith("test_")
    drives = in_a_lane and ("chromium" in getattr(item, "fixturenames", ()) or item.get_closest_marker("browser") is not None)
    if drives and not (item.get_closest_marker("browser") and str(item.path.relative_to(ROOT)) in files_of_the_browser()):
        raise pytest.UsageError(f"{item.nodeid} drives Chromium; mark it with pytest.mark.browser, in its own file")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # What takes long begins first, so that no processor is left alone with it at the end.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None and not item.nodeid.startswith(LONG))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    TELLER.begin(item)


@pytest.fixture(autouse=True)
def own_cache() -> None:
    """Give each test a cache of its own: sign-in limits counted by one test must not refuse the next, nor another process's."""
    cache.key_prefix = f"test-{secrets.token_hex(8)}"


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Return the folder of real bundles and their expected answers, or skip where it is absent."""
    folder = Path(os.environ.get("COUNTERSIGN_VECTORS") or Path(__file__).resolve().parent.parent.parent / "shared" / "vectors")
    if not folder.is_dir():
        skip_or_fail(f"no vectors at {folder}; set COUNTERSIGN_VECTORS to their folder")
    return folder


@pytest.fixture
def ssh_keygen() -> None:
    """Go on only where there is OpenSSH's ssh-keygen."""
    need_ssh_keygen()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start the installed Chromium once. Skips where there is none, unless the run demands everything."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        skip_or_fail("no Chromium found; install it with: apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Open a page in a fresh profile. A console error fails nothing by itself: `complaints` collects them."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC")
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    yield opened
    context.close()
