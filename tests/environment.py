"""Loaded by pytest before Django's settings: gives each test process an environment and a folder of its own.

Which backends a run uses is said by COUNTERSIGN_TEST_DATABASE_URL and COUNTERSIGN_TEST_BROKER_URL; without them it is SQLite and no broker.
A developer's own COUNTERSIGN_* values never reach the tests.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

KEPT: tuple[str, ...] = (
    "COUNTERSIGN_VECTORS",
    "COUNTERSIGN_TEST_DATABASE_URL",
    "COUNTERSIGN_TEST_BROKER_URL",
    "COUNTERSIGN_TEST_REQUIRE_ALL",
)
# What is asked of one run by `make axe` and `make pictures`; the portal knows neither.
KEPT += ("COUNTERSIGN_AXE_PAGES", "COUNTERSIGN_PICTURES")
# What a lane made for its processes, and how much of the suite is acted and drawn at random.
KEPT += ("COUNTERSIGN_TEST_TEMPLATE", "COUNTERSIGN_TEST_ACT", "COUNTERSIGN_TEST_HISTORIES", "COUNTERSIGN_TEST_SHORTEN")
# Where the places that ask the database are noted, by `make lanes`.
KEPT += ("COUNTERSIGN_TEST_ASKED",)
FOLDER = Path(tempfile.mkdtemp(prefix="countersign-tests-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
# What a test process writes is thrown away with its folder, so nothing of it waits for the disk. Portals of their own do.
os.fsync = lambda fd: None
(FOLDER / "var" / "static").mkdir(parents=True)  # WhiteNoise warns when the folder of collected files is absent.

for name in [name for name in os.environ if name.startswith("COUNTERSIGN_") and name not in KEPT]:
    del os.environ[name]
os.environ["COUNTERSIGN_VAR_DIR"] = str(FOLDER / "var")
os.environ["COUNTERSIGN_ORIGIN"] = "http://localhost:8000"
os.environ["COUNTERSIGN_LOG_LEVEL"] = "WARNING"
# Stories approve for production with a key made a moment before; the tests of the waiting time set their own.
os.environ["COUNTERSIGN_KEY_COOLING_HOURS"] = "0"
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
# Playwright keeps an event loop in the thread its test runs in; the database calls of that test are made between its steps.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
if database_url := os.environ.get("COUNTERSIGN_TEST_DATABASE_URL"):
    os.environ["COUNTERSIGN_DATABASE_URL"] = database_url
if broker_url := os.environ.get("COUNTERSIGN_TEST_BROKER_URL"):
    os.environ["COUNTERSIGN_BROKER_URL"] = broker_url
