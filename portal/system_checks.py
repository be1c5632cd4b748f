"""Contradictions between settings, each explained with a hint. An error here stops every command that needs the portal whole.

The shape of single values is checked earlier, by `portal.environment`. Nothing here connects to anything, save the checks tagged "database".
"""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connections

LOCAL_HOSTS = ("localhost",)


@register(Tags.security)
def check_origin(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The address must be one that browsers offer passkeys on."""
    found: list[CheckMessage] = []
    host = urlsplit(settings.ORIGIN).hostname or ""
    local = host in LOCAL_HOSTS or host.endswith(".localhost")
    if _is_ip_address(host):
        found.append(
            Error(
                f"COUNTERSIGN_ORIGIN is {settings.ORIGIN}: a passkey belongs to a host name, never to an IP address.",
                hint="Give the portal a name; on your own machine, http://localhost:8000.",
                id="portal.E001",
            )
        )
    elif not local and settings.ORIGIN.startswith("http://"):
        found.append(
            Error(
                f"COUNTERSIGN_ORIGIN is {settings.ORIGIN}: browsers offer passkeys over https only (http on localhost excepted).",
                hint="Put a proxy with a certificate in front and write https:// here.",
                id="portal.E002",
            )
        )
    if host != settings.RP_ID and not host.endswith(f".{settings.RP_ID}"):
        found.append(
            Error(
                f"COUNTERSIGN_RP_ID is {settings.RP_ID!r}, which is neither the host of COUNTERSIGN_ORIGIN ({host!r}) nor a parent of it.",
                hint="Leave COUNTERSIGN_RP_ID unset to use the host itself. It cannot be changed later without enrolling every passkey anew.",
                id="portal.E003",
            )
        )
    if host not in settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS:
        found.append(
            Error(
                f"COUNTERSIGN_ALLOWED_HOSTS lacks {host!r}, the host of COUNTERSIGN_ORIGIN.",
                hint="Add it, or leave COUNTERSIGN_ALLOWED_HOSTS unset.",
                id="portal.E004",
            )
        )
    return found


@register(Tags.security)
def check_stand_ins(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The demo and its error pages stay on a developer's machine."""
    host = urlsplit(settings.ORIGIN).hostname or ""
    if host in LOCAL_HOSTS or host.endswith(".localhost"):
        return []
    return [
        Error(
            f"COUNTERSIGN_{name} is on, but COUNTERSIGN_ORIGIN is {settings.ORIGIN}.",
            hint=f"{why} Unset COUNTERSIGN_{name}.",
            id=f"portal.{check_id}",
        )
        for name, check_id, why in (
            ("DEMO", "E005", "The demo trusts a made-up certificate authority and has printed passwords."),
            ("DEBUG", "E006", "Error pages with settings and code are for your own machine."),
        )
        if getattr(settings, name)
    ]


@register(Tags.security)
def check_log_origin(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """A log's name stands on the first line of every checkpoint, so it must fit there."""
    name = settings.LOG_ORIGIN
    if not name or name != name.strip() or any(c.isspace() or c == "+" for c in name) or "://" in name:
        return [
            Error(
                f"COUNTERSIGN_LOG_ORIGIN is {name!r}; a log's name has no spaces, no plus sign and no scheme.",
                hint="Leave it unset to use <host>/log. It cannot be changed once the log has entries.",
                id="portal.E008",
            )
        ]
    return []


@register(Tags.security)
def check_key_files(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Private keys that others on the machine can read are no longer private."""
    found: list[CheckMessage] = []
    for name in ("RECORDER_KEY_FILE", "LOG_KEY_FILE"):
        path = Path(getattr(settings, name))
        try:
            mode = path.stat().st_mode
        except OSError:
            continue  # Absent, or out of this process's reach, as it should be for the log key.
        # A secret mounted read-only by a container engine cannot be given another mode; nobody else is in that container.
        if mode & (stat.S_IROTH | stat.S_IWOTH) and not _is_read_only_mount(path):
            found.append(
                Error(f"COUNTERSIGN_{name}: {path} can be read by everybody on this machine.", hint=f"chmod 600 {path}", id="portal.E009")
            )
    if Path(settings.RECORDER_KEY_FILE) == Path(settings.LOG_KEY_FILE):
        found.append(
            Error(
                "COUNTERSIGN_RECORDER_KEY_FILE and COUNTERSIGN_LOG_KEY_FILE name the same file.",
                hint="The log's key must be out of reach of the process that signs records.",
                id="portal.E010",
            )
        )
    return found


@register(Tags.security)
def check_secret(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Sessions and ceremonies are signed with the secret key."""
    if len(settings.SECRET_KEY) < 32:
        return [
            Error(
                "COUNTERSIGN_SECRET_KEY is shorter than 32 characters.",
                hint="Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
                id="portal.E011",
            )
        ]
    return []


@register(Tags.compatibility)
def check_backends(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Say what runs, but is not meant for a portal of many people."""
    on_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if on_sqlite and settings.BROKER_URL and not settings.DEMO:
        return [
            CheckWarning(
                "A broker is set, but the database is SQLite: workers on other machines cannot share its file.",
                hint="Set COUNTERSIGN_DATABASE_URL to a PostgreSQL database, or leave COUNTERSIGN_BROKER_URL unset.",
                id="portal.W012",
            )
        ]
    return []


@register(Tags.database)
def check_durability(app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """An answer given to a client must survive a power cut, and an append-only row any statement: ask the database."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SHOW synchronous_commit")
                if cursor.fetchone()[0] in ("off", "local"):
                    found.append(
                        Error("PostgreSQL's synchronous_commit is off.", hint="Leave it out of COUNTERSIGN_DATABASE_URL.", id="portal.E013")
                    )
                cursor.execute("SHOW server_version_num")
                if int(cursor.fetchone()[0]) < 150000:
                    found.append(Error("PostgreSQL is older than 15.", hint="Upgrade the server.", id="portal.E014"))
            elif connection.vendor == "sqlite":
                cursor.execute("PRAGMA synchronous")
                if cursor.fetchone()[0] < 2:
                    found.append(Error("SQLite does not sync at every commit.", hint="PRAGMA synchronous must be FULL.", id="portal.E015"))
                cursor.execute("PRAGMA recursive_triggers")
                if not cursor.fetchone()[0]:
                    found.append(
                        Error(
                            "SQLite lets REPLACE past append-only triggers.", hint="PRAGMA recursive_triggers must be ON.", id="portal.E016"
                        )
                    )
    return found


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_read_only_mount(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
