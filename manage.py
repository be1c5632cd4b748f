#!/usr/bin/env python3
"""Entry point of every command. `demo`, `up` and `test` install what they need first, into .venv."""

import os
import sys


def main() -> None:
    if sys.version_info < (3, 11):
        raise SystemExit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]} ({sys.executable}).")
    from portal import command_line

    command_line.prepare(sys.argv[1:])
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
