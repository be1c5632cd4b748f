"""Typed readers for the process environment: a wrong value stops the start with a sentence that says how to mend it.

Knows nothing of Django. Every setting is COUNTERSIGN_<NAME>; a secret may come from the file COUNTERSIGN_<NAME>_FILE names.
Checks the shape of one value at a time; contradictions between values are found by `portal.system_checks`.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

# As authenticators write their model. Nothing of ours can be imported here: this is read before anything is installed.
AAGUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PREFIX = "COUNTERSIGN_"
TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")


class BadSetting(SystemExit):
    """A setting cannot be used as it is. Ends the process with its sentence, without a traceback."""


def env_text(name: str, default: str, *, environ: Mapping[str, str] = os.environ) -> str:
    """Return the text of a setting, or the default where it is unset or empty."""
    return environ.get(PREFIX + name, "").strip() or default


def env_bool(name: str, default: bool, *, environ: Mapping[str, str] = os.environ) -> bool:
    """Return a yes or no. Refuses with BadSetting if the word is not one of the known ones: a typing error must not mean "no"."""
    raw = env_text(name, "", environ=environ)
    if not raw:
        return default
    if raw.lower() in TRUE:
        return True
    if raw.lower() in FALSE:
        return False
    raise BadSetting(f"{PREFIX}{name} is {raw!r}; write one of {', '.join(TRUE)} or {', '.join(FALSE)}.")


def env_int(name: str, default: int, *, least: int, most: int, environ: Mapping[str, str] = os.environ) -> int:
    """Return a whole number between `least` and `most`. Refuses with BadSetting otherwise."""
    raw = env_text(name, "", environ=environ)
    if not raw:
        return default
    if not (raw.isascii() and raw.isdigit()) or len(raw) > 15 or not least <= int(raw) <= most:
        raise BadSetting(f"{PREFIX}{name} is {raw!r}; write a whole number from {least} to {most}.")
    return int(raw)


def env_list(name: str, default: list[str], *, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the words of a comma-separated setting."""
    raw = env_text(name, "", environ=environ)
    return [word.strip() for word in raw.split(",") if word.strip()] if raw else default


def env_path(name: str, default: Path, *, environ: Mapping[str, str] = os.environ) -> Path:
    """Return an absolute path. Refuses with BadSetting if it is relative: services start in different folders."""
    raw = env_text(name, "", environ=environ)
    if not raw:
        return default
    path = Path(raw).expanduser()
    if not path.is_absolute():
        raise BadSetting(f"{PREFIX}{name} is {raw!r}; write an absolute path, such as {default}.")
    return path


def env_aaguids(name: str, *, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the models of authenticators in a comma-separated setting. Refuses with BadSetting for anything that is no AAGUID."""
    models = env_list(name, [], environ=environ)
    for model in models:
        if not AAGUID.fullmatch(model):
            raise BadSetting(f"{PREFIX}{name} has {model!r}; write AAGUIDs such as 2fc0579f-8113-47ea-b116-bb5a8db9202a, in lowercase.")
    return models


def certificates_in(path: Path) -> tuple[bytes, ...]:
    """Return the certificates (DER) of a PEM file, none for the empty path. Refuses with BadSetting for a file that has none or cannot be read."""
    if path == Path():
        return ()
    # Only where it is asked for: whatever is read before anything is installed has the standard library alone.
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return tuple(item.public_bytes(Encoding.DER) for item in load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise BadSetting(f"{path} cannot be read as certificates ({error}); write a file of PEM certificates.") from error


def env_secret(name: str, default: str, *, environ: Mapping[str, str] = os.environ) -> str:
    """Return a secret, from the variable itself or from the file that <NAME>_FILE names.

    Refuses with BadSetting if both are set (nobody could tell which one is used), or if the file is missing, unreadable or empty.
    """
    direct, file_name = environ.get(PREFIX + name, ""), environ.get(f"{PREFIX}{name}_FILE", "")
    if direct and file_name:
        raise BadSetting(f"{PREFIX}{name} and {PREFIX}{name}_FILE are both set; keep one of them.")
    if not file_name:
        return direct or default
    try:
        secret = Path(file_name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{PREFIX}{name}_FILE names {file_name!r}, which cannot be read ({error}); name a readable text file.") from error
    if not secret:
        raise BadSetting(f"{PREFIX}{name}_FILE names {file_name!r}, which is empty; put the secret into it.")
    return secret


def env_origin(name: str, default: str, *, environ: Mapping[str, str] = os.environ) -> str:
    """Return a web origin (scheme, host, perhaps port; nothing behind it). Refuses with BadSetting otherwise."""
    raw = env_text(name, default, environ=environ)
    parts = urlsplit(raw)
    try:
        port_is_fine = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        port_is_fine = False
    whole = f"{parts.scheme}://{parts.netloc}"
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or whole != raw
        or raw != raw.lower()
        or not port_is_fine
    ):
        raise BadSetting(
            f"{PREFIX}{name} is {raw!r}; write scheme and host in small letters and nothing behind them, such as https://countersign.example.com."
        )
    return raw


def env_url(name: str, default: str, *, schemes: tuple[str, ...], environ: Mapping[str, str] = os.environ) -> str:
    """Return an address of one of the given schemes, or the default. Refuses with BadSetting otherwise. May come from a file: it may hold a password."""
    raw = env_secret(name, default, environ=environ)
    if raw and urlsplit(raw).scheme not in schemes:
        # The value is not repeated: it may hold a password.
        raise BadSetting(
            f"{PREFIX}{name} starts with {urlsplit(raw).scheme!r}; it must start with one of {', '.join(f'{s}://' for s in schemes)}."
        )
    return raw


def parse_database_url(url: str, *, password: str = "") -> dict[str, object]:
    """Turn sqlite:///path or postgresql://user:password@host:port/name?sslmode=… into Django's database settings.

    Refuses with BadSetting if the address names no database. Does not connect.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        if parts.netloc or not parts.path.strip("/"):
            raise BadSetting(
                f"{PREFIX}DATABASE_URL must name a file after three slashes, such as sqlite:////srv/countersign/countersign.sqlite3."
            )
        return sqlite_database(Path("/" + unquote(parts.path).lstrip("/")))
    if parts.scheme not in ("postgresql", "postgres"):
        raise BadSetting(f"{PREFIX}DATABASE_URL starts with {parts.scheme!r}; it must start with sqlite:/// or postgresql://.")
    name = unquote(parts.path.lstrip("/"))
    if not name or "/" in name:
        raise BadSetting(
            f"{PREFIX}DATABASE_URL must end in the name of one database, such as postgresql://countersign@db:5432/countersign."
        )
    try:
        port = parts.port
    except ValueError as error:
        raise BadSetting(f"{PREFIX}DATABASE_URL has a port that is no number from 1 to 65535; mend it.") from error
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": password or unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # An acknowledged approval must survive a power cut whatever the server's default says.
        "OPTIONS": {"connect_timeout": 10, "options": "-c synchronous_commit=on", **dict(parse_qsl(parts.query))},
    }


def sqlite_database(path: Path) -> dict[str, object]:
    """Return Django's settings for a SQLite file that several processes write to and that survives a power cut.

    IMMEDIATE takes the write lock at BEGIN: a transaction that reads first and writes later cannot then fail as "locked".
    synchronous=FULL syncs at every commit; with NORMAL, WAL may lose the last commits when the power goes. Without recursive_triggers,
    INSERT OR REPLACE would remove the old row unseen by the triggers that keep append-only tables.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000; PRAGMA recursive_triggers=ON;",
        },
    }


def local_secret(path: Path) -> str:
    """Return the secret kept in a file of ours, making it on first use.

    The file appears whole or not at all (link of a finished file), so that web and worker starting together agree.
    """
    if not path.exists():
        try:
            _make_secret_file(path)
        except OSError as error:
            raise BadSetting(
                f"{PREFIX}SECRET_KEY is not set, and {path} cannot be made ({error.strerror}); set it, or {PREFIX}SECRET_KEY_FILE."
            ) from error
    return env_secret("SECRET_KEY", "", environ={f"{PREFIX}SECRET_KEY_FILE": str(path)})


def _make_secret_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
        with contextlib.suppress(FileExistsError):  # Another process was first; its secret is the one.
            os.link(draft, path)
    finally:
        draft.unlink()
