"""Where source code is, in the many spellings of one place: split into repository and ref, and compared.

Two spellings are the same place only where that is certain: the case of scheme and host, `git+`, user names, default ports, `.git`,
and on hosts known to ignore it, the case of the path and the way in. Where it is merely likely, the answer is `UNCLEAR`. Nothing is
looked up: a repository that was renamed has two names here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from posixpath import normpath
from urllib.parse import unquote

SAME, UNCLEAR, WITHIN, DIFFERENT = "same", "unclear", "within", "different"

# On these, names are the same in any case, and every way in leads to the same repositories.
_ONE_NAME_PER_REPOSITORY = frozenset({"github.com", "gitlab.com"})
_DEFAULT_PORTS = {"https": "443", "http": "80", "ssh": "22", "git": "9418"}
_URI = re.compile(r"(?:git\+)?([a-z][a-z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#(.*))?", re.IGNORECASE)
_SHORT_SSH = re.compile(
    r"(?:git\+)?(?:ssh://)?[a-z0-9_.-]+@([a-z0-9-]+(?:\.[a-z0-9-]+)+):(?![0-9]+/)([^/@?#][^@?#]*)(?:[@#](.*))?", re.IGNORECASE
)
_PACKAGE = re.compile(r"pkg:(github|gitlab|bitbucket)/([^@?#]+)(?:@([^?#]*))?.*", re.IGNORECASE)
_PACKAGE_HOSTS = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}


@dataclass(frozen=True, slots=True)
class Location:
    """A place of source code as it was named. `is_plain` is False where parts were dropped that we cannot be sure about."""

    scheme: str
    host: str
    path: str
    ref: str | None
    is_plain: bool = True

    @property
    def repository(self) -> str:
        """The place without user name and ref, in lower case where case means nothing everywhere."""
        return f"{self.scheme}://{self.host}/{self.path}"


# Each input of a provenance is read, and then compared with each source that it names.
@lru_cache(maxsize=1024)
def split_location(text: str) -> Location | None:
    """Split `git+https://host/owner/name@refs/…` and its relatives; None for text that names no such place."""
    if package := _PACKAGE.fullmatch(text):
        host = _PACKAGE_HOSTS[package[1].lower()]
        return Location("https", host, _without_suffix(package[2]), package[3] or None, is_plain=False)
    if short := _SHORT_SSH.fullmatch(text):
        return Location("ssh", short[1].lower(), _without_suffix(short[2]), short[3] or None)
    uri = _URI.fullmatch(text)
    if uri is None:
        return None
    scheme, authority, whole, query, fragment = uri[1].lower(), uri[2], uri[3], uri[4], uri[5]
    path, _, ref = whole.partition("@")
    host, _, port = authority.rpartition("@")[2].lower().partition(":")
    if port == _DEFAULT_PORTS.get(scheme):
        port = ""
    # What follows a "#" is a ref for some tools, and an option for others; ":" ends the ref and begins a folder.
    is_ref = bool(fragment) and "=" not in fragment and not ref
    # Some write a ref as a query.
    is_plain = not query and (not fragment or is_ref)
    ref = ref or (fragment.partition(":")[0] if is_ref else "")
    return Location(scheme, f"{host}:{port}" if port else host, _without_suffix(path), ref or None, is_plain)


def compare_repositories(stated: str, proven: str) -> str:
    """Return whether `stated` is the repository `proven`: `SAME`, `UNCLEAR`, `WITHIN` it, or `DIFFERENT`."""
    if stated == proven:
        return SAME
    left, right = _compared_by(stated), _compared_by(proven)
    if not right.is_location:
        return DIFFERENT
    if not left.is_location:
        # A short name such as owner/name says neither host nor way in.
        return UNCLEAR if left.path and f"/{right.path}".endswith(f"/{left.path}") else DIFFERENT
    if left.certain is not None and left.certain == right.certain:
        return SAME
    if left.host != right.host:
        return DIFFERENT
    if left.path == right.path:
        return UNCLEAR
    return WITHIN if left.path.startswith(f"{right.path}/") else DIFFERENT


@dataclass(frozen=True, slots=True)
class _Compared:
    """What a text is compared by: `certain` where all of it is plain, and host and path without what may mean nothing."""

    is_location: bool
    certain: tuple[str, str, str] | None
    host: str
    path: str


@lru_cache(maxsize=1024)
def _compared_by(text: str) -> _Compared:
    location = split_location(text)
    if location is None:
        return _Compared(False, None, "", _loose_path(text))
    certain = _certain(location) if location.is_plain else None
    return _Compared(True, certain, _loose_host(location), _loose_path(location.path))


def _certain(location: Location) -> tuple[str, str, str]:
    if location.host in _ONE_NAME_PER_REPOSITORY:
        return "", location.host, location.path.lower()
    return location.scheme, location.host, location.path


def _without_suffix(path: str) -> str:
    return path.strip("/").removesuffix(".git").rstrip("/")


def _loose_host(location: Location) -> str:
    return unquote(location.host).partition(":")[0].rstrip(".").removeprefix("www.").casefold()


def _loose_path(path: str) -> str:
    return _without_suffix(normpath("/" + unquote(path).replace("\\", "/")).casefold())
