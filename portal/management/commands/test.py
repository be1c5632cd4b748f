"""manage.py test: the tests, on every backend there is. The arguments are pytest's own."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run the tests on the embedded default, then on PostgreSQL with Redis, then in Chromium. Arguments go to pytest."

    def run_from_argv(self, argv: list[str]) -> None:
        raise SystemExit(subprocess.call([sys.executable, "-m", "tests.lanes", *argv[2:]], cwd=settings.BASE_DIR))
